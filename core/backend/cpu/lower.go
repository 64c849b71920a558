package cpu

// #include "kernel.h"
import "C"

import (
	"fmt"
	"maps"
	"slices"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

// lowered is a step's constants as its C kernel wants them, in the order that
// the kernel's header gives, and its working memory: floats of each thread,
// bytes of all together.
type lowered struct {
	p            []int64
	f            []float32
	each, shared int64
}

type lowering func(s plan.Step) (lowered, error)

// lowerings has an entry for every kernel.
var lowerings = map[string]lowering{
	"activation":                lowerActivation,
	"activation_grad":           lowerActivation,
	"adamw":                     lowerAdamW,
	"add":                       plain,
	"affine_attention":          lowerAffineAttention,
	"affine_attention_grad":     lowerAffineAttention,
	"attention":                 lowerAttention,
	"attention_grad":            lowerAttentionGrad,
	"attention_probabilities":   lowerAttentionProbabilities,
	"cache_write":               lowerCacheWrite,
	"cast":                      plain,
	"copy":                      plain,
	"crf":                       lowerCRF,
	"crf_grad":                  lowerCRF,
	"dot":                       lowerDot,
	"dropout":                   lowerDropout,
	"embed":                     lowerEmbed,
	"embed_grad_table":          lowerEmbed,
	"fill":                      lowerFill,
	"grad_norm":                 lowerGradNorm,
	"layer_norm":                lowerLayerNorm,
	"layer_norm_grad_w":         lowerLayerNorm,
	"layer_norm_grad_x":         lowerLayerNorm,
	"linear_cross_entropy":      lowerLinearCrossEntropy,
	"linear_cross_entropy_grad": lowerLinearCrossEntropy,
	"logits_filter":             lowerLogits,
	"logits_penalty":            lowerLogits,
	"matmul":                    lowerMatMul,
	"mul":                       plain,
	"rotary":                    lowerRotary,
	"sample":                    lowerLogits,
	"scale":                     lowerScale,
	"sum_rows":                  lowerSumRows,
	"token_append":              lowerTokenAppend,
}

// Kernels returns the names of the kernels that exist here, in order.
func Kernels() []string { return slices.Sorted(maps.Keys(lowerings)) }

// compiled returns the names in the C table.
func compiled() []string {
	var names []string
	for i := C.int(0); ; i++ {
		n := C.kb_name(i)
		if n == nil {
			return names
		}
		names = append(names, C.GoString(n))
	}
}

// ints converts constants; a bool is 0 or 1.
func ints(values ...any) []int64 {
	p := make([]int64, len(values))
	for i, v := range values {
		switch v := v.(type) {
		case int:
			p[i] = int64(v)
		case int32:
			p[i] = int64(v)
		case uint32:
			p[i] = int64(v)
		case graph.Activation:
			p[i] = int64(v)
		case bool:
			if v {
				p[i] = 1
			}
		}
	}
	return p
}

// cols is the last dimension of a slot.
func cols(s plan.Slot) int {
	if len(s.Shape) == 0 {
		return 1
	}
	return s.Shape[len(s.Shape)-1]
}

func plain(plan.Step) (lowered, error) { return lowered{}, nil }

func lowerActivation(s plan.Step) (lowered, error) {
	return lowered{p: ints(s.Attr.(graph.ActivationAttr).Act)}, nil
}

func lowerAdamW(s plan.Step) (lowered, error) {
	return lowered{p: ints(s.Attr.(graph.AdamWAttr).Decay)}, nil
}

// The tables of 16-bit numbers are widened into shared memory.
func lowerAffineAttention(s plan.Step) (lowered, error) {
	at := s.Attr.(graph.AffineAttentionAttr)
	c, given := at.Heads*at.Width, at.Tokens*at.Numbers
	places := 2*given + 2*c + 2*at.Heads + (given+at.Tokens)*at.Heads
	table := 2*max((at.Numbers+1)*(c+at.Heads), 3*c) + c + at.Numbers
	l := lowered{
		p: ints(at.Rows, at.Tokens, at.Numbers, at.Heads, at.Width, at.NeedX), f: []float32{at.Scale},
		each: int64(max(places, table)),
	}
	if s.In[0].DType != tensor.F32 {
		l.shared = int64(given+at.Tokens+1) * int64(3*c) * 4
	}
	return l, nil
}

func lowerCacheWrite(s plan.Step) (lowered, error) {
	at := s.Attr.(graph.CacheWriteAttr)
	c := s.In[1].Len() / max(at.Batch*at.Len, 1)
	return lowered{p: ints(at.Batch, at.Len, at.CacheLen, at.Offset, at.Width, c)}, nil
}

func lowerCRF(s plan.Step) (lowered, error) {
	at := s.Attr.(graph.CRFAttr)
	l := int64(at.Labels)
	return lowered{p: ints(at.Batch, at.Len, at.Labels), each: 3 * l, shared: l * (l + 2) * 4}, nil
}

func lowerDot(s plan.Step) (lowered, error) {
	return lowered{shared: int64(graph.NormBlocks(s.In[0].Len())) * 4}, nil
}

func lowerDropout(s plan.Step) (lowered, error) {
	at := s.Attr.(graph.DropoutAttr)
	return lowered{p: ints(at.Salt, at.Span), f: []float32{at.P}}, nil
}

// embed has the table as operand 0, its gradient as output 0; the ids are
// operand 1 of both.
func lowerEmbed(s plan.Step) (lowered, error) {
	at := s.Attr.(graph.EmbedAttr)
	rows, n := at.Rows, s.In[1].Len()
	width := s.Out[0].Len() / max(n, 1)
	if s.Kernel == "embed_grad_table" {
		width = s.Out[0].Len() / rows
	}
	return lowered{p: ints(rows, width, n, at.Scaled), shared: int64(rows+2+n) * 4}, nil
}

func lowerFill(s plan.Step) (lowered, error) {
	if s.Out[0].DType == tensor.I32 {
		return lowered{}, fmt.Errorf("fills floats, not %v", s.Out[0].DType)
	}
	return lowered{f: []float32{s.Attr.(graph.FillAttr).Value}}, nil
}

func lowerGradNorm(s plan.Step) (lowered, error) {
	return lowered{f: []float32{s.Attr.(graph.GradNormAttr).MaxNorm}, shared: int64(len(s.In)) * 8}, nil
}

// The partial sums cover 128 rows (SUM_BLOCK in sum_rows.h).
func rowBlocks(rows int) int64 { return int64(rows+127) / 128 }

func lowerLayerNorm(s plan.Step) (lowered, error) {
	at := s.Attr.(graph.LayerNormAttr)
	x := s.In[0]
	c := s.Out[0].Len() // of layer_norm_grad_w
	switch s.Kernel {
	case "layer_norm":
		c = s.In[1].Len()
	case "layer_norm_grad_x":
		c = s.In[2].Len()
	}
	rows := x.Len() / c
	return lowered{
		p: ints(rows, c, at.Residual), f: []float32{at.Eps},
		each: int64(4 * c), shared: 2 * rowBlocks(rows) * int64(c) * 4,
	}, nil
}

func lowerSumRows(s plan.Step) (lowered, error) {
	c := s.Out[0].Len()
	rows := s.In[0].Len() / c
	return lowered{p: ints(rows, c), shared: rowBlocks(rows) * int64(c) * 4}, nil
}

// Products of fewer rows than few (SMALL in matmul.h) have them in shared memory,
// and behind them partial sums, of so many columns of a row at least (TILES times
// STREAM_N in few_rows.h).
const (
	few         = 17
	partialSums = 8 * 2048
)

// fewRows is the shared memory of a product of few rows.
func fewRows(m, n, k int, transB bool) int64 {
	floats := int64(m)*int64(k) + 16
	if !transB {
		floats += int64(m) * int64(max(n, partialSums))
	}
	return floats * 4
}

func lowerMatMul(s plan.Step) (lowered, error) {
	at := s.Attr.(graph.MatMulAttr)
	l := lowered{
		p:    ints(at.M, at.N, at.K, at.TransA, at.TransB, at.Bias, at.Act, at.Pre, at.Residual, at.Scaled),
		each: int64(C.kb_matmul_scratch()),
	}
	if at.M < few {
		l.shared = fewRows(at.M, at.N, at.K, at.TransB)
	}
	return l, nil
}

func lowerLinearCrossEntropy(s plan.Step) (lowered, error) {
	at := s.Attr.(graph.LinearCrossEntropyAttr)
	return lowered{
		p:    ints(at.Rows, at.Channels, at.Vocab, at.Chunk, at.NeedX, at.NeedW, at.Bias, at.NeedB, at.Scaled),
		each: int64(C.kb_matmul_scratch()), shared: fewRows(few, at.Channels, max(at.Channels, at.Vocab, at.Chunk), false),
	}, nil
}

func lowerRotary(s plan.Step) (lowered, error) {
	at := s.Attr.(graph.RotaryAttr)
	c := cols(s.In[0])
	return lowered{
		p:    ints(at.Batch*at.Len, c, at.Len, at.Heads, at.Layout.Offset, at.Layout.Stride, at.Turned, at.Places, at.Back),
		each: int64(2 * c),
	}, nil
}

func lowerScale(s plan.Step) (lowered, error) {
	return lowered{f: []float32{s.Attr.(graph.ScaleAttr).Factor}}, nil
}

func lowerLogits(s plan.Step) (lowered, error) {
	v := cols(s.In[0])
	length := 0
	if s.Kernel == "logits_penalty" {
		length = cols(s.In[1])
	}
	return lowered{p: ints(s.In[0].Len()/v, v, length), each: int64(2 * v)}, nil
}

func lowerTokenAppend(s plan.Step) (lowered, error) {
	at := s.Attr.(graph.TokenAppendAttr)
	return lowered{p: ints(at.Batch, at.Len, at.EOS)}, nil
}
