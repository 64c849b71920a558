package crf

import (
	"fmt"
	"math"
)

// Lattice holds the sums over all paths of one sequence, by the forward and
// backward algorithm.
type Lattice struct {
	w         Weights
	emissions []float32
	// By place and label: log-sums over the paths up to it, with its own
	// emission, and over those after it, without.
	before, after []float64
	logZ          float64
}

// Lattice sums over all paths of emissions, which must not change afterwards.
func (w Weights) Lattice(emissions []float32) *Lattice {
	n, l := w.places(emissions), w.Labels
	x := &Lattice{w: w, emissions: emissions, before: make([]float64, n*l), after: make([]float64, n*l)}
	if n == 0 {
		return x
	}
	ways := make([]float64, l)
	for t := range n {
		for j := range l {
			at := t*l + j
			x.before[at] = float64(w.Start[j])
			if t > 0 {
				for i := range l {
					ways[i] = x.before[at-j-l+i] + float64(w.Transitions[i*l+j])
				}
				x.before[at] = logSumExp(ways)
			}
			x.before[at] += float64(emissions[at])
		}
	}
	for t := n - 1; t >= 0; t-- {
		for i := range l {
			if t == n-1 {
				x.after[t*l+i] = float64(w.End[i])
				continue
			}
			for j := range l {
				at := (t+1)*l + j
				ways[j] = float64(w.Transitions[i*l+j]) + float64(emissions[at]) + x.after[at]
			}
			x.after[t*l+i] = logSumExp(ways)
		}
	}
	for j := range l {
		ways[j] = x.before[(n-1)*l+j] + float64(w.End[j])
	}
	x.logZ = logSumExp(ways)
	return x
}

// LogZ returns log Σ exp(score) over all paths, 0 of no places.
func (x *Lattice) LogZ() float64 { return x.logZ }

// LogLikelihood returns the log of a path's probability.
func (x *Lattice) LogLikelihood(path []int) float64 { return x.w.Score(x.emissions, path) - x.logZ }

// Marginal returns the probability that place t has the label.
func (x *Lattice) Marginal(t, label int) float64 {
	at := t*x.w.Labels + label
	return math.Exp(x.before[at] + x.after[at] - x.logZ)
}

// Stretch returns the probability that the places from on have just these
// labels, whatever the others have: the confidence of an entity (Culotta and
// McCallum 2004). That it ends there is the difference of two: with BIO, of the
// entity's own labels and of those with one more I behind. No labels give 1; a
// stretch that leaves the sequence is a mistake of the caller, and panics.
func (x *Lattice) Stretch(from int, labels []int) float64 {
	l := x.w.Labels
	if from < 0 || (from+len(labels))*l > len(x.before) {
		panic(fmt.Sprintf("crf: %d labels from place %d on, of %d", len(labels), from, len(x.before)/l))
	}
	if len(labels) == 0 {
		return 1
	}
	sum := x.before[from*l+labels[0]]
	for k := 1; k < len(labels); k++ {
		sum += float64(x.w.Transitions[labels[k-1]*l+labels[k]]) + float64(x.emissions[(from+k)*l+labels[k]])
	}
	last := len(labels) - 1
	return math.Exp(sum + x.after[(from+last)*l+labels[last]] - x.logZ)
}

// logSumExp returns log Σ exp(x), -Inf of nothing.
func logSumExp(x []float64) float64 {
	top := math.Inf(-1)
	for _, v := range x {
		top = max(top, v)
	}
	if math.IsInf(top, 0) {
		return top
	}
	sum := 0.0
	for _, v := range x {
		sum += math.Exp(v - top)
	}
	return top + math.Log(sum)
}
