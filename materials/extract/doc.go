// Package extract finds the entities of documents and writes them in the forms
// that people's tools read.
//
// Inside, a place is a byte of the document's text; what is written counts
// Unicode code points from 0, the end excluded, as brat and spaCy do. Before an
// entity is written, its surface is cut out of the text by the numbers that are
// written, and must be the words that were found.
package extract
