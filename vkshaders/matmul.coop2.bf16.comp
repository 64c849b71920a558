// y = act(op(a)·op(b)·scale + bias) + residual, pre = the value before act; a and b are bf16
// a [M, K] or [K, M], b [K, N] or [N, K], scale and bias [N], residual, y, pre [M, N]
//
// glslc: newer, vulkan1.3
#version 450
#extension GL_EXT_bfloat16 : require
#define ELEMENT bfloat16_t
#include "matmul_coop2.glsl"
