// p = exp(scale·q·kᵀ + bias - lse) by heads, 0 of keys that are not seen
// q [B·T, q_cols], k [B·S, k_cols], lse [B, H, T], start [B], keys [B], bias [H, places], p [B, H, T, S]; a workgroup ROWS queries
#version 450
#include "attention.glsl"

layout(constant_id = 11) const bool WIDE = false; // rows of p begin at multiples of 4
FLOATS_IN(0, q, TYPE)
FLOATS_IN(1, k, TYPE)
layout(std430, set = 0, binding = 2) readonly buffer Lse { float lse[]; };
layout(std430, set = 0, binding = 3) readonly buffer Start { int start[]; };  // not read without HAS_START
layout(std430, set = 0, binding = 4) readonly buffer Keys { int keys[]; };    // not read without HAS_KEYS
layout(std430, set = 0, binding = 5) readonly buffer Bias { float bias[]; };  // not read without BIASED
layout(std430, set = 0, binding = 6) writeonly buffer P { float p[]; };
layout(std430, set = 0, binding = 6) writeonly buffer P4 { vec4 p4[]; };
PIECES(q)
PIECES(k)

shared vec4 q_tile[ROWS * STRIDE];
shared vec4 k_tile[COLS * STRIDE];
shared vec4 p_tile[ROWS4 * (COLS + 1)];

void main() {
    uint t0 = gl_WorkGroupID.x * ROWS, h = gl_WorkGroupID.y, b = gl_WorkGroupID.z;
    uint rows = min(ROWS, query_len - t0), row = (b * heads + h) * query_len + t0;
    int start_b = HAS_START ? start[b] : 0;
    int keys_b = HAS_KEYS ? min(keys[b], int(key_len)) : int(key_len);
    uvec4 sees;
    vec4 lse_t = vec4(0.0);
    [[unroll]] for (uint r = 0; r < 4; r++) {
        uint t = 4 * own_y + r;
        sees[r] = t < rows ? visible_keys(t0 + t, start_b, keys_b) : 0;
        if (sees[r] > 0) { lse_t[r] = lse[row + t]; }
    }
    uint most = visible_keys(t0 + rows - 1, start_b, keys_b);

    LOAD_TILE(q_tile, q, ROWS, rows, b * query_len + t0, q_cols, q_offset + h * q_stride)
    for (uint j0 = 0; j0 < key_len; j0 += COLS) {
        vec4 s[OWN_COLS];
        [[unroll]] for (uint i = 0; i < OWN_COLS; i++) {
            s[i] = vec4(0.0);
        }
        barrier(); // the tile before has been used
        if (j0 < most) {
            LOAD_TILE(k_tile, k, COLS, most - j0, b * key_len + j0, k_cols, k_offset + h / group * k_stride)
            barrier();
            PRODUCT(s, q_tile, k_tile)
        }
        [[unroll]] for (uint i = 0; i < OWN_COLS; i++) {
            uint c = own_x + LANES * i;
            s[i] *= scale;
            if (BIASED) {
                [[unroll]] for (uint r = 0; r < 4; r++) {
                    s[i][r] += BIAS(h, int(t0 + 4 * own_y + r) + start_b, j0 + c);
                }
            }
            if (c < COLS) {
                p_tile[own_y * (COLS + 1) + c] = mix(vec4(0.0), exp(s[i] - lse_t), lessThan(uvec4(j0 + c), sees));
            }
        }
        barrier();
        // Neighbours write 16 bytes each, side by side.
        for (uint n = gl_LocalInvocationIndex; n < ROWS * (COLS / 4); n += gl_WorkGroupSize.x) {
            uint r = n / (COLS / 4), c = n % (COLS / 4) * 4, at = r / 4 * (COLS + 1) + c;
            if (r < rows && j0 + c < key_len) {
                vec4 v = vec4(p_tile[at][r % 4], p_tile[at + 1][r % 4], p_tile[at + 2][r % 4], p_tile[at + 3][r % 4]);
                uint to = (row + r) * key_len + j0 + c;
                if (WIDE) {
                    p4[to / 4] = v;
                } else {
                    [[unroll]] for (uint i = 0; i < 4; i++) {
                        if (j0 + c + i < key_len) { p[to + i] = v[i]; }
                    }
                }
            }
        }
    }
}
