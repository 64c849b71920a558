// o = softmax(scale·q·kᵀ + bias)·v by heads, lse = log Σ exp(scale·q·kᵀ + bias); keys are met once, by tiles (Dao et al. 2022)
// q [B·T, q_cols], k [B·S, k_cols], v [B·S, v_cols], start [B], keys [B], o [B·T, H·WIDTH], lse [B, H, T], seed [2], bias [H, places]
#version 450
#include "attention.glsl"

FLOATS_IN(0, q, TYPE)
FLOATS_IN(1, k, TYPE)
FLOATS_IN(2, v, TYPE)
layout(std430, set = 0, binding = 3) readonly buffer Start { int start[]; }; // not read without HAS_START
layout(std430, set = 0, binding = 4) readonly buffer Keys { int keys[]; };   // not read without HAS_KEYS
FLOATS_OUT(5, o, TYPE)
layout(std430, set = 0, binding = 6) writeonly buffer Lse { float lse[]; };
layout(std430, set = 0, binding = 7) readonly buffer Seed { uint seed[2]; };   // not read without DROP
layout(std430, set = 0, binding = 8) readonly buffer Bias { float bias[]; };   // not read without BIASED
PIECES(q)
PIECES(k)
PIECES(v)
PIECE_STORES(o)

shared vec4 q_tile[ROWS * STRIDE];
shared vec4 kv_tile[COLS * STRIDE]; // keys, then their values
shared vec4 p_tile[ROWS4 * (COLS + 1)];
shared vec4 top_tile[ROWS4 * (LANES + 1)];
shared uint keep_tile[KEEP_SIZE(ROWS, COLS)];

void main() {
    uint t0 = gl_WorkGroupID.x * ROWS, h = gl_WorkGroupID.y, b = gl_WorkGroupID.z;
    uint rows = min(ROWS, query_len - t0);
    int start_b = HAS_START ? start[b] : 0;
    int keys_b = HAS_KEYS ? min(keys[b], int(key_len)) : int(key_len);
    uvec4 sees;
    [[unroll]] for (uint r = 0; r < 4; r++) {
        sees[r] = visible_keys(t0 + 4 * own_y + r, start_b, keys_b);
    }
    uint most = visible_keys(t0 + rows - 1, start_b, keys_b);
    uint k_at = k_offset + h / group * k_stride, v_at = v_offset + h / group * v_stride;

    LOAD_TILE(q_tile, q, ROWS, rows, b * query_len + t0, q_cols, q_offset + h * q_stride)
    vec4 top = vec4(MASKED), sum = vec4(0.0); // sum: with DROP of the invocation's own columns
    vec4 acc[4 * OWN_WIDTH];
    [[unroll]] for (uint i = 0; i < 4 * OWN_WIDTH; i++) {
        acc[i] = vec4(0.0);
    }
    for (uint j0 = 0; j0 < most; j0 += COLS) {
        barrier(); // the tile before has been used
        LOAD_TILE(kv_tile, k, COLS, most - j0, b * key_len + j0, k_cols, k_at)
        LOAD_KEEP(ROWS, COLS, (b * heads + h) * query_len + t0, j0)
        barrier();
        vec4 s[OWN_COLS];
        [[unroll]] for (uint i = 0; i < OWN_COLS; i++) {
            s[i] = vec4(0.0);
        }
        PRODUCT(s, q_tile, kv_tile)
        vec4 tile_top = vec4(MASKED);
        [[unroll]] for (uint i = 0; i < OWN_COLS; i++) {
            uint j = j0 + own_x + LANES * i;
            s[i] *= scale;
            if (BIASED) {
                [[unroll]] for (uint r = 0; r < 4; r++) {
                    s[i][r] += BIAS(h, int(t0 + 4 * own_y + r) + start_b, j);
                }
            }
            s[i] = mix(vec4(MASKED), s[i], lessThan(uvec4(j), sees));
            tile_top = max(tile_top, s[i]);
        }
        top_tile[own_y * (LANES + 1) + own_x] = tile_top;
        barrier();
        vec4 new_top = top;
        for (uint x = 0; x < LANES; x++) {
            new_top = max(new_top, top_tile[own_y * (LANES + 1) + x]);
        }
        vec4 own = vec4(0.0);
        [[unroll]] for (uint i = 0; i < OWN_COLS; i++) {
            uint c = own_x + LANES * i;
            if (c < COLS) {
                vec4 p = mix(vec4(0.0), exp(s[i] - new_top), lessThan(uvec4(j0 + c), sees));
                if (DROP) {
                    own += p;
                    [[unroll]] for (uint r = 0; r < 4; r++) {
                        p[r] *= KEPT(COLS, j0, 4 * own_y + r, c);
                    }
                }
                p_tile[own_y * (COLS + 1) + c] = p;
            }
        }
        LOAD_TILE(kv_tile, v, COLS, most - j0, b * key_len + j0, v_cols, v_at)
        barrier();
        vec4 shrink = exp(top - new_top);
        top = new_top;
        sum *= shrink;
        [[unroll]] for (uint i = 0; i < OWN_WIDTH; i++) {
            acc[4 * i] *= shrink.x;
            acc[4 * i + 1] *= shrink.y;
            acc[4 * i + 2] *= shrink.z;
            acc[4 * i + 3] *= shrink.w;
        }
        if (DROP) {
            sum += own;
        } else {
            for (uint n = 0; n < COLS; n++) {
                sum += p_tile[own_y * (COLS + 1) + n];
            }
        }
        WEIGH(acc, p_tile, kv_tile)
    }
    if (DROP) {
        barrier();
        top_tile[own_y * (LANES + 1) + own_x] = sum;
        barrier();
        sum = vec4(0.0);
        for (uint x = 0; x < LANES; x++) {
            sum += top_tile[own_y * (LANES + 1) + x];
        }
    }

    [[unroll]] for (uint r = 0; r < 4; r++) {
        uint t = t0 + 4 * own_y + r;
        float inverse = sum[r] > 0.0 ? 1.0 / sum[r] : 0.0; // a query that sees no key gives zeros
        [[unroll]] for (uint i = 0; i < OWN_WIDTH; i++) {
            uint c = own_x + LANES * i;
            if (t < query_len && c < WIDTH4) {
                o_put(((b * query_len + t) * heads + h) * WIDTH, c, acc[4 * i + r] * inverse);
            }
        }
        if (t < query_len && own_x == 0) {
            lse[(b * heads + h) * query_len + t] = sum[r] > 0.0 ? top[r] + log(sum[r]) : uintBitsToFloat(0xff800000u);
        }
    }
}
