// y = act(op(a)·op(b)·scale + bias) + residual, pre = the value before act
// a [M, K] or [K, M], b [K, N] or [N, K], scale and bias [N], residual, y, pre [M, N]; M at most ROWS
//
// Few rows: what counts is to read b once and fast. A workgroup of COLS x
// 256/COLS takes 4·COLS columns, or COLS if b is stored [N, K], and splits k
// over the rest; the parts are summed as a tree.
#version 450
#include "matmul.glsl"

layout(constant_id = 14) const uint ROWS = 1;
layout(constant_id = 15) const uint COLS = 4;
const uint SIZE = 256;
const uint SLICES = SIZE / COLS;
layout(local_size_x = 256) in;

shared vec4 part[SIZE]; // [SLICES][COLS]

void main() {
    uint t = gl_LocalInvocationIndex;
    // The invocations that run along memory are neighbours.
    uint col = TRANS_B ? t / SLICES : t % COLS;
    uint slice = TRANS_B ? t % SLICES : t / COLS;
    uint n = gl_WorkGroupID.x * (TRANS_B ? COLS : 4 * COLS) + (TRANS_B ? col : 4 * col);

    vec4 sum[ROWS];
    [[unroll]] for (uint i = 0; i < ROWS; i++) {
        sum[i] = vec4(0);
    }
    if (n < N) {
        if (TRANS_B) {
            for (uint k = 4 * slice; k < K; k += 4 * SLICES) {
                vec4 v = b_along_k(k, n);
                [[unroll]] for (uint i = 0; i < ROWS; i++) {
                    sum[i] += v * a_along_k(min(i, M - 1), k);
                }
            }
        } else {
            for (uint k = slice; k < K; k += SLICES) {
                vec4 v = b_along_n(k, n);
                [[unroll]] for (uint i = 0; i < ROWS; i++) {
                    sum[i] += v * a_load(a_at(min(i, M - 1), k));
                }
            }
        }
    }
    uint mine = slice * COLS + col;
    for (uint i = 0; i < M; i++) {
        vec4 v = vec4(0);
        [[unroll]] for (uint j = 0; j < ROWS; j++) {
            if (j == i) { v = sum[j]; }
        }
        part[mine] = v;
        barrier();
        for (uint s = SLICES / 2; s > 0; s /= 2) {
            if (slice < s) { part[mine] += part[mine + s * COLS]; }
            barrier();
        }
        if (slice == 0 && n < N) {
            v = part[col];
            if (TRANS_B) {
                finish(i, n, (v.x + v.y) + (v.z + v.w));
            } else {
                finish4(i, n, v);
            }
        }
        barrier();
    }
}
