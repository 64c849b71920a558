package backendtest

import "github.com/kiban-models/kiban/core/graph"

func activationCases() []Case {
	var cases []Case
	for _, act := range []graph.Activation{graph.Identity, graph.GeluTanh, graph.GeluErf, graph.ReLU, graph.SiLU, graph.Tanh} {
		cases = append(cases, Case{
			Name: "activation/" + act.String(), Wrt: []string{"x"}, Storage: true,
			Build: func(m *Maker) map[string]*graph.Node {
				return one(graph.Activate(m.Input("x", m.DT, normal(3), 7, 115), act))
			},
		}, Case{ // where exponentials overflow and nothing else must; odd length
			Name: "activation/" + act.String() + " of far values", Wrt: []string{"x"}, Large: true, Storage: true,
			Build: func(m *Maker) map[string]*graph.Node {
				return one(graph.Activate(m.Input("x", m.DT, list(-1000, -90, -20, -6, 0, 6, 20, 90, 1000), 4099), act))
			},
		})
	}
	return cases
}
