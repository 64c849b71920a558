package figure

import (
	"fmt"
	"strconv"

	"github.com/kiban-models/kiban/core/figure"
)

// letters is the longest sequence whose residues are named under their bars.
const letters = 40

// Residues draws the surprise of each residue of one sequence in nats (minus
// the logarithm of its probability given what stands before it): high bars are
// residues the model did not expect. perResidueNats has one value a residue of
// seq; NaN where the model gives none. Baselines are nats per residue.
func Residues(perResidueNats []float64, seq string, baselines ...figure.Baseline) (*figure.Figure, error) {
	n := len(seq)
	if len(perResidueNats) != n || n == 0 {
		return nil, fmt.Errorf("bio figure: residues: %d values for %d residues, wanted one each and at least one", len(perResidueNats), n)
	}
	sum, count := 0.0, 0
	for _, v := range perResidueNats {
		if finite(v) {
			sum, count = sum+v, count+1
		}
	}
	if count == 0 {
		return nil, fmt.Errorf("bio figure: residues: no finite value among %d, wanted at least one", n)
	}
	opt := figure.Options{
		Title:    "Surprise by residue",
		Subtitle: fmt.Sprintf("%d residues, mean %s nats", n, figure.Number(sum/float64(count))),
		XLabel:   "Residue", YLabel: "Surprise (nats)",
		Baselines: baselines,
	}
	if n > letters {
		opt.XLabel = "Position (residue)"
		x := make([]float64, n)
		for i := range x {
			x[i] = float64(i + 1)
		}
		opt.YFromZero = true
		return figure.Curve([]figure.Series{{X: x, Y: perResidueNats}}, opt)
	}
	names := make([]string, n)
	for i := range n {
		// Every tenth residue carries its position on a second line; the
		// others a blank one, so that the letters stand level.
		position := " "
		if (i+1)%10 == 0 || i == 0 {
			position = strconv.Itoa(i + 1)
		}
		names[i] = seq[i:i+1] + "\n" + position
	}
	return figure.Bars(names, perResidueNats, opt)
}
