// Package example carries what a user can try the materials verbs on without
// data of his own: abstracts whose entities are marked, and documents of many
// kinds that are not among them. All of it was written for Kiban; README.md,
// which is written out with it, says how it was marked.
//
// annotated.txt is the one source. Its CoNLL, brat and CSV forms are made when
// they are asked for, with the words that [corpus.Words] finds, so that a model
// is taught the words that it will see.
package example
