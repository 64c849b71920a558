package backendtest

import (
	"fmt"
	"math/rand/v2"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/tensor"
)

func crfCases() []Case {
	wrt := []string{"emissions", "transitions", "start", "end"}
	var cases []Case
	for _, s := range []struct {
		batch, length, labels int
		large                 bool
	}{{3, 5, 4, false}, {1, 1, 1, false}, {2, 3, 15, false}, {2, 31, 38, true}, {1, 40, 67, true}, {1, 512, 9, true}} {
		cases = append(cases, Case{
			Name: fmt.Sprintf("crf/%d of %d, %d labels", s.batch, s.length, s.labels), Wrt: wrt, Large: s.large,
			Build: func(m *Maker) map[string]*graph.Node {
				return one(crf(m, s.batch, s.length, s.labels, normal(1), normal(1), list(float64(s.length))))
			},
		})
		if s.labels == 1 { // certain, so that there is nothing to learn
			cases[len(cases)-1].Wrt = nil
		}
	}
	return append(cases, Case{
		Name: "crf/unequal lengths", Wrt: wrt,
		Build: func(m *Maker) map[string]*graph.Node {
			return one(crf(m, 6, 5, 7, normal(2), normal(1), list(5, 0, 1, 4, -3, 99)))
		},
	}, Case{ // the labels keep to the moves that are left
		Name: "crf/forbidden moves", Wrt: wrt,
		Build: func(m *Maker) map[string]*graph.Node {
			forbid := func(r *rand.Rand, i int) float64 {
				if from, to := i/4, i%4; to == 1 && from > 1 { // B, I, O, B'
					return -1e4
				}
				return r.NormFloat64()
			}
			y := graph.CRF(m.Input("emissions", tensor.F32, normal(1), 2*6, 4), m.Param("transitions", tensor.F32, forbid, 4, 4),
				m.Param("start", tensor.F32, list(0.5, -1e4, -0.1, 0.2), 4), m.Param("end", tensor.F32, normal(1), 4),
				m.Input("labels", tensor.I32, list(0, 1, 1, 2, 3, 0, 2, 2, 0, 1, 2, 0), 2*6), m.Input("lengths", tensor.I32, list(6, 5), 2))
			return one(y)
		},
	}, Case{ // emissions beyond what exp can take; two labels are close, the others far
		Name: "crf/far emissions", Wrt: wrt, Large: true,
		Build: func(m *Maker) map[string]*graph.Node {
			far := func(r *rand.Rand, i int) float64 {
				if j := i % 9; j < 2 {
					return 1e4 + float64(r.IntN(64))/64
				}
				return 1e4 * (2*r.Float64() - 1)
			}
			return one(crf(m, 3, 37, 9, far, normal(1), list(37, 36, 2)))
		},
	})
}

func crf(m *Maker, batch, length, labels int, emissions, transitions, lengths Values) *graph.Node {
	return graph.CRF(
		m.Input("emissions", tensor.F32, emissions, batch*length, labels),
		m.Param("transitions", tensor.F32, transitions, labels, labels),
		m.Param("start", tensor.F32, normal(1), labels), m.Param("end", tensor.F32, normal(1), labels),
		m.Input("labels", tensor.I32, integers(0, labels-1), batch*length),
		m.Input("lengths", tensor.I32, lengths, batch))
}
