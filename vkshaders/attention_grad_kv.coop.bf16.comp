// dv = (K·P)ᵀ·d, dk = scale·dSᵀ·q, dS = P·(K·(d·vᵀ) - delta), K: dropout, P = exp(scale·q·kᵀ + bias - lse), summed over a group's query heads in order; q, k and v are bf16
// d [B·T, H·WIDTH], q, k, v as in attention, lse, delta [B, H, T], start, keys [B], dk as k, dv as v, seed [2], bias [H, places]
//
// glslc: newer, vulkan1.2
#version 450
#extension GL_EXT_bfloat16 : require
#define ELEMENT bfloat16_t
#define ELEMENT4 bf16vec4
#include "attention_coop_dkv.glsl"
