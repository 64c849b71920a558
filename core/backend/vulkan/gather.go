package vulkan

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

// manySpan is SPAN in vkshaders/include/many.glsl, with MANY.
const manySpan = 2048

// nothing is bound where a shader reads no byte: the table of a dispatch that is
// alone. Nothing is ever written there, so that no dispatch seems to wait for
// another.
var nothing = plan.Slot{Region: noRegion, DType: tensor.F32, Shape: []int{4}}

const noRegion plan.Region = 254

// many says how dispatches of a kernel over different arrays become one. Their
// first specialisation constant is MANY, their push constants are the array's
// length and what else the kernel wants to know, and their last operand is the
// table, which none reads while it is alone; see vkshaders/include/many.glsl.
type many struct {
	span   int    // elements of an array that a workgroup of the one dispatch has
	own    int    // so many operands, from the first, are the array's; others are the same for all
	writes uint32 // bit i: operand i is written
}

// eachOfMany is each (lower.go) for shaders that include many.glsl. Their
// specialisation constants are MANY and spec, their push constants n and push.
// Without m the dispatch stays alone.
func eachOfMany(shader string, n int, spec, push []uint32, bind []plan.Slot, m *many, f *features) ([]dispatch, error) {
	spec, push = append([]uint32{0}, spec...), append([]uint32{uint32(n)}, push...)
	ds, err := each(shader, n, 4, spec, push, append(slices.Clone(bind), nothing), f)
	if err == nil {
		ds[0].many = m
	}
	return ds, err
}

// gathered are dispatches that become one, in the place of the first.
type gathered struct {
	members []dispatch
	own     [][]span // of each member, its own operands
	bound   []span   // around those of all; then the operands that are the same, and the table
}

// gather makes one dispatch of those of a kernel over many arrays, such as the
// parameters of a model, between two barriers. What differs from array to array
// lies in a few blocks of memory; there is a dispatch for each tuple of blocks
// that occurs, which binds of each the piece with all the arrays in it.
func (r *Runner) gather(work []dispatch, barrier []bool, steps []timed) ([]dispatch, []bool, error) {
	if r.b.f.separate {
		return work, barrier, nil
	}
	in := make([]*gathered, len(work)) // what each dispatch becomes part of
	open := map[string]*gathered{}
	var all []*gathered
	for i, d := range work {
		if barrier[i] {
			clear(open)
		}
		if d.many == nil {
			continue
		}
		at, err := r.spans(d)
		if err != nil {
			return nil, nil, err
		}
		key := keyOf(d, at)
		g := open[key]
		if g == nil || !g.take(d, at, r.b.f.maxBind) {
			g = &gathered{[]dispatch{d}, [][]span{at[:d.many.own]}, slices.Clone(at)}
			all, open[key] = append(all, g), g
		}
		in[i] = g
	}
	one, err := r.withTables(all)
	if err != nil || len(one) == 0 {
		return work, barrier, err
	}
	var left []dispatch
	var waits []bool
	i := 0
	for s := range steps {
		for range steps[s].dispatches {
			d, ok := one[in[i]]
			switch {
			case !ok:
				left, waits = append(left, work[i]), append(waits, barrier[i])
			case d.groups[0] > 0: // the first of its members
				left, waits = append(left, d), append(waits, barrier[i])
				one[in[i]] = dispatch{}
			default:
				steps[s].dispatches--
			}
			i++
		}
	}
	return left, waits, r.keepApart(left, waits)
}

// keyOf says which dispatches can become one: those of a pipeline whose own
// operands lie in the same blocks and whose others are the same.
func keyOf(d dispatch, at []span) string {
	key := fmt.Sprint(d.shader, d.spec)
	for i, s := range at[:len(at)-1] {
		key += fmt.Sprintf(" %p", s.block)
		if i >= d.many.own {
			key += fmt.Sprintf("+%d", s.offset)
		}
	}
	return key
}

// take adds a dispatch with its operands, unless the device cannot bind a piece
// that holds them as well.
func (g *gathered) take(d dispatch, at []span, maxBind int64) bool {
	bound := slices.Clone(g.bound)
	for i, s := range at[:d.many.own] {
		b := &bound[i]
		end := max(b.offset+b.bytes, s.offset+s.bytes)
		b.offset = min(b.offset, s.offset)
		if b.bytes = end - b.offset; b.bytes > maxBind {
			return false
		}
	}
	g.members, g.own, g.bound = append(g.members, d), append(g.own, at[:d.many.own]), bound
	return true
}

// withTables returns the dispatch of each of those that have several members.
func (r *Runner) withTables(all []*gathered) (map[*gathered]dispatch, error) {
	one := map[*gathered]dispatch{}
	var tables []byte
	for _, g := range all {
		if len(g.members) == 1 {
			continue
		}
		table, workgroups := g.table()
		groups, err := grid(workgroups, &r.b.f)
		if err != nil {
			return nil, err
		}
		d := g.members[0]
		d.spec = append([]uint32{1}, d.spec[1:]...)
		d.push = append([]uint32{uint32(workgroups)}, make([]uint32, len(d.push)-1)...)
		d.groups = groups
		d.at = g.bound
		d.at[len(d.at)-1] = span{nil, int64(len(tables)), int64(len(table))}
		one[g] = d
		tables = append(tables, table...)
		tables = append(tables, make([]byte, up(int64(len(tables)), r.b.f.align)-int64(len(tables)))...)
	}
	if len(one) == 0 {
		return nil, nil
	}
	var err error
	if r.tables, err = r.b.newBlock(int64(len(tables)), false); err != nil {
		return nil, fmt.Errorf("tables of arrays: %w", err)
	}
	for _, d := range one {
		d.at[len(d.at)-1].block = r.tables
	}
	return one, r.b.upload(span{r.tables, 0, int64(len(tables))}, tables)
}

// table returns the rows of the workgroups, and their number.
func (g *gathered) table() (table []byte, workgroups int) {
	for i, d := range g.members {
		n := int(d.push[0])
		for part := range ceil(n, d.many.span) {
			row := []uint32{uint32(n), uint32(part)}
			for k, s := range g.own[i] {
				row = append(row, uint32((s.offset-g.bound[k].offset)/16)) // plans and blocks are aligned to more
			}
			row = append(row, d.push[1:]...)
			for len(row)%4 != 0 {
				row = append(row, 0)
			}
			for _, w := range row {
				table = binary.LittleEndian.AppendUint32(table, w)
			}
			workgroups++
		}
	}
	return table, workgroups
}

// keepApart sets a barrier where a gathered dispatch binds memory of which
// another one since the last barrier writes some: they may touch no byte in
// common, as the plan says, but a device or a validation layer sees what is
// bound.
func (r *Runner) keepApart(work []dispatch, barrier []bool) error {
	type piece struct {
		span
		write, whole bool // whole: more than the arrays of one step
	}
	var since []piece
	for i, d := range work {
		at, err := r.spans(d)
		if err != nil {
			return err
		}
		var mine []piece
		for k, s := range at {
			p := piece{s, true, false}
			if d.at != nil {
				p.write, p.whole = d.many.writes>>k&1 == 1, k < d.many.own
			}
			mine = append(mine, p)
		}
		for _, a := range mine {
			for _, b := range since {
				if (a.whole || b.whole) && (a.write || b.write) && a.block == b.block &&
					a.offset < b.offset+b.bytes && b.offset < a.offset+a.bytes {
					barrier[i] = true
				}
			}
		}
		if barrier[i] {
			since = since[:0]
		}
		since = append(since, mine...)
	}
	return nil
}

// spans returns what a dispatch binds.
func (r *Runner) spans(d dispatch) ([]span, error) {
	if d.at != nil {
		return d.at, nil
	}
	at := make([]span, len(d.bind))
	for i, s := range d.bind {
		var err error
		if at[i], err = r.resolve(s); err != nil {
			return nil, fmt.Errorf("shader %s, operand %d: %w", d.shader, i, err)
		}
	}
	return at, nil
}
