package plan

import (
	"fmt"
	"maps"
	"slices"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/tensor"
)

// value is something that a program computes or is given.
type value struct {
	dtype tensor.DType
	shape []int
	kind  graph.Kind
	name  string
	by    *item // the item that makes it; nil for leaves
	keep  bool
	// over is the parameter or state that the value replaces, in place.
	over   *value
	output bool
	again  *value // the value that recompute made once more as this one
}

func (v *value) bytes() int64 { return int64(tensor.NumElements(v.shape)) * int64(v.dtype.Size()) }

// item is a step that has no places yet.
type item struct {
	kernel   string
	attr     any
	in, out  []*value
	backward bool
}

// draft is a program in the making.
type draft struct {
	items   []*item
	leaves  []*value // in the order of the graph
	outputs map[string]*value
	stores  []store
}

type store struct{ dst, value *value }

func build(g *graph.Graph, outputs map[string]*graph.Node) (*draft, error) {
	d := &draft{outputs: map[string]*value{}}
	values := map[*graph.Node]*value{}
	for _, n := range g.Nodes() {
		v := &value{dtype: n.DType(), shape: n.Shape(), kind: n.Kind(), name: n.Name(), keep: n.Kept()}
		values[n] = v
		switch n.Kind() {
		case graph.Op:
			it := &item{kernel: n.Kernel(), attr: n.Attr(), out: []*value{v}, backward: n.Backward()}
			for _, x := range n.In() {
				it.in = append(it.in, values[x])
			}
			v.by = it
			d.items = append(d.items, it)
		case graph.Part:
			v.by = values[n.Of()].by
			v.by.out = append(v.by.out, v)
		default:
			d.leaves = append(d.leaves, v)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(outputs)) {
		n := outputs[name]
		if n.Graph() != g {
			return nil, fmt.Errorf("plan: output %s belongs to another graph", name)
		}
		d.outputs[name] = values[n]
		values[n].output = true
	}
	for _, s := range g.Stores() {
		d.stores = append(d.stores, store{values[s.Dst], values[s.Value]})
	}
	// An update in place takes its operand's memory; any other store becomes
	// a copy at the end.
	var copies []*item
	readers := d.uses()
	for _, s := range d.stores {
		if !updates(s, readers) {
			v := &value{dtype: s.dst.dtype, shape: s.dst.shape, over: s.dst}
			it := &item{kernel: "copy", in: []*value{s.value}, out: []*value{v}, backward: true}
			v.by = it
			copies = append(copies, it)
		}
	}
	d.items = append(d.items, copies...)
	return d, nil
}

// updates reports whether the store's value is made in place of its target,
// and notes so: by a kernel made for it, by an elementwise kernel that is the
// target's only reader, or by a fill.
func updates(s store, readers map[*value]int) bool {
	it := s.value.by
	if it == nil {
		return false
	}
	in := false
	for _, p := range graph.InPlace(it.kernel) {
		in = in || it.out[p[0]] == s.value && it.in[p[1]] == s.dst
	}
	if it.out[0] == s.value && !s.value.output && s.value.dtype == s.dst.dtype {
		in = in || it.kernel == "fill" && readers[s.value] == 0
		in = in || graph.Elementwise(it.kernel) && slices.Contains(it.in, s.dst) && readers[s.dst] == 1 && readers[s.value] == 0
	}
	if in {
		s.value.over = s.dst
	}
	return in
}

// dead drops the items whose results nobody needs.
func (d *draft) dead() {
	live := map[*item]bool{}
	var mark func(v *value)
	mark = func(v *value) {
		if v.by == nil || live[v.by] {
			return
		}
		live[v.by] = true
		for _, x := range v.by.in {
			mark(x)
		}
	}
	for _, v := range d.outputs {
		mark(v)
	}
	for _, it := range d.items {
		for _, v := range it.out {
			if v.over != nil {
				mark(v)
			}
		}
	}
	d.items = slices.DeleteFunc(d.items, func(it *item) bool { return !live[it] })
}

// uses counts the operands that each value is, outputs included.
func (d *draft) uses() map[*value]int {
	n := map[*value]int{}
	for _, it := range d.items {
		for _, v := range it.in {
			n[v]++
		}
	}
	for _, v := range d.outputs {
		n[v]++
	}
	return n
}

// checkStores makes sure that nobody reads a parameter or state after it was
// replaced in place, that kernels which work in place are stored, and that
// nothing is stored to twice.
func (d *draft) checkStores() error {
	replaced := map[*value]bool{}
	for _, it := range d.items {
		for _, v := range it.in {
			if replaced[v] {
				return fmt.Errorf("plan: %s reads %s after it was replaced; read the new value instead", it.kernel, v.name)
			}
		}
		for _, p := range graph.InPlace(it.kernel) {
			if p[0] < len(it.out) && it.out[p[0]].over == nil {
				return fmt.Errorf("plan: output %d of %s works in place but is not stored", p[0], it.kernel)
			}
		}
		for _, v := range it.out {
			if v.over != nil {
				if replaced[v.over] {
					return fmt.Errorf("plan: %s is stored to twice", v.over.name)
				}
				replaced[v.over] = true
			}
		}
	}
	for name, v := range d.outputs {
		if replaced[v] {
			return fmt.Errorf("plan: output %s is %s, which the program replaces; give the new value, or read it from the backend", name, v.name)
		}
	}
	return nil
}
