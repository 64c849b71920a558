package figure

import (
	"fmt"

	"github.com/kiban-models/kiban/core/figure"
)

// Property draws the distribution of a number, such as the molecular weight,
// among generated sequences and, if there are any, natural ones. The label has
// the unit in parentheses. Values that are not finite are left out.
func Property(title, label string, generated, natural []float64, marks ...figure.Baseline) (*figure.Figure, error) {
	samples := []figure.Sample{{Name: "generated", Values: generated}}
	if len(natural) > 0 {
		samples = append(samples, figure.Sample{Name: "natural", Values: natural})
	}
	return figure.Histogram(samples, 0, figure.Options{Title: title, XLabel: label, XMarks: marks})
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
