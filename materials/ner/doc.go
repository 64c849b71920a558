// Package ner finds named entities: it makes rows of a tokenised text for
// package task, and entities of what a model says of them.
//
// A sentence is words; a word's first piece carries its label, as MatSciBERT
// was trained (T. Gupta et al. 2022). Labels are BIO, and what is said is
// always legal: no entity begins with I.
package ner
