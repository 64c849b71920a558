package reference

import (
	"math"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
)

// Operands: logits [B, V], seed [2], stream [B], pos [B]; the output is the
// first index whose cumulated probability exceeds the uniform number of
// counter (pos, stream, 0).
func sample(_ plan.Step, in, out [][]float64) {
	logits, seed, stream, pos := in[0], in[1], in[2], in[3]
	vocab := len(logits) / len(pos)
	for b := range pos {
		row := logits[b*vocab:][:vocab]
		u := float64(graph.Uniform(graph.Philox(word(pos[b]), word(stream[b]), 0, word(seed[0]), word(seed[1]))))
		lse, sum, drawn := logSumExp(row), 0.0, 0
		for v, logit := range row {
			p := math.Exp(logit - lse)
			if p == 0 {
				continue
			}
			drawn = v // stays, should rounding leave the sum below u
			if sum += p; sum > u {
				break
			}
		}
		out[0][b] = float64(drawn)
	}
}
