// y = act(op(a)·op(b) + bias) + residual, pre = the value before act
// a [M, K] or [K, M], b [K, N] or [N, K], bias [N], residual, y, pre [M, N]
//
// Each invocation keeps ROWS rows of four columns in registers. There is no
// shared memory, which is slow where the device is the CPU.
#version 450
#extension GL_EXT_control_flow_attributes : require
#include "matmul.glsl"

layout(constant_id = 12) const uint ROWS = 8;
layout(local_size_x = 8, local_size_y = 4) in;

void main() {
    uint n = gl_GlobalInvocationID.x * 4;
    uint m = gl_GlobalInvocationID.y * ROWS;
    if (n >= N || m >= M) {
        return;
    }
    vec4 sum[ROWS];
    [[unroll]] for (uint i = 0; i < ROWS; i++) {
        sum[i] = vec4(0);
    }
    // Rows and columns past the end repeat the last, and are not stored.
    uint last_m = M - 1, last_n = N - 1;
    for (uint k = 0; k < K; k += 4) {
        vec4 bk[4]; // of k to k+3, along n
        if (TRANS_B) {
            mat4 t = transpose(mat4(b_along_k(k, n), b_along_k(k, min(n + 1, last_n)),
                                    b_along_k(k, min(n + 2, last_n)), b_along_k(k, min(n + 3, last_n))));
            [[unroll]] for (uint j = 0; j < 4; j++) {
                bk[j] = t[j];
            }
        } else {
            [[unroll]] for (uint j = 0; j < 4; j++) {
                bk[j] = k + j < K ? b_along_n(k + j, n) : vec4(0);
            }
        }
        if (TRANS_A && ROWS % 4 == 0) {
            [[unroll]] for (uint i = 0; i < ROWS; i += 4) {
                uint at = m + i < M ? m + i : m;
                [[unroll]] for (uint j = 0; j < 4; j++) {
                    vec4 v = k + j < K ? a_along_m(at, k + j) : vec4(0);
                    sum[i] += v.x * bk[j];
                    sum[i + 1] += v.y * bk[j];
                    sum[i + 2] += v.z * bk[j];
                    sum[i + 3] += v.w * bk[j];
                }
            }
        } else {
            [[unroll]] for (uint i = 0; i < ROWS; i++) {
                vec4 v = a_along_k(min(m + i, last_m), k);
                sum[i] += v.x * bk[0];
                sum[i] += v.y * bk[1];
                sum[i] += v.z * bk[2];
                sum[i] += v.w * bk[3];
            }
        }
    }
    [[unroll]] for (uint i = 0; i < ROWS; i++) {
        if (m + i < M) {
            finish4(m + i, n, sum[i]);
        }
    }
}
