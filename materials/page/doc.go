// Package page writes documents with their entities highlighted as an HTML file
// that opens anywhere: no script, nothing loaded, light and dark. Structure and
// class names are displaCy's (spaCy): div.entities with mark.entity, whose label
// stands in a span, so that style sheets written for it go on working. Each
// label has a colour and a line of its own, and the paler a mark, the less sure
// the model was.
//
// Attributes data-start and data-end of a mark are its code points in the text,
// counted from 0, the end excluded; the text of a div.entities without the labels
// is the document's, character by character, but for NUL, which HTML cannot have.
package page
