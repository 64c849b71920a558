package vulkan

import (
	"fmt"
	"slices"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

// lowerAttentionGrad gives the row sums of d·o, then dq by queries and dk and
// dv by keys, so that no two workgroups add to the same element. The workgroups of
// queries leave their sums of the bias's gradient in temporary memory, as many
// floats as it has for each, and a last dispatch adds them up. Columns that
// no head covers become zeros first. Where heads of the query, key and value
// share columns, which a model without projections may do, their gradients are
// added one after the other.
func lowerAttentionGrad(s plan.Step, f *features) ([]dispatch, error) {
	at := s.Attr.(graph.AttentionAttr)
	a, err := attentionOf(at, s.In[1:4], s.In[6:], f)
	if err != nil {
		return nil, err
	}
	a.out = s.Out
	d, o, lse, delta := s.In[0], s.In[4], s.In[5], s.Out[len(s.Out)-1]
	dq, dk, dv := s.Out[at.Out[0]], s.Out[at.Out[1]], s.Out[at.Out[2]]

	n := at.Batch * at.QueryLen * at.Heads
	ds, err := each("attention_grad_delta", n, 1, []uint32{a.storage, uint32(at.Width)},
		[]uint32{uint32(n), uint32(at.QueryLen), uint32(at.Heads)}, []plan.Slot{d, o, delta}, f)
	if err != nil {
		return nil, err
	}
	gaps, shared := coverage(a)
	for i, x := range s.Out[:1+slices.Max(at.Out[:])] {
		if gaps[i] || shared {
			zero, err := fillSlot(x, 0, f)
			if err != nil {
				return nil, err
			}
			ds = append(ds, zero)
		}
	}

	in := []plan.Slot{d, a.q, a.k, a.v, lse, delta, a.start, a.keys}
	byQuery, err := a.dispatch("attention_grad_q", append(in[:8:8], dq, a.seed, a.bias, dq), at.QueryLen, at.Heads,
		tile{own: 2, other: 1, scores: 1}, flag(at.BiasGrad))
	if err != nil {
		return nil, err
	}
	byQuery.wait = true
	part := plan.Slot{Region: temporary, DType: tensor.F32, Shape: []int{at.Batch * int(byQuery.groups[0]), at.Heads * at.Places}}
	if at.BiasGrad {
		byQuery.bind[11], byQuery.temporary = part, part.Bytes()
	}
	ds = append(ds, byQuery)
	wants := [][3]uint32{{1, 1, 0}} // dk, dv, and whether they are added
	if shared {
		wants = [][3]uint32{{1, 0, 1}, {0, 1, 1}}
	} else if at.Width > narrowHead && a.coopTile("attention_grad_kv", at.KeyLen, at.KVHeads).own > 0 {
		wants = [][3]uint32{{1, 0, 0}, {0, 1, 0}} // the sums of both would not fit the registers
	}
	for _, want := range wants {
		byKey, err := a.dispatch("attention_grad_kv", append(in[:8:8], dk, dv, a.seed, a.bias), at.KeyLen, at.KVHeads,
			tile{own: 2, other: 2, scores: 2}, want[:]...)
		if err != nil {
			return nil, err
		}
		byKey.wait = shared
		ds = append(ds, byKey)
	}
	if at.BiasGrad {
		rows, cols := matrix(part)
		sum := columnsDispatch("sum_rows", 0, rows, cols, false, []plan.Slot{part, s.Out[len(s.Out)-2]}, f)
		if sum.groups[0] > f.groups[0] {
			return nil, fmt.Errorf("a bias of %d heads and %d places, more than the device can sum: use fewer places", at.Heads, at.Places)
		}
		sum.wait = true
		ds = append(ds, sum)
		return ds, indexable(part)
	}
	return ds, nil
}

// coverage says of each result whether some of its columns belong to no head,
// and whether any column belongs to heads of two operands.
func coverage(a *attention) (gaps [3]bool, shared bool) {
	var covered [3][]bool
	mark := func(out, cols, heads int, l graph.HeadLayout) {
		if covered[out] == nil {
			covered[out] = make([]bool, cols)
		}
		for h := range heads {
			for j := range a.Width {
				col := &covered[out][l.Offset+h*l.Stride+j]
				shared = shared || *col
				*col = true
			}
		}
	}
	mark(a.Out[0], a.qc, a.Heads, a.Q)
	mark(a.Out[1], a.kc, a.KVHeads, a.K)
	mark(a.Out[2], a.vc, a.KVHeads, a.V)
	for i, cols := range covered {
		gaps[i] = slices.Contains(cols, false)
	}
	return gaps, shared
}
