package plan

import (
	"cmp"
	"slices"

	"github.com/kiban-models/kiban/core/graph"
)

// buffer is a piece of scratch memory that one value, or a chain of values
// made over one another, occupies from its first step to its last.
type buffer struct {
	bytes       int64
	first, last int
	offset      int64
}

// place gives every value its slot. Values whose lives do not overlap share
// scratch memory. A life lasts to the end of the group of steps, so that what
// may run side by side is not kept apart by memory alone.
func (d *draft) place(lim Limits) *Program {
	if lim.Align <= 0 {
		lim.Align = 64
	}
	p := &Program{Inputs: map[string]Slot{}, Outputs: map[string]Slot{}}
	slots := map[*value]Slot{}
	io := func(v *value) Slot {
		s := Slot{Region: IO, Offset: p.IOBytes, DType: v.dtype, Shape: v.shape}
		p.IOBytes += up(v.bytes(), lim.Align)
		return s
	}
	used := d.uses()
	for _, it := range d.items {
		for _, v := range it.out {
			if v.over != nil {
				used[v.over]++
			}
		}
	}
	for _, v := range d.leaves {
		named := Named{v.name, v.dtype, v.shape}
		switch {
		case v.kind == graph.Input: // kept even when unused, so that it can be written
			slots[v] = io(v)
			p.Inputs[v.name] = slots[v]
		case used[v] == 0:
		case v.kind == graph.Param:
			p.Params = append(p.Params, named)
			slots[v] = Slot{Region: Params, Name: v.name, DType: v.dtype, Shape: v.shape}
		default:
			p.States = append(p.States, named)
			slots[v] = Slot{Region: States, Name: v.name, DType: v.dtype, Shape: v.shape}
		}
	}

	group := d.groups()
	readers := map[*value][]int{}
	for i, it := range d.items {
		for _, v := range it.in {
			readers[v] = append(readers[v], i)
		}
	}
	last := func(v *value, i int) int {
		for _, j := range readers[v] {
			i = max(i, j)
		}
		return i
	}
	var buffers []*buffer
	in := map[*value]*buffer{}
	for i, it := range d.items {
		taken := false
		for k, v := range it.out {
			switch {
			case v.over != nil:
				s := slots[v.over]
				s.Shape = v.shape
				slots[v] = s
				continue
			case v.output:
				slots[v] = io(v)
				continue
			}
			if k == 0 && graph.Elementwise(it.kernel) && !taken {
				if b := reusable(it, i, v, in, readers, group); b != nil {
					in[v], taken = b, true
					b.last = last(v, i)
					continue
				}
			}
			b := &buffer{bytes: up(v.bytes(), lim.Align), first: i, last: last(v, i)}
			buffers = append(buffers, b)
			in[v] = b
		}
	}
	for _, b := range buffers {
		b.first, b.last = group[b.first], group[b.last]
	}
	p.ScratchBytes = pack(buffers, lim)
	for v, b := range in {
		slots[v] = Slot{Region: Scratch, Offset: b.offset, DType: v.dtype, Shape: v.shape}
	}
	for name, v := range d.outputs {
		p.Outputs[name] = slots[v]
	}
	for _, it := range d.items {
		s := Step{Kernel: it.kernel, Attr: it.attr}
		for _, v := range it.in {
			s.In = append(s.In, slots[v])
		}
		for _, v := range it.out {
			s.Out = append(s.Out, slots[v])
		}
		p.Steps = append(p.Steps, s)
	}
	return p
}

// reusable returns the buffer of an operand of item i that v may be written
// over: nobody else reads it later or in the same group, and it has v's size.
func reusable(it *item, i int, v *value, in map[*value]*buffer, readers map[*value][]int, group []int) *buffer {
	for _, x := range it.in {
		b := in[x]
		if b == nil || b.last != i || x.bytes() != v.bytes() {
			continue
		}
		if !slices.ContainsFunc(readers[x], func(j int) bool { return j != i && group[j] >= group[i] }) {
			return b
		}
	}
	return nil
}

// pack gives the buffers offsets, the largest first, each at the lowest place
// that is free during its life, and returns the size of the region.
func pack(buffers []*buffer, lim Limits) int64 {
	order := slices.Clone(buffers)
	slices.SortStableFunc(order, func(a, b *buffer) int { return cmp.Compare(b.bytes, a.bytes) })
	var placed []*buffer // by offset
	var size int64
	for _, b := range order {
		var at int64
		for _, o := range placed {
			if o.first > b.last || o.last < b.first {
				continue
			}
			if at+b.bytes <= o.offset && fits(at, b.bytes, lim) {
				break
			}
			if at = max(at, o.offset+o.bytes); !fits(at, b.bytes, lim) {
				at = up(at, lim.MaxBuffer)
			}
		}
		b.offset = at
		i, _ := slices.BinarySearchFunc(placed, at, func(o *buffer, at int64) int { return cmp.Compare(o.offset, at) })
		placed = slices.Insert(placed, i, b)
		size = max(size, at+b.bytes)
	}
	return size
}

// fits reports whether a value may lie at offset at.
func fits(at, bytes int64, lim Limits) bool {
	return lim.MaxBuffer <= 0 || bytes > lim.MaxBuffer || at/lim.MaxBuffer == (at+bytes-1)/lim.MaxBuffer
}

func up(n, align int64) int64 { return (n + align - 1) / align * align }
