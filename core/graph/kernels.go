package graph

import (
	"maps"
	"slices"
)

// kernel is what the graph knows of a kernel besides its builder.
type kernel struct {
	grad   rule
	noGrad string // why there is no gradient rule
	// inPlace lists (output, operand) pairs that share memory, as far as there
	// are such outputs: the operation is an update of a parameter or state.
	inPlace [][2]int
	// elementwise kernels may write their output over an operand of the same
	// size that nobody reads afterwards.
	elementwise bool
	// joined kernels are made by plans of others, for backends that ask for it.
	joined bool
}

const (
	ofGradient = "it appears only in gradients, and second derivatives are not taken"
	discrete   = "its result is a choice, not a smooth function"
	update     = "it updates a state"
)

// kernels lists every kernel that a graph or a plan can emit. Backends and the
// conformance suite are checked against it.
var kernels = map[string]kernel{
	"activation":                {grad: gradActivation, elementwise: true},
	"activation_grad":           {noGrad: ofGradient, elementwise: true},
	"adamw":                     {noGrad: update, inPlace: [][2]int{{0, 0}, {1, 2}, {2, 3}}},
	"add":                       {grad: gradAdd, elementwise: true},
	"affine_attention":          {grad: gradAffineAttention},
	"affine_attention_grad":     {noGrad: ofGradient},
	"attention":                 {grad: gradAttention},
	"attention_grad":            {noGrad: ofGradient},
	"attention_probabilities":   {noGrad: "it is for looking at what attention attends to; a loss goes through that"},
	"cache_write":               {noGrad: update, inPlace: [][2]int{{0, 0}}},
	"cast":                      {grad: gradCast},
	"copy":                      {noGrad: "plans insert it for stores, after gradients are taken"},
	"crf":                       {grad: gradCRF},
	"crf_grad":                  {noGrad: ofGradient},
	"dot":                       {grad: gradDot},
	"dropout":                   {grad: gradDropout, elementwise: true},
	"embed":                     {grad: gradEmbed},
	"embed_grad_table":          {noGrad: ofGradient},
	"fill":                      {noGrad: "it has no operand"},
	"grad_norm":                 {noGrad: ofGradient},
	"layer_norm":                {grad: gradLayerNorm},
	"layer_norm_grad_w":         {noGrad: ofGradient},
	"layer_norm_grad_x":         {noGrad: ofGradient},
	"linear_cross_entropy":      {grad: gradLinearCrossEntropy},
	"linear_cross_entropy_grad": {noGrad: ofGradient},
	"logits_filter":             {noGrad: discrete},
	"logits_penalty":            {noGrad: discrete},
	"matmul":                    {grad: gradMatMul},
	"mul":                       {grad: gradMul, elementwise: true},
	"norm_matmul":               {noGrad: "plans make it of others, after gradients are taken", inPlace: [][2]int{{1, 3}, {2, 4}}, joined: true},
	"rotary":                    {grad: gradRotary},
	"sample":                    {noGrad: discrete},
	"scale":                     {grad: gradScale, elementwise: true},
	"sum_rows":                  {noGrad: ofGradient},
	"token_append":              {noGrad: discrete, inPlace: [][2]int{{0, 0}, {1, 1}, {2, 2}, {3, 3}}},
}

// Kernels returns the names of all kernels that a graph or a plan can emit, in
// order.
func Kernels() []string { return slices.Sorted(maps.Keys(kernels)) }

// Joined reports whether only plans for backends that ask for it emit a kernel:
// the others need not have it.
func Joined(name string) bool { return kernels[name].joined }

// NoGrad returns why a kernel has no gradient rule, or "" if it has one.
func NoGrad(name string) string { return kernels[name].noGrad }

// InPlace returns the (output, operand) pairs of a kernel that share memory, as
// far as a step has such outputs.
func InPlace(name string) [][2]int { return kernels[name].inPlace }

// Elementwise reports whether a kernel may write its output over an operand of
// the same size.
func Elementwise(name string) bool { return kernels[name].elementwise }
