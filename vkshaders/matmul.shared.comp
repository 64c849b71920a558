// y = act(op(a)·op(b)·scale + bias) + residual, pre = the value before act
// a [M, K] or [K, M], b [K, N] or [N, K], scale and bias [N], residual, y, pre [M, N]
//
// A workgroup of 16 x 16 computes a tile of 64·TM x 64·TN, going along k in
// pieces of DEPTH that stand in shared memory.
#version 450
#include "matmul.glsl"

layout(constant_id = 14) const uint TM = 1; // groups of four rows an invocation
layout(constant_id = 15) const uint TN = 1; // groups of four columns an invocation
layout(constant_id = 16) const bool BLOCKED = false; // sum by blocks of k, which rounds less
const uint DEPTH = 16;
const uint BLOCK = 256;
const uint SIDE = 16;
layout(local_size_x = 16, local_size_y = 16) in;

const uint QM = SIDE * TM; // groups of four rows in the tile
const uint QN = SIDE * TN;
shared vec4 as[DEPTH * (QM + 1)]; // one more, against bank conflicts
shared vec4 bs[DEPTH * (QN + 1)];

void load_a(uint m0, uint k0, uint t) {
    [[unroll]] for (uint c = 0; c < TM; c++) {
        uint i = t + c * SIDE * SIDE;
        if (TRANS_A) {
            uint q = i % QM, k = i / QM;
            bool there = k0 + k < K && m0 + 4 * q < M;
            as[k * (QM + 1) + q] = there ? a_along_m(m0 + 4 * q, k0 + k) : vec4(0);
        } else {
            uint k = i % (DEPTH / 4) * 4, m = i / (DEPTH / 4);
            bool there = k0 + k < K && m0 + m < M;
            vec4 v = there ? a_along_k(m0 + m, k0 + k) : vec4(0);
            [[unroll]] for (uint j = 0; j < 4; j++) {
                as[(k + j) * (QM + 1) + m / 4][m % 4] = v[j];
            }
        }
    }
}

void load_b(uint n0, uint k0, uint t) {
    [[unroll]] for (uint c = 0; c < TN; c++) {
        uint i = t + c * SIDE * SIDE;
        if (TRANS_B) {
            uint k = i % (DEPTH / 4) * 4, n = i / (DEPTH / 4);
            bool there = k0 + k < K && n0 + n < N;
            vec4 v = there ? b_along_k(k0 + k, n0 + n) : vec4(0);
            [[unroll]] for (uint j = 0; j < 4; j++) {
                bs[(k + j) * (QN + 1) + n / 4][n % 4] = v[j];
            }
        } else {
            uint q = i % QN, k = i / QN;
            bool there = k0 + k < K && n0 + 4 * q < N;
            bs[k * (QN + 1) + q] = there ? b_along_n(k0 + k, n0 + 4 * q) : vec4(0);
        }
    }
}

void main() {
    uint x = gl_LocalInvocationID.x, y = gl_LocalInvocationID.y;
    uint t = gl_LocalInvocationIndex;
    uint m0 = gl_WorkGroupID.y * QM * 4, n0 = gl_WorkGroupID.x * QN * 4;
    vec4 sum[TM * TN * 4], total[TM * TN * 4];
    [[unroll]] for (uint i = 0; i < TM * TN * 4; i++) {
        sum[i] = vec4(0);
        total[i] = vec4(0);
    }
    for (uint k0 = 0; k0 < K; k0 += DEPTH) {
        load_a(m0, k0, t);
        load_b(n0, k0, t);
        barrier();
        [[unroll]] for (uint k = 0; k < DEPTH; k++) {
            vec4 av[TM], bv[TN];
            [[unroll]] for (uint i = 0; i < TM; i++) {
                av[i] = as[k * (QM + 1) + i * SIDE + y];
            }
            [[unroll]] for (uint j = 0; j < TN; j++) {
                bv[j] = bs[k * (QN + 1) + j * SIDE + x];
            }
            [[unroll]] for (uint i = 0; i < TM; i++) {
                [[unroll]] for (uint j = 0; j < TN; j++) {
                    uint s = (i * TN + j) * 4;
                    sum[s] += av[i].x * bv[j];
                    sum[s + 1] += av[i].y * bv[j];
                    sum[s + 2] += av[i].z * bv[j];
                    sum[s + 3] += av[i].w * bv[j];
                }
            }
        }
        barrier();
        if (BLOCKED && (k0 % BLOCK == BLOCK - DEPTH || k0 + DEPTH >= K)) {
            [[unroll]] for (uint i = 0; i < TM * TN * 4; i++) {
                total[i] += sum[i];
                sum[i] = vec4(0);
            }
        }
    }
    [[unroll]] for (uint i = 0; i < TM; i++) {
        [[unroll]] for (uint j = 0; j < TN; j++) {
            [[unroll]] for (uint r = 0; r < 4; r++) {
                uint m = m0 + 4 * (i * SIDE + y) + r, n = n0 + 4 * (j * SIDE + x);
                if (m < M && n < N) {
                    uint s = (i * TN + j) * 4 + r;
                    finish4(m, n, BLOCKED ? total[s] : sum[s]);
                }
            }
        }
    }
}
