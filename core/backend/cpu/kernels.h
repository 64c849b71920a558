// All kernels of one level, and their table.
#include "machine.h"
#include "vector.h"

#include "gemm.h"
#include "philox.h"
#include "rows.h"

#include "activation.h"
#include "matmul.h"
#include "sum_rows.h"
#include "adamw.h"
#include "add.h"
#include "affine_attention.h"
#include "attention.h"
#include "attention_grad.h"
#include "cache_write.h"
#include "cast.h"
#include "copy.h"
#include "crf.h"
#include "dot.h"
#include "dropout.h"
#include "embed.h"
#include "fill.h"
#include "grad_norm.h"
#include "layer_norm.h"
#include "linear_cross_entropy.h"
#include "mul.h"
#include "sample.h"
#include "scale.h"
#include "token_append.h"

const kb_entry LEVEL(kb_kernels)[] = {
	{"activation", activation},
	{"activation_grad", activation_grad},
	{"adamw", adamw},
	{"add", add},
	{"affine_attention", affine_attention},
	{"affine_attention_grad", affine_attention_grad},
	{"attention", attention},
	{"attention_grad", attention_grad},
	{"cache_write", cache_write},
	{"cast", cast},
	{"copy", copy},
	{"crf", crf},
	{"crf_grad", crf_grad},
	{"dot", dot},
	{"dropout", dropout},
	{"embed", embed},
	{"embed_grad_table", embed_grad_table},
	{"fill", fill},
	{"grad_norm", grad_norm},
	{"layer_norm", layer_norm},
	{"layer_norm_grad_w", layer_norm_grad_w},
	{"layer_norm_grad_x", layer_norm_grad_x},
	{"linear_cross_entropy", linear_cross_entropy},
	{"linear_cross_entropy_grad", linear_cross_entropy_grad},
	{"logits_filter", logits_filter},
	{"logits_penalty", logits_penalty},
	{"matmul", matmul},
	{"mul", mul},
	{"sample", sample},
	{"scale", scale},
	{"sum_rows", sum_rows},
	{"token_append", token_append},
	{0, 0},
};
