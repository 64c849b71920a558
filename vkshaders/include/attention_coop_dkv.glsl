// The gradients of attention by the keys and values on cooperative matrices. The
// workgroup's own rows are keys, and scores are those of keys with queries: so
// probabilities are on hand as the products want them, none is transposed.
#ifndef ATTENTION_COOP_DKV_GLSL
#define ATTENTION_COOP_DKV_GLSL
#include "attention_coop.glsl"

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
layout(std430, set = 0, binding = 10) readonly buffer Seed { uint seed[2]; }; // not read without DROP
layout(std430, set = 0, binding = 11) readonly buffer Bias { float bias[]; }; // not read without BIASED
EIGHTS_OF(0, d)
EIGHTS_OF(1, q)
EIGHTS_OF(2, k)
EIGHTS_OF(3, v)
PIECES(dk)
PIECES(dv)
PIECE_STORES(dk)
PIECE_STORES(dv)

uvec4 q_next[T_EACH];
uvec4 d_next[T_EACH];
shared vec2 row_tile[COLS]; // lse and delta of the queries
shared uint keep_tile[KEEP_SIZE(COLS, ROWS)];

void main() {
    uint j0 = gl_WorkGroupID.x * ROWS, kv_head = gl_WorkGroupID.y, b = gl_WorkGroupID.z;
    int start_b = HAS_START ? start[b] : 0;
    int keys_b = HAS_KEYS ? min(keys[b], int(key_len)) : int(key_len);
    uint k_at = k_offset + kv_head * k_stride, v_at = v_offset + kv_head * v_stride;
    int own_j = int(j0 + own_first), j = own_j + int(own_row);

    const uint K_MATRICES = WANT_K ? OWN * FN : 1, V_MATRICES = WANT_V ? OWN * FN : 1;
    ROWS_OF_A k_own[OWN * FK], v_own[WANT_K ? OWN * FK : 1];
    LOAD_OWN(k_own, k, key_len - j0, b * key_len + j0, k_cols, k_at)
    if (WANT_K) {
        LOAD_OWN(v_own, v, key_len - j0, b * key_len + j0, v_cols, v_at)
    }
    SUMS dk_acc[K_MATRICES], dv_acc[V_MATRICES];
    [[unroll]] for (uint i = 0; i < K_MATRICES; i++) { dk_acc[i] = SUMS(0.0); }
    [[unroll]] for (uint i = 0; i < V_MATRICES; i++) { dv_acc[i] = SUMS(0.0); }

    // Tiles from the first query that sees any of the keys on, head by head.
    uint first = CAUSAL ? uint(max(int(j0) - start_b, 0)) / COLS * COLS : 0;
    uint per = first < query_len && int(j0) < keys_b ? (query_len - first + COLS - 1) / COLS : 0;
    float lse_next = 0.0, delta_next = 0.0;
#define FETCH_QUERIES(TILE)                                                                \
    {                                                                                      \
        uint h = kv_head * group + (TILE) / per, t0 = first + (TILE) % per * COLS;         \
        FETCH(q_next, q, query_len - t0, b * query_len + t0, q_cols, q_offset + h * q_stride) \
        FETCH(d_next, d, query_len - t0, b * query_len + t0, heads * WIDTH, h * WIDTH)     \
        uint c = gl_LocalInvocationIndex;                                                  \
        if (c < COLS && c < query_len - t0) {                                              \
            lse_next = lse[(b * heads + h) * query_len + t0 + c] * LOG2_E;                 \
            delta_next = delta[(b * heads + h) * query_len + t0 + c];                      \
        }                                                                                  \
    }
    if (per > 0) { FETCH_QUERIES(0) }
    for (uint tile = 0; tile < group * per; tile++) {
        uint h = kv_head * group + tile / per, t0 = first + tile % per * COLS;
        barrier(); // the tile before has been used
        PUT(0, q_next)
        PUT(T_SIZE, d_next)
        if (gl_LocalInvocationIndex < COLS) { row_tile[gl_LocalInvocationIndex] = vec2(lse_next, delta_next); }
        LOAD_KEEP(COLS, ROWS, (b * heads + h) * query_len + t0, j0)
        barrier();
        if (tile + 1 < group * per) { FETCH_QUERIES(tile + 1) }
        // Whether any query of the tile sees any of the subgroup's keys.
        if (own_j < keys_b && (!CAUSAL || int(min(t0 + COLS, query_len)) + start_b > own_j)) {
            SCORES(k_own, 0)
            vec4 p[2 * CHUNKS];
            [[unroll]] for (uint i = 0; i < 2 * CHUNKS; i++) {
                uint c = CHUNK(i / 2) + 4 * (i % 2);
                vec4 s = s_tile[SCORE(i / 2) + i % 2] * (scale * LOG2_E);
                if (BIASED) { s += BIAS_QUERIES(h, int(t0 + c) + start_b, j); }
                [[unroll]] for (uint e = 0; e < 4; e++) {
                    int t = int(t0 + c + e);
                    bool seen = t < int(query_len) && j < keys_b && (!CAUSAL || j <= t + start_b);
                    p[i][e] = seen ? exp2(s[e] - row_tile[c + e].x) : 0.0;
                }
            }
            if (WANT_V) {
                [[unroll]] for (uint i = 0; i < 2 * CHUNKS; i++) {
                    vec4 kept = p[i];
                    if (DROP) {
                        [[unroll]] for (uint e = 0; e < 4; e++) {
                            kept[e] *= KEPT(ROWS, j0, CHUNK(i / 2) + 4 * (i % 2) + e, own_first + own_row);
                        }
                    }
                    p_tile[WEIGHT(i / 2) + i % 2] = ELEMENT4(kept);
                }
                ADD_WEIGHED(dv_acc, T_SIZE)
            }
            if (WANT_K) {
                settle();
                SCORES(v_own, T_SIZE)
                [[unroll]] for (uint i = 0; i < 2 * CHUNKS; i++) {
                    vec4 ds = s_tile[SCORE(i / 2) + i % 2];
                    [[unroll]] for (uint e = 0; e < 4; e++) {
                        uint c = CHUNK(i / 2) + 4 * (i % 2) + e;
                        if (DROP) { ds[e] *= KEPT(ROWS, j0, c, own_first + own_row); }
                        ds[e] = p[i][e] * (ds[e] - row_tile[c].y);
                    }
                    p_tile[WEIGHT(i / 2) + i % 2] = ELEMENT4(ds);
                }
                ADD_WEIGHED(dk_acc, 0)
            }
        }
    }

    if (WANT_K) {
        WRITE(dk_acc, if (j0 + row < key_len) {
            uint at = (b * key_len + j0 + row) * k_cols + k_at;
            v *= scale;
            dk_put(at, c, ADD ? dk_piece(at, c) + v : v);
        })
    }
    if (WANT_V) {
        WRITE(dv_acc, if (j0 + row < key_len) {
            uint at = (b * key_len + j0 + row) * v_cols + v_at;
            dv_put(at, c, ADD ? dv_piece(at, c) + v : v);
        })
    }
}
#endif
