package plan

import "github.com/kiban-models/kiban/core/graph"

// Flow says which value each slot of a program is meant to hold. Values are
// numbered; slots of one number hold one value.
type Flow struct {
	In, Out         [][]int // by step and operand
	Leaves, Outputs map[string]int
}

// CompileFlow is Compile, with the values behind the slots.
func CompileFlow(g *graph.Graph, lim Limits, opt Options, outputs map[string]*graph.Node) (*Program, *Flow, error) {
	d, err := drafted(g, lim, opt, outputs)
	if err != nil {
		return nil, nil, err
	}
	f := &Flow{Leaves: map[string]int{}, Outputs: map[string]int{}}
	numbers := map[*value]int{}
	number := func(v *value) int {
		n, ok := numbers[v]
		if !ok {
			n = len(numbers)
			numbers[v] = n
		}
		return n
	}
	for _, v := range d.leaves {
		f.Leaves[v.name] = number(v)
	}
	all := func(values []*value) []int {
		var n []int
		for _, v := range values {
			n = append(n, number(v))
		}
		return n
	}
	for _, it := range d.items {
		f.In = append(f.In, all(it.in))
		f.Out = append(f.Out, all(it.out))
	}
	for name, v := range d.outputs {
		f.Outputs[name] = number(v)
	}
	p := d.place(lim)
	barriers(p)
	return p, f, nil
}
