package backendtest

import (
	"math"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/tensor"
)

var posInf, negInf = math.Inf(1), math.Inf(-1)

// Rounding must be to nearest even, so these are exact: the inputs lie on, just
// below and just above the middle between neighbours, among subnormals, and at
// the edge of overflow.
func castCases() []Case {
	var cases []Case
	ties := map[tensor.DType]float64{tensor.BF16: 1.0 / 256, tensor.F16: 1.0 / 2048}
	for _, dt := range []tensor.DType{tensor.BF16, tensor.F16} {
		half := ties[dt]
		const bit = 1.0 / (1 << 22)
		for name, values := range map[string]Values{
			"normal":     normal(1),
			"ties":       list(1+half, 1+3*half, 1+half-bit, 1+half+bit, -1-half, -1-3*half, 1.5+half),
			"subnormals": list(1.0/(1<<24), 1.5/(1<<24), 2.5/(1<<24), -3.5/(1<<24), 0.49/(1<<24), 1023.5/(1<<24)),
			"overflow":   list(65504, 65519, 65520, -65520, posInf, negInf, 1e6, 3e38),
		} {
			cases = append(cases, Case{
				Name: "cast/to " + dt.String() + " " + name, Tol: 1e-7,
				Build: func(m *Maker) map[string]*graph.Node {
					y := graph.Cast(m.Input("x", tensor.F32, values, 7, 115), dt)
					return map[string]*graph.Node{"there": y, "back": graph.Cast(y, tensor.F32)}
				},
			})
		}
	}
	return append(cases, Case{
		Name: "cast/between halves", Tol: 1e-7,
		Build: func(m *Maker) map[string]*graph.Node {
			return one(graph.Cast(m.Input("x", tensor.BF16, normal(1), 4099), tensor.F16))
		},
	}, Case{
		Name: "cast/gradient", Wrt: []string{"x"}, Tol: 1.0 / 64,
		Build: func(m *Maker) map[string]*graph.Node {
			return one(graph.Cast(m.Input("x", tensor.F32, normal(1), 7, 115), tensor.BF16))
		},
	})
}
