// o = softmax(scale·q·kᵀ + bias)·v by heads, lse = log Σ exp(scale·q·kᵀ + bias); keys are met once, by tiles (Dao et al. 2022); q, k and v are bf16
// q [B·T, q_cols], k [B·S, k_cols], v [B·S, v_cols], start [B], keys [B], o [B·T, H·WIDTH], lse [B, H, T], seed [2], bias [H, places]
//
// glslc: newer, vulkan1.2
#version 450
#extension GL_EXT_bfloat16 : require
#define ELEMENT bfloat16_t
#define ELEMENT4 bf16vec4
#include "attention_coop_o.glsl"
