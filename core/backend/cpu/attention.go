package cpu

// #include "kernel.h"
import "C"

import (
	"fmt"
	"slices"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
)

// queryBlock is QUERY_BLOCK in attention.h.
const queryBlock = 64

// attentionConstants leaves those that only the gradient has 0.
func attentionConstants(s plan.Step, q int) []int64 {
	at := s.Attr.(graph.AttentionAttr)
	return ints(at.Batch, at.QueryLen, at.KeyLen, at.Heads, at.KVHeads, at.Width,
		at.Q.Offset, at.Q.Stride, at.K.Offset, at.K.Stride, at.V.Offset, at.V.Stride,
		at.Causal, at.HasStart, at.HasKeys,
		s.In[q].Len()/(at.Batch*at.QueryLen), s.In[q+1].Len()/(at.Batch*at.KeyLen), s.In[q+2].Len()/(at.Batch*at.KeyLen),
		0, 0, 0, 0, at.DropBelow(), at.Salt, at.Places, 0)
}

// keepBits is the memory of one row of dropout's bits, in floats; they are made
// by whole vectors.
func keepBits(at graph.AttentionAttr) int64 { return scoreRow(at)/32 + 8 }

func scoreRow(at graph.AttentionAttr) int64 { return int64(at.KeyLen+15) / 16 * 16 }

func lowerAttention(s plan.Step) (lowered, error) {
	at := s.Attr.(graph.AttentionAttr)
	scores, w := queryBlock*scoreRow(at), int64(at.Width)
	return lowered{
		p: attentionConstants(s, 0), f: []float32{at.Scale, at.KeepFactor()},
		each: int64(C.kb_matmul_scratch()) + scores + scores/2 + (queryBlock+1)*w + keepBits(at),
	}, nil
}

func lowerAttentionProbabilities(s plan.Step) (lowered, error) {
	at := s.Attr.(graph.AttentionAttr)
	return lowered{p: attentionConstants(s, 0), f: []float32{at.Scale, 1}, each: int64(C.kb_matmul_scratch())}, nil
}

func lowerAttentionGrad(s plan.Step) (lowered, error) {
	at := s.Attr.(graph.AttentionAttr)
	p := attentionConstants(s, 1)
	clear := 0
	for i := range 1 + slices.Max(at.Out[:]) {
		read, overlap := headColumns(at, i, s.Out[i])
		if overlap {
			return lowered{}, fmt.Errorf("heads of query, key or value share columns of one operand (%+v)", at)
		}
		if !read {
			clear |= 1 << i
		}
	}
	copy(p[18:], ints(at.Out[0], at.Out[1], at.Out[2], clear))
	copy(p[25:], ints(at.BiasGrad))
	scores, w := queryBlock*scoreRow(at), int64(at.Width)
	l := lowered{
		p: p, f: []float32{at.Scale, at.KeepFactor()},
		each: int64(C.kb_matmul_scratch()) + 3*scores + 2*int64(at.KeyLen)*w + (queryBlock+2)*w + keepBits(at),
	}
	if at.BiasGrad {
		l.shared = int64(at.Batch*at.Heads*at.Places) * 4
	}
	return l, nil
}

// headColumns reports whether the heads that read an operand together read all
// its columns, and whether any is read twice.
func headColumns(at graph.AttentionAttr, out int, s plan.Slot) (all, twice bool) {
	rows := at.Batch * at.KeyLen
	if at.Out[0] == out {
		rows = at.Batch * at.QueryLen
	}
	read := make([]bool, s.Len()/rows)
	for i, l := range [3]graph.HeadLayout{at.Q, at.K, at.V} {
		if at.Out[i] != out {
			continue
		}
		heads := at.KVHeads
		if i == 0 {
			heads = at.Heads
		}
		for h := range heads {
			for c := l.Offset + h*l.Stride; c < l.Offset+h*l.Stride+at.Width; c++ {
				twice = twice || read[c]
				read[c] = true
			}
		}
	}
	all = true
	for _, r := range read {
		all = all && r
	}
	return all, twice
}
