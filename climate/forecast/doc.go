// Package forecast has ClimaX (Nguyen et al. 2023, arXiv:2301.10343), a vision
// transformer for fields of weather and climate, as microsoft/ClimaX 6d5d354
// computes it and under its names.
//
// Each variable of a field has an embedding of its own for patches of the grid.
// One learned query joins the variables of a patch by cross-attention, so that
// a model takes any subset of its variables; what it forecasts, at a lead time
// that is an input, is all of them. [Model] is that model, [Projection] its
// variant for ClimateBench, which maps some years of forcings to one field.
//
// Which variables a program reads, which patches of the grid (a region) and
// which variables count in the loss are data, not part of the program: [Batch]
// holds them, [Session] runs them. The published model makes the tokens of all
// variables and projects each to a key and a value; since these are affine in
// the few numbers of a patch, here the projections are multiplied first and the
// tokens never made (graph.AffineAttention). The numbers are the same but for
// rounding.
//
// [Weights] reads what is published and what [Save] writes: Lightning's .ckpt
// and safetensors, one convolution a variable or all stacked, old names and new,
// other grids and other variables.
package forecast
