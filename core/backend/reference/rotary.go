package reference

import (
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
)

// Operands: x, the table, and start if there is one.
func rotary(s plan.Step, in, out [][]float64) {
	at := s.Attr.(graph.RotaryAttr)
	c, h := len(in[0])/(at.Batch*at.Len), at.Turned/2
	copy(out[0], in[0])
	for row := range at.Batch * at.Len {
		place := row % at.Len
		if at.HasStart {
			place += int(in[2][row/at.Len])
		}
		angles := in[1][min(max(place, 0), at.Places-1)*at.Turned:][:at.Turned]
		for head := range at.Heads {
			first := row*c + at.Layout.Offset + head*at.Layout.Stride
			x, y := in[0][first:], out[0][first:]
			for i := range h {
				cos, sin := angles[i], angles[h+i]
				if at.Back {
					sin = -sin
				}
				y[i], y[h+i] = x[i]*cos-x[h+i]*sin, x[h+i]*cos+x[i]*sin
			}
		}
	}
}
