// dq = scale·dS·k, dS = P·(K·(d·vᵀ) - delta), K: dropout, P = exp(scale·q·kᵀ + bias - lse), part sums dS of the workgroup by place
// d [B·T, H·WIDTH], q, k, v as in attention, lse, delta [B, H, T], start, keys [B], dq as q, seed [2], bias [H, places], part [B·groups, H, places]
#version 450
#include "attention.glsl"

layout(constant_id = 11) const bool WANT_BIAS = false; // its gradient
FLOATS_IN(0, d, TYPE)
FLOATS_IN(1, q, TYPE)
FLOATS_IN(2, k, TYPE)
FLOATS_IN(3, v, TYPE)
layout(std430, set = 0, binding = 4) readonly buffer Lse { float lse[]; };
layout(std430, set = 0, binding = 5) readonly buffer Delta { float delta[]; };
layout(std430, set = 0, binding = 6) readonly buffer Start { int start[]; }; // not read without HAS_START
layout(std430, set = 0, binding = 7) readonly buffer Keys { int keys[]; };   // not read without HAS_KEYS
FLOATS_OUT(8, dq, TYPE)
layout(std430, set = 0, binding = 9) readonly buffer Seed { uint seed[2]; };   // not read without DROP
layout(std430, set = 0, binding = 10) readonly buffer Bias { float bias[]; };  // not read without BIASED
layout(std430, set = 0, binding = 11) buffer Part { float part[]; };           // not used without WANT_BIAS
#include "attention_bias.glsl"
PIECES(d)
PIECES(q)
PIECES(k)
PIECES(v)
PIECE_STORES(dq)

shared vec4 q_tile[ROWS * STRIDE];
shared vec4 d_tile[ROWS * STRIDE];
shared vec4 kv_tile[COLS * STRIDE]; // values, then their keys
shared vec4 ds_tile[ROWS4 * (COLS + 1)];
shared uint keep_tile[KEEP_SIZE(ROWS, COLS)];

void main() {
    uint t0 = gl_WorkGroupID.x * ROWS, h = gl_WorkGroupID.y, b = gl_WorkGroupID.z;
    uint rows = min(ROWS, query_len - t0);
    int start_b = HAS_START ? start[b] : 0;
    int keys_b = HAS_KEYS ? min(keys[b], int(key_len)) : int(key_len);
    uvec4 sees;
    vec4 lse_t = vec4(0.0), delta_t = vec4(0.0);
    [[unroll]] for (uint r = 0; r < 4; r++) {
        uint t = t0 + 4 * own_y + r;
        sees[r] = t < query_len ? visible_keys(t, start_b, keys_b) : 0;
        if (sees[r] > 0) {
            lse_t[r] = lse[(b * heads + h) * query_len + t];
            delta_t[r] = delta[(b * heads + h) * query_len + t];
        }
    }
    uint most = visible_keys(t0 + rows - 1, start_b, keys_b);
    uint k_at = k_offset + h / group * k_stride, v_at = v_offset + h / group * v_stride;
    uint q_at = q_offset + h * q_stride;

    LOAD_TILE(q_tile, q, ROWS, rows, b * query_len + t0, q_cols, q_at)
    LOAD_TILE(d_tile, d, ROWS, rows, b * query_len + t0, heads * WIDTH, h * WIDTH)
    vec4 acc[4 * OWN_WIDTH];
    [[unroll]] for (uint i = 0; i < 4 * OWN_WIDTH; i++) {
        acc[i] = vec4(0.0);
    }
    int ahead = int(places / 2) - int(t0 + ROWS - 1) - start_b; // the place of the last query with key 0
    if (WANT_BIAS) { CLEAR_PLACES }
    for (uint j0 = 0; j0 < most; j0 += COLS) {
        vec4 s[OWN_COLS], dp[OWN_COLS];
        [[unroll]] for (uint i = 0; i < OWN_COLS; i++) {
            s[i] = vec4(0.0);
            dp[i] = vec4(0.0);
        }
        barrier(); // the tile before has been used
        LOAD_TILE(kv_tile, v, COLS, most - j0, b * key_len + j0, v_cols, v_at)
        LOAD_KEEP(ROWS, COLS, (b * heads + h) * query_len + t0, j0)
        barrier();
        PRODUCT(dp, d_tile, kv_tile)
        barrier();
        LOAD_TILE(kv_tile, k, COLS, most - j0, b * key_len + j0, k_cols, k_at)
        barrier();
        PRODUCT(s, q_tile, kv_tile)
        [[unroll]] for (uint i = 0; i < OWN_COLS; i++) {
            uint c = own_x + LANES * i;
            s[i] *= scale;
            if (BIASED) {
                [[unroll]] for (uint r = 0; r < 4; r++) {
                    s[i][r] += BIAS(h, int(t0 + 4 * own_y + r) + start_b, j0 + c);
                }
            }
            vec4 p = exp(s[i] - lse_t);
            if (c < COLS) {
                if (DROP) {
                    [[unroll]] for (uint r = 0; r < 4; r++) {
                        dp[i][r] *= KEPT(COLS, j0, 4 * own_y + r, c);
                    }
                }
                ds_tile[own_y * (COLS + 1) + c] =
                    mix(vec4(0.0), p * (dp[i] - delta_t) * (WANT_BIAS ? 1.0 : scale), lessThan(uvec4(j0 + c), sees));
            }
        }
        barrier();
        WEIGH(acc, ds_tile, kv_tile)
        if (WANT_BIAS) {
#define DS(ROW, COL) ds_tile[(ROW) / 4 * (COLS + 1) + (COL)][(ROW) % 4]
            ADD_PLACES(ahead + int(j0), DS)
        }
    }
    if (WANT_BIAS) { END_PLACES(ds_tile) }

    [[unroll]] for (uint r = 0; r < 4; r++) {
        uint t = t0 + 4 * own_y + r;
        uint at = (b * query_len + t) * q_cols + q_at;
        [[unroll]] for (uint i = 0; i < OWN_WIDTH; i++) {
            uint c = own_x + LANES * i;
            if (t < query_len && c < WIDTH4) {
                dq_put(at, c, WANT_BIAS ? acc[4 * i + r] * scale : acc[4 * i + r]);
            }
        }
    }
}
