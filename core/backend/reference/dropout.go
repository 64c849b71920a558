package reference

import (
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
)

// The counter of element i is (low half of i, high half of i, salt).
func dropout(s plan.Step, in, out [][]float64) {
	at := s.Attr.(graph.DropoutAttr)
	k0, k1 := word(in[1][0]), word(in[1][1])
	for i, x := range in[0] {
		out[0][i] = 0
		if graph.Uniform(graph.Philox(uint32(i), uint32(uint64(i)>>32), at.Salt, k0, k1)) >= at.P {
			out[0][i] = x / (1 - float64(at.P))
		}
	}
}

// word returns the bits of an i32.
func word(v float64) uint32 { return uint32(int32(v)) }
