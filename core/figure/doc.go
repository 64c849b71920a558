// Package figure draws plain values in one house style and writes them as
// files that are the same bytes on every run: SVG for papers, PNG at 300 dpi
// for slides, and a CSV of the numbers behind the picture.
//
// The style follows what journals ask for: 89 mm (single column) or 183 mm
// (double) wide, Liberation Sans (metric-compatible with Arial) at 7 pt with
// 6 pt ticks, no grid, white ground, and the Okabe-Ito colours in an order that
// keeps the readable ones first. A colour never carries a meaning alone: lines
// differ by dash too.
//
// Nothing here knows a tensor or a model. Labels carry units in parentheses,
// for instance "Loss (nats per token)".
package figure
