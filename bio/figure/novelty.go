package figure

import (
	"fmt"
	"math"
	"slices"

	"github.com/kiban-models/kiban/core/figure"
)

// Property draws the distribution of a number, such as the molecular weight,
// among generated sequences and, if there are any, others such as "training".
// The label has the unit in parentheses. Values that are not finite are left
// out; so are those further from the middle 98 of 100 of both sets than half of
// their range, which the subtitle counts.
func Property(title, label string, generated, others []float64, name string, marks ...figure.Baseline) (*figure.Figure, error) {
	opt := figure.Options{Title: title, XLabel: label, XMarks: marks}
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, v := range [][]float64{generated, others} {
		a, z, ok := middle98(v)
		if ok {
			lo, hi = min(lo, a), max(hi, z)
		}
	}
	lo, hi = lo-(hi-lo)/2, hi+(hi-lo)/2
	shown := func(v []float64) (out []float64, outside int) {
		for _, x := range v {
			switch {
			case !finite(x):
			case x < lo || x > hi:
				outside++
			default:
				out = append(out, x)
			}
		}
		return out, outside
	}
	g, gOut := shown(generated)
	samples := []figure.Sample{{Name: "generated", Values: g}}
	o, oOut := shown(others)
	if len(others) > 0 {
		samples = append(samples, figure.Sample{Name: name, Values: o})
	}
	if gOut+oOut > 0 {
		opt.Subtitle = fmt.Sprintf("outside %s to %s and not drawn: %d generated", figure.Number(lo), figure.Number(hi), gOut)
		if len(others) > 0 {
			opt.Subtitle += fmt.Sprintf(", %d %s", oOut, name)
		}
	}
	return figure.Histogram(samples, 0, opt)
}

// middle98 is the range of the finite values without the lowest and the highest
// hundredth.
func middle98(v []float64) (lo, hi float64, ok bool) {
	v = slices.DeleteFunc(slices.Clone(v), func(x float64) bool { return !finite(x) })
	if len(v) == 0 {
		return 0, 0, false
	}
	slices.Sort(v)
	return v[(len(v)-1)/100], v[len(v)-1-(len(v)-1)/100], true
}

// Novelty draws how much of each generated sequence its nearest training
// sequence has, in 20 steps, beside the identities by which UniRef30, 50 and 90
// put sequences into one cluster. identities are shares of 1; NaN, for a
// sequence without any hit, counts as 0.
func Novelty(identities []float64) (*figure.Figure, error) {
	const bins = 20
	counts := make([]float64, bins)
	none := 0
	for _, v := range identities {
		if !finite(v) {
			none++
			v = 0
		}
		counts[min(bins-1, max(0, int(v*bins)))]++
	}
	if len(identities) == 0 {
		return nil, fmt.Errorf("bio figure: novelty: no sequences, wanted at least one")
	}
	sub := fmt.Sprintf("n = %s generated sequences", thousands(len(identities)))
	if none > 0 {
		sub += fmt.Sprintf("; %s without any hit, drawn at 0", thousands(none))
	}
	return figure.Steps(0, 1, counts, figure.Options{Title: "Identity to the nearest training sequence", Subtitle: sub,
		XLabel: "Identical residues (share of the generated sequence)", YLabel: "Sequences",
		XMarks: []figure.Baseline{{Name: "30 %", Value: 0.3}, {Name: "50 %", Value: 0.5}, {Name: "90 %", Value: 0.9}}})
}

// SimilarSequence is a node of a similarity network, at its place.
type SimilarSequence struct {
	ID      string
	Natural bool
	X, Y    float64
}

// Similarity draws the network of generated and natural sequences; edges are
// pairs of sequence numbers.
func Similarity(sequences []SimilarSequence, edges [][2]int, subtitle string) (*figure.Figure, error) {
	nodes := make([]figure.NetworkNode, len(sequences))
	for i, s := range sequences {
		nodes[i] = figure.NetworkNode{Name: s.ID, X: s.X, Y: s.Y}
		if !s.Natural {
			nodes[i].Group = 1
		}
	}
	return figure.Network(nodes, edges, []string{"natural", "generated"}, figure.Options{Title: "Sequence similarity", Subtitle: subtitle})
}
