package vulkan

import (
	"fmt"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
)

// maxWidth is the widest head that the attention kernels take: their sums stay
// in registers.
const maxWidth = 256

// fewQueries is the largest number of queries of a sequence, as in decoding,
// that get a workgroup each.
const fewQueries = 4

func lowerAttention(s plan.Step, f *features) ([]dispatch, error) {
	a, err := attentionOf(s.Attr.(graph.AttentionAttr), s.In[:3], s.In[3:], f)
	if err != nil {
		return nil, err
	}
	a.out = s.Out
	bind := []plan.Slot{a.q, a.k, a.v, a.start, a.keys, s.Out[0], s.Out[1]}
	if a.QueryLen <= fewQueries && a.Dropout == 0 {
		return a.decode(bind), indexable(s.Out...)
	}
	d, err := a.dispatch("attention", append(bind, a.seed, a.bias), a.QueryLen, a.Heads, tile{own: 1, other: 1, scores: 1, lanes: 1})
	if err != nil {
		return nil, err
	}
	return []dispatch{d}, nil
}

// attention is what its kernels have in common.
type attention struct {
	graph.AttentionAttr
	f              *features
	q, k, v        plan.Slot
	start, keys    plan.Slot   // where there is none, any value, which is not read
	bias, seed     plan.Slot   // likewise
	out            []plan.Slot // of the step
	storage        uint32
	qc, kc, vc     int // columns of the matrices
	optional, push []uint32
}

func attentionOf(at graph.AttentionAttr, qkv, optional []plan.Slot, f *features) (*attention, error) {
	a := &attention{AttentionAttr: at, f: f, q: qkv[0], k: qkv[1], v: qkv[2], start: qkv[0], keys: qkv[0], bias: qkv[0], seed: qkv[0]}
	var err error
	if a.storage, err = typeOf(a.q.DType); err != nil {
		return nil, err
	}
	if at.Width > maxWidth {
		return nil, fmt.Errorf("heads of width %d, wanted at most %d", at.Width, maxWidth)
	}
	if err := indexable(qkv...); err != nil {
		return nil, err
	}
	if at.HasStart {
		a.start, optional = optional[0], optional[1:]
	}
	if at.HasKeys {
		a.keys, optional = optional[0], optional[1:]
	}
	if at.Places > 0 {
		a.bias, optional = optional[0], optional[1:]
	}
	if at.Dropout > 0 {
		a.seed = optional[0]
	}
	a.qc = a.q.Len() / (at.Batch * at.QueryLen)
	a.kc, a.vc = a.k.Len()/(at.Batch*at.KeyLen), a.v.Len()/(at.Batch*at.KeyLen)
	for _, n := range []int{
		at.QueryLen, at.KeyLen, at.Heads, at.Heads / at.KVHeads,
		a.qc, at.Q.Offset, at.Q.Stride, a.kc, at.K.Offset, at.K.Stride, a.vc, at.V.Offset, at.V.Stride,
	} {
		a.push = append(a.push, uint32(n))
	}
	a.push = append(a.push, word(at.Scale), at.DropBelow(), at.Salt, word(at.KeepFactor()), uint32(at.Places))
	a.optional = []uint32{flag(at.Causal), flag(at.HasStart), flag(at.HasKeys), flag(at.Dropout > 0), flag(at.Places > 0)}
	return a, nil
}

// multiples reports whether all heads begin at multiples of n elements, and are
// so wide, so that vectors of n can be loaded.
func (a *attention) multiples(n int) bool {
	for _, at := range []int{a.Width, a.qc, a.kc, a.vc, a.Q.Offset, a.Q.Stride, a.K.Offset, a.K.Stride, a.V.Offset, a.V.Stride} {
		if at%n != 0 {
			return false
		}
	}
	return true
}

// tile says how many tiles a kernel of vkshaders/include/attention.glsl keeps
// in shared memory: of its own rows, of the others, of scores, and of one
// value for each lane.
type tile struct{ own, other, scores, lanes int }

// size returns the numbers of own and other rows, the largest that fit.
func (t tile) size(width int, shared int64) (rows, cols int, err error) {
	stride := ceil(width, 4) | 1
	for _, try := range [][2]int{{32, 32}, {32, 16}, {16, 16}, {8, 16}, {8, 8}, {4, 8}, {4, 4}} {
		rows, cols = try[0], try[1]
		vectors := (t.own*rows+t.other*cols)*stride + rows/4*(t.scores*(cols+1)+t.lanes*17)
		if int64(16*vectors+8*cols) <= shared {
			return rows, cols, nil
		}
	}
	return 0, 0, fmt.Errorf("heads of width %d need more shared memory than the %d bytes of the device", width, shared)
}

// keepBytes is the most shared memory that dropout's tile takes: 32 queries and
// 32 keys, eight to a word; tiles of other sizes take no more.
const keepBytes = 4 * 32 * 32 / 8

// dispatch launches a kernel with a workgroup for every so many of n rows of
// every one of heads heads of every sequence: on cooperative matrices, or on
// tiles t.
func (a *attention) dispatch(shader string, bind []plan.Slot, n, heads int, t tile, spec ...uint32) (dispatch, error) {
	if err := indexable(bind...); err != nil {
		return dispatch{}, err
	}
	if t := a.coopTile(shader, n, heads); t.own > 0 {
		if a.BiasGrad && shader == "attention_grad_q" { // by tiles the sums of the bias's gradient differ
			return a.coop(shader, bind, n, heads, t, spec...), nil
		}
		return a.f.fastest(a.coopChoice(shader, bind, n, heads, t, spec...))[0], nil
	}
	return a.plain(shader, bind, n, heads, t, spec...)
}

// plain is dispatch on tiles.
func (a *attention) plain(shader string, bind []plan.Slot, n, heads int, t tile, spec ...uint32) (dispatch, error) {
	if err := indexable(bind...); err != nil {
		return dispatch{}, err
	}
	shared := a.f.shared
	if a.Dropout > 0 {
		shared -= keepBytes
	}
	rows, cols, err := t.size(a.Width, shared)
	if err != nil {
		return dispatch{}, err
	}
	d := a.launch(shader, bind, ceil(n, rows), heads, rows, cols)
	d.spec = append(d.spec, spec...)
	return d, nil
}

// launch gives a kernel its constants and so many workgroups a head.
func (a *attention) launch(shader string, bind []plan.Slot, groups, heads, rows, cols int) dispatch {
	spec := []uint32{uint32(4 * rows), a.storage, uint32(a.Width), uint32(rows), uint32(cols), flag(a.multiples(4))}
	return dispatch{
		shader: shader, spec: append(spec, a.optional...), push: a.push, bind: bind,
		groups: [3]uint32{uint32(groups), uint32(heads), uint32(a.Batch)},
	}
}
