// dv = (K·P)ᵀ·d, dk = scale·dSᵀ·q, dS = P·(K·(d·vᵀ) - delta), K: dropout, P = exp(scale·q·kᵀ + bias - lse), summed over a group's query heads in order
// d [B·T, H·WIDTH], q, k, v as in attention, lse, delta [B, H, T], start, keys [B], dk as k, dv as v, seed [2], bias [H, places]
#version 450
#include "attention.glsl"

layout(constant_id = 11) const bool WANT_K = true;
layout(constant_id = 12) const bool WANT_V = true;
layout(constant_id = 13) const bool ADD = false; // to what dk and dv hold already
FLOATS_IN(0, d, TYPE)
FLOATS_IN(1, q, TYPE)
FLOATS_IN(2, k, TYPE)
FLOATS_IN(3, v, TYPE)
layout(std430, set = 0, binding = 4) readonly buffer Lse { float lse[]; };
layout(std430, set = 0, binding = 5) readonly buffer Delta { float delta[]; };
layout(std430, set = 0, binding = 6) readonly buffer Start { int start[]; }; // not read without HAS_START
layout(std430, set = 0, binding = 7) readonly buffer Keys { int keys[]; };   // not read without HAS_KEYS
FLOATS_INOUT(8, dk, TYPE)
FLOATS_INOUT(9, dv, TYPE)
layout(std430, set = 0, binding = 10) readonly buffer Seed { uint seed[2]; };  // not read without DROP
layout(std430, set = 0, binding = 11) readonly buffer Bias { float bias[]; };  // not read without BIASED
PIECES(d)
PIECES(q)
PIECES(k)
PIECES(v)
PIECES(dk)
PIECES(dv)
PIECE_STORES(dk)
PIECE_STORES(dv)

shared vec4 k_tile[ROWS * STRIDE];
shared vec4 v_tile[ROWS * STRIDE];
shared vec4 q_tile[COLS * STRIDE];
shared vec4 d_tile[COLS * STRIDE];
shared vec4 p_tile[ROWS4 * (COLS + 1)];
shared vec4 ds_tile[ROWS4 * (COLS + 1)];
shared vec2 row_tile[COLS]; // lse and delta
shared uint keep_tile[KEEP_SIZE(COLS, ROWS)];

void main() {
    uint j0 = gl_WorkGroupID.x * ROWS, kv_head = gl_WorkGroupID.y, b = gl_WorkGroupID.z;
    uint rows = min(ROWS, key_len - j0);
    int start_b = HAS_START ? start[b] : 0;
    int keys_b = HAS_KEYS ? min(keys[b], int(key_len)) : int(key_len);
    uint k_at = k_offset + kv_head * k_stride, v_at = v_offset + kv_head * v_stride;
    uvec4 own = uvec4(j0 + 4 * own_y) + uvec4(0, 1, 2, 3);

    LOAD_TILE(k_tile, k, ROWS, rows, b * key_len + j0, k_cols, k_at)
    LOAD_TILE(v_tile, v, ROWS, rows, b * key_len + j0, v_cols, v_at)
    vec4 dk_acc[4 * OWN_WIDTH], dv_acc[4 * OWN_WIDTH];
    [[unroll]] for (uint i = 0; i < 4 * OWN_WIDTH; i++) {
        dk_acc[i] = vec4(0.0);
        dv_acc[i] = vec4(0.0);
    }
    // The first query that sees any of the keys, and the first of its tile.
    uint first = CAUSAL ? uint(max(int(j0) - start_b, 0)) / COLS * COLS : 0;
    if (int(j0) >= keys_b) {
        first = query_len;
    }
    for (uint g = 0; g < group; g++) {
        uint h = kv_head * group + g;
        for (uint t0 = first; t0 < query_len; t0 += COLS) {
            barrier(); // the tiles before have been used
            uint queries = query_len - t0;
            LOAD_TILE(q_tile, q, COLS, queries, b * query_len + t0, q_cols, q_offset + h * q_stride)
            LOAD_TILE(d_tile, d, COLS, queries, b * query_len + t0, heads * WIDTH, h * WIDTH)
            for (uint c = gl_LocalInvocationIndex; c < min(COLS, queries); c += gl_WorkGroupSize.x) {
                uint at = (b * heads + h) * query_len + t0 + c;
                row_tile[c] = vec2(lse[at], delta[at]);
            }
            LOAD_KEEP(COLS, ROWS, (b * heads + h) * query_len + t0, j0)
            barrier();
            vec4 s[OWN_COLS], dp[OWN_COLS];
            [[unroll]] for (uint i = 0; i < OWN_COLS; i++) {
                s[i] = vec4(0.0);
                dp[i] = vec4(0.0);
            }
            PRODUCT(s, k_tile, q_tile)
            PRODUCT(dp, v_tile, d_tile)
            [[unroll]] for (uint i = 0; i < OWN_COLS; i++) {
                uint c = own_x + LANES * i;
                if (c < COLS) {
                    uint sees = t0 + c < query_len ? visible_keys(t0 + c, start_b, keys_b) : 0;
                    bvec4 seen = lessThan(own, uvec4(sees));
                    s[i] *= scale;
                    if (BIASED) {
                        [[unroll]] for (uint r = 0; r < 4; r++) {
                            s[i][r] += BIAS(h, int(t0 + c) + start_b, own[r]);
                        }
                    }
                    vec4 p = mix(vec4(0.0), exp(s[i] - row_tile[c].x), seen);
                    vec4 kept = vec4(1.0);
                    if (DROP) {
                        [[unroll]] for (uint r = 0; r < 4; r++) {
                            kept[r] = KEPT(ROWS, j0, c, 4 * own_y + r);
                        }
                    }
                    p_tile[own_y * (COLS + 1) + c] = p * kept;
                    ds_tile[own_y * (COLS + 1) + c] = mix(vec4(0.0), p * (dp[i] * kept - row_tile[c].y) * scale, seen);
                }
            }
            barrier();
            if (WANT_V) {
                WEIGH(dv_acc, p_tile, d_tile)
            }
            if (WANT_K) {
                WEIGH(dk_acc, ds_tile, q_tile)
            }
        }
    }

    [[unroll]] for (uint r = 0; r < 4; r++) {
        uint j = j0 + 4 * own_y + r;
        uint dk_at = (b * key_len + j) * k_cols + k_at, dv_at = (b * key_len + j) * v_cols + v_at;
        [[unroll]] for (uint i = 0; i < OWN_WIDTH; i++) {
            uint c = own_x + LANES * i;
            bool mine = j < key_len && c < WIDTH4;
            if (WANT_K && mine) {
                dk_put(dk_at, c, ADD ? dk_piece(dk_at, c) + dk_acc[4 * i + r] : dk_acc[4 * i + r]);
            }
            if (WANT_V && mine) {
                dv_put(dv_at, c, ADD ? dv_piece(dv_at, c) + dv_acc[4 * i + r] : dv_acc[4 * i + r]);
            }
        }
    }
}
