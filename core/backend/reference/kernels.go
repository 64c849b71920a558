package reference

import (
	"maps"
	"slices"

	"github.com/kiban-models/kiban/core/plan"
)

// kernel computes the outputs of a step from its operands. An output may be
// the same memory as an operand where package graph allows it.
type kernel func(s plan.Step, in, out [][]float64)

var kernels = map[string]kernel{
	"activation":                activation,
	"activation_grad":           activationGrad,
	"adamw":                     adamW,
	"add":                       add,
	"affine_attention":          affineAttention,
	"affine_attention_grad":     affineAttentionGrad,
	"attention":                 attention,
	"attention_grad":            attentionGrad,
	"attention_probabilities":   attentionProbabilities,
	"cache_write":               cacheWrite,
	"cast":                      cast,
	"copy":                      copyValue,
	"crf":                       crf,
	"crf_grad":                  crfGrad,
	"dot":                       dot,
	"dropout":                   dropout,
	"embed":                     embed,
	"embed_grad_table":          embedGradTable,
	"fill":                      fill,
	"grad_norm":                 gradNorm,
	"layer_norm":                layerNorm,
	"layer_norm_grad_w":         layerNormGradW,
	"layer_norm_grad_x":         layerNormGradX,
	"linear_cross_entropy":      linearCrossEntropy,
	"linear_cross_entropy_grad": linearCrossEntropyGrad,
	"logits_filter":             logitsFilter,
	"logits_penalty":            logitsPenalty,
	"matmul":                    matMul,
	"mul":                       mul,
	"norm_matmul":               normMatMul,
	"rotary":                    rotary,
	"sample":                    sample,
	"scale":                     scale,
	"sum_rows":                  sumRows,
	"token_append":              tokenAppend,
}

// Kernels returns the names of the kernels that exist here, in order.
func Kernels() []string { return slices.Sorted(maps.Keys(kernels)) }
