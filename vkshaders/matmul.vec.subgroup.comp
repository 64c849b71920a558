// y = act(op(a)·op(b)·scale + bias) + residual, pre = the value before act
// a [M, K] or [K, M], b [K, N] or [N, K], scale and bias [N], residual, y, pre [M, N]; M at most ROWS
#version 450
#include "matmul_vec.glsl"

layout(std430, set = 0, binding = 0) readonly buffer a_b5 { uvec4 a_u16x8[]; };
EIGHT(a)

Eight row_eight(uint m, uint k) {
    if (WIDE_A && !TRANS_A) { return a_wide(a_at(m, k)); }
    return Eight(a_along_k(m, k), PER == 4 ? vec4(0) : a_along_k(m, k + 4));
}

vec4 row_four(uint m, uint k) { return a_along_k(m, k); }

void main() { multiply(); }
