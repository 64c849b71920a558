// Package metric holds the numbers by which models of sequences are judged,
// and the baselines that they must beat. Everything is plain values.
//
// # Per-residue perplexity
//
// Models cut a sequence differently: letters, or pieces of several letters
// with line breaks between. So that their numbers can be compared, perplexity
// per residue is always
//
//	exp(nats of everything predicted for the sequence / (residues + 1))
//
// "Everything" is every token after the start symbol, line breaks included, and
// the symbol that ends the sequence; the end is the 1 that is added to the
// residues. Of many sequences, nats and counts are summed before they are
// divided. The baselines here predict the residues and the end by the same
// definition.
package metric

import "math"

// Likelihood sums how well places were predicted. The zero value is empty.
type Likelihood struct {
	Nats   float64 // negative log-likelihood, natural logarithm
	Places int64   // that it is divided by: tokens, or residues + 1 a sequence
}

// Add counts nats spent on places.
func (l *Likelihood) Add(nats float64, places int64) {
	l.Nats += nats
	l.Places += places
}

// CrossEntropy returns nats a place; NaN when there is none.
func (l Likelihood) CrossEntropy() float64 { return l.Nats / float64(l.Places) }

// Perplexity returns exp(CrossEntropy); NaN when there is no place.
func (l Likelihood) Perplexity() float64 { return math.Exp(l.CrossEntropy()) }

// Bits returns bits a place.
func (l Likelihood) Bits() float64 { return l.CrossEntropy() / math.Ln2 }
