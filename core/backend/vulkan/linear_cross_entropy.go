package vulkan

import (
	"fmt"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

// The logits of a chunk of rows, then their losses, and so on.
func lowerLinearCrossEntropy(s plan.Step, f *features) ([]dispatch, error) {
	at := s.Attr.(graph.LinearCrossEntropyAttr)
	x, w, labels := s.In[0], s.In[1], s.In[2]
	loss, logits := s.Out[0], s.Out[1]
	if err := indexable(operands(s)...); err != nil {
		return nil, err
	}
	chunk, err := chunkRows(at, x, f)
	if err != nil {
		return nil, err
	}
	var scale, bias *plan.Slot
	rest := s.In[3:]
	if at.Scaled {
		scale, rest = &rest[0], rest[1:]
	}
	if at.Bias {
		bias = &rest[0]
	}
	var ds []dispatch
	for first := 0; first < at.Rows; first += chunk {
		rows := min(chunk, at.Rows-first)
		chunked := rowsOf(logits, 0, rows, at.Vocab)
		logits := product{
			m: rows, n: at.Vocab, k: at.Channels, transB: true,
			a: rowsOf(x, first, rows, at.Channels), b: w, out: chunked, scale: scale, bias: bias,
		}.dispatches(f)
		logits[0].wait = first > 0
		ds = append(append(ds, logits...), dispatch{
			shader: "cross_entropy", spec: []uint32{0, 0, wideLanes(f)}, push: []uint32{uint32(first), uint32(at.Vocab)},
			bind:   []plan.Slot{chunked, labels, loss, loss, chunked},
			groups: [3]uint32{uint32(rows), 1, 1}, wait: true,
		})
	}
	return ds, nil
}

// For each chunk the logits, then losses and gradients of the logits (over
// them where x is stored as f32), then its part of dx and what it adds to
// dw and db.
func lowerLinearCrossEntropyGrad(s plan.Step, f *features) ([]dispatch, error) {
	at := s.Attr.(graph.LinearCrossEntropyAttr)
	d, x, w, labels := s.In[0], s.In[1], s.In[2], s.In[3]
	dx, dw, loss, logits := s.Out[0], s.Out[1], s.Out[2], s.Out[3]
	dlogits := logits
	if x.DType != tensor.F32 {
		dlogits = s.Out[4]
	}
	storage, err := typeOf(x.DType)
	if err != nil {
		return nil, err
	}
	if err := indexable(operands(s)...); err != nil {
		return nil, err
	}
	chunk, err := chunkRows(at, x, f)
	if err != nil {
		return nil, err
	}
	var bias *plan.Slot
	if at.Bias {
		bias = &s.In[4]
	}
	var ds []dispatch
	for first := 0; first < at.Rows; first += chunk {
		rows := min(chunk, at.Rows-first)
		xs, ls, dls := rowsOf(x, first, rows, at.Channels), rowsOf(logits, 0, rows, at.Vocab), rowsOf(dlogits, 0, rows, at.Vocab)
		logits := product{m: rows, n: at.Vocab, k: at.Channels, transB: true, a: xs, b: w, out: ls, bias: bias}.dispatches(f)
		logits[0].wait = first > 0
		ds = append(append(ds, logits...), dispatch{
			shader: "cross_entropy", spec: []uint32{storage, 1, wideLanes(f)}, push: []uint32{uint32(first), uint32(at.Vocab)},
			bind:   []plan.Slot{ls, labels, loss, d, dls},
			groups: [3]uint32{uint32(rows), 1, 1}, wait: true,
		})
		wait := true
		if at.NeedX {
			by := matmulDispatches(rows, at.Channels, at.Vocab, false, false, dls, w, rowsOf(dx, first, rows, at.Channels), false, f)
			by[0].wait, wait = wait, false
			ds = append(ds, by...)
		}
		if at.NeedW {
			by := matmulDispatches(at.Vocab, at.Channels, rows, true, false, dls, xs, dw, first > 0, f)
			by[0].wait, wait = wait, false
			ds = append(ds, by...)
		}
		if at.NeedB {
			by := columnsDispatch("sum_rows", storage, rows, at.Vocab, first > 0, []plan.Slot{dls, s.Out[len(s.Out)-1]}, f)
			by.wait = wait
			ds = append(ds, by)
		}
	}
	return ds, nil
}

// rowsOf returns rows first to first+rows of a matrix of so many columns.
func rowsOf(s plan.Slot, first, rows, cols int) plan.Slot {
	s.Offset += int64(first) * int64(cols) * int64(s.DType.Size())
	s.Shape = []int{rows, cols}
	return s
}

// chunkRows returns how many rows are done at a time: at most Chunk, and such
// that each chunk of x begins where a binding may.
func chunkRows(at graph.LinearCrossEntropyAttr, x plan.Slot, f *features) (int, error) {
	if at.Chunk >= at.Rows {
		return at.Rows, nil
	}
	for chunk := at.Chunk; chunk > 0; chunk-- {
		if int64(chunk)*int64(at.Channels)*int64(x.DType.Size())%f.bindAlign == 0 {
			return chunk, nil
		}
	}
	return 0, fmt.Errorf("no chunk of at most %d rows of %d %v begins at a multiple of %d bytes: use a width that is a multiple of 8",
		at.Chunk, at.Channels, x.DType, f.bindAlign)
}
