package reference

import (
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
)

// The counter of element i is (low half, high half, salt) of its span, which
// is i unless elements share a number.
func dropout(s plan.Step, in, out [][]float64) {
	at := s.Attr.(graph.DropoutAttr)
	k0, k1 := word(in[1][0]), word(in[1][1])
	for i, x := range in[0] {
		out[0][i] = 0
		n := uint64(i / max(1, at.Span))
		if graph.Uniform(graph.Philox(uint32(n), uint32(n>>32), at.Salt, k0, k1)) >= at.P {
			out[0][i] = x / (1 - float64(at.P))
		}
	}
}

// word returns the bits of an i32.
func word(v float64) uint32 { return uint32(int32(v)) }
