// y = act(op(a)·op(b)·scale + bias) + residual, pre = the value before act
// a [M, K] or [K, M], b [K, N] or [N, K], scale and bias [N], residual, y, pre [M, N]
//
// Each invocation keeps ROWS rows of 4·QUADS columns in registers. There is no
// shared memory, which is slow where the device is the CPU. Products are summed
// over BLOCK elements of k and then added to the total, which rounds less.
#version 450
#include "matmul.glsl"

layout(constant_id = 14) const uint ROWS = 8; // if a is transposed, less than 4 or a multiple
layout(constant_id = 15) const uint QUADS = 2;
layout(constant_id = 16) const uint DEPTH = 4; // of a turn of the loop: 4, 8 or 16
const uint BLOCK = 256;
layout(local_size_x = 8, local_size_y = 4) in;

vec4 part[ROWS * QUADS];

void add(uint i, float v, vec4 bk[QUADS]) {
    [[unroll]] for (uint q = 0; q < QUADS; q++) {
        part[i * QUADS + q] += v * bk[q];
    }
}

void main() {
    uint n = gl_GlobalInvocationID.x * 4 * QUADS;
    uint m = gl_GlobalInvocationID.y * ROWS;
    if (n >= N || m >= M) {
        return;
    }
    vec4 sum[ROWS * QUADS];
    [[unroll]] for (uint i = 0; i < ROWS * QUADS; i++) {
        sum[i] = vec4(0);
    }
    // Rows and columns past the end repeat the last, and are not stored.
    uint last_m = M - 1, last_n = N - 1;
    for (uint k0 = 0; k0 < K; k0 += BLOCK) {
        [[unroll]] for (uint i = 0; i < ROWS * QUADS; i++) {
            part[i] = vec4(0);
        }
        uint end = min(k0 + BLOCK, K);
        for (uint k1 = k0; k1 < end; k1 += DEPTH) {
            [[unroll]] for (uint j = 0; j < DEPTH; j += 4) {
                uint k = k1 + j;
                if (j == 0 || k < K) {
                    vec4 b0[QUADS], b1[QUADS], b2[QUADS], b3[QUADS]; // of k to k+3, along n
                    [[unroll]] for (uint q = 0; q < QUADS; q++) {
                        uint at = n + 4 * q < N ? n + 4 * q : n;
                        if (TRANS_B) {
                            mat4 t = transpose(mat4(b_along_k(k, at), b_along_k(k, min(at + 1, last_n)),
                                                    b_along_k(k, min(at + 2, last_n)), b_along_k(k, min(at + 3, last_n))));
                            b0[q] = t[0];
                            b1[q] = t[1];
                            b2[q] = t[2];
                            b3[q] = t[3];
                        } else {
                            b0[q] = b_along_n(k, at);
                            b1[q] = k + 1 < K ? b_along_n(k + 1, at) : vec4(0);
                            b2[q] = k + 2 < K ? b_along_n(k + 2, at) : vec4(0);
                            b3[q] = k + 3 < K ? b_along_n(k + 3, at) : vec4(0);
                        }
                    }
                    if (TRANS_A && ROWS % 4 == 0) {
                        [[unroll]] for (uint i = 0; i < ROWS; i += 4) {
                            uint at = m + i < M ? m + i : m;
                            vec4 v = a_along_m(at, k);
                            add(i, v.x, b0); add(i + 1, v.y, b0); add(i + 2, v.z, b0); add(i + 3, v.w, b0);
                            v = k + 1 < K ? a_along_m(at, k + 1) : vec4(0);
                            add(i, v.x, b1); add(i + 1, v.y, b1); add(i + 2, v.z, b1); add(i + 3, v.w, b1);
                            v = k + 2 < K ? a_along_m(at, k + 2) : vec4(0);
                            add(i, v.x, b2); add(i + 1, v.y, b2); add(i + 2, v.z, b2); add(i + 3, v.w, b2);
                            v = k + 3 < K ? a_along_m(at, k + 3) : vec4(0);
                            add(i, v.x, b3); add(i + 1, v.y, b3); add(i + 2, v.z, b3); add(i + 3, v.w, b3);
                        }
                    } else {
                        [[unroll]] for (uint i = 0; i < ROWS; i++) {
                            vec4 v = a_along_k(min(m + i, last_m), k);
                            add(i, v.x, b0);
                            add(i, v.y, b1);
                            add(i, v.z, b2);
                            add(i, v.w, b3);
                        }
                    }
                }
            }
        }
        [[unroll]] for (uint i = 0; i < ROWS * QUADS; i++) {
            sum[i] += part[i];
        }
    }
    [[unroll]] for (uint i = 0; i < ROWS; i++) {
        [[unroll]] for (uint q = 0; q < QUADS; q++) {
            if (m + i < M && n + 4 * q < N) {
                finish4(m + i, n + 4 * q, sum[i * QUADS + q]);
            }
        }
    }
}
