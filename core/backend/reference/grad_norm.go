package reference

import (
	"math"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
)

// Operands: gradients, and last the scale. Outputs: norm and factor; partial sums of squares, graph.NormBlock elements
// each, none of them over two operands.
func gradNorm(s plan.Step, in, out [][]float64) {
	limit := float64(s.Attr.(graph.GradNormAttr).MaxNorm)
	total, block := 0.0, 0
	grads, scale := in[:len(in)-1], in[len(in)-1][0]
	for _, g := range grads {
		for from := 0; from < len(g); from += graph.NormBlock {
			sum := 0.0
			for _, x := range g[from:min(from+graph.NormBlock, len(g))] {
				sum += x * x
			}
			out[1][block] = sum
			block++
			total += sum
		}
	}
	finite := total <= math.MaxFloat32*math.MaxFloat32 // as its root in f32; NaN is not
	norm := math.Sqrt(total) / scale
	factor := 1.0
	if limit > 0 {
		factor = min(1, limit/(norm+1e-6))
	}
	if factor /= scale; !finite {
		factor = -1
	}
	out[0][0], out[0][1] = norm, factor
}
