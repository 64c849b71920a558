// The gradient of attention by the queries on cooperative matrices.
#ifndef ATTENTION_COOP_DQ_GLSL
#define ATTENTION_COOP_DQ_GLSL
#include "attention_coop.glsl"

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
layout(std430, set = 0, binding = 9) readonly buffer Seed { uint seed[2]; }; // not read without DROP
layout(std430, set = 0, binding = 10) readonly buffer Bias { float bias[]; }; // not read without BIASED
layout(std430, set = 0, binding = 11) buffer Part { float part[]; };          // not used without WANT_BIAS
#include "attention_bias.glsl"
EIGHTS_OF(0, d)
EIGHTS_OF(1, q)
EIGHTS_OF(2, k)
EIGHTS_OF(3, v)
PIECE_STORES(dq)

uvec4 k_next[T_EACH];
uvec4 v_next[T_EACH];

void main() {
    // As in attention, those that take longest begin first.
    uint t0 = (CAUSAL ? gl_NumWorkGroups.x - 1 - gl_WorkGroupID.x : gl_WorkGroupID.x) * ROWS;
    uint h = gl_WorkGroupID.y, b = gl_WorkGroupID.z;
    int start_b = HAS_START ? start[b] : 0;
    int keys_b = HAS_KEYS ? min(keys[b], int(key_len)) : int(key_len);
    uint most = visible_keys(min(t0 + ROWS, query_len) - 1, start_b, keys_b);
    uint first = t0 + own_first;
    uint own_most = first < query_len ? visible_keys(min(first + OWN_ROWS, query_len) - 1, start_b, keys_b) : 0;
    uint t = first + own_row, sees = t < query_len ? visible_keys(t, start_b, keys_b) : 0;
    uint row_at = (b * heads + h) * query_len + t;
    float lse_t = 0.0, delta_t = 0.0;
    if (sees > 0) {
        lse_t = lse[row_at] * LOG2_E;
        delta_t = delta[row_at];
    }
    uint k_at = k_offset + h / group * k_stride, v_at = v_offset + h / group * v_stride;
    uint q_at = q_offset + h * q_stride;

    FETCH(k_next, k, most, b * key_len, k_cols, k_at)
    FETCH(v_next, v, most, b * key_len, v_cols, v_at)
    ROWS_OF_A q_own[OWN * FK], d_own[OWN * FK];
    LOAD_OWN(q_own, q, query_len - t0, b * query_len + t0, q_cols, q_at)
    LOAD_OWN(d_own, d, query_len - t0, b * query_len + t0, heads * WIDTH, h * WIDTH)
    SUMS acc[OWN * FN];
    [[unroll]] for (uint i = 0; i < OWN * FN; i++) { acc[i] = SUMS(0.0); }
    int ahead = int(places / 2) - int(t0 + ROWS - 1) - start_b; // the place of the last query with key 0
#define DS(ROW, COL) s_tile[(ROW) * S_STRIDE + (COL) / 4][(COL) % 4]
    if (WANT_BIAS) { CLEAR_PLACES }
    for (uint j0 = 0; j0 < most; j0 += COLS) {
        barrier(); // the tile before has been used
        if (WANT_BIAS && j0 > 0) { ADD_PLACES(ahead + int(j0 - COLS), DS) }
        PUT(0, k_next)
        PUT(T_SIZE, v_next)
        barrier();
        if (j0 + COLS < most) {
            FETCH(k_next, k, most - j0 - COLS, b * key_len + j0 + COLS, k_cols, k_at)
            FETCH(v_next, v, most - j0 - COLS, b * key_len + j0 + COLS, v_cols, v_at)
        }
        if (j0 < own_most) {
            SCORES(q_own, 0)
            vec4 p[2 * CHUNKS];
            [[unroll]] for (uint i = 0; i < 2 * CHUNKS; i++) {
                uvec4 j = uvec4(j0 + CHUNK(i / 2) + 4 * (i % 2)) + uvec4(0, 1, 2, 3);
                vec4 s = s_tile[SCORE(i / 2) + i % 2] * (scale * LOG2_E);
                if (BIASED) { s += BIAS_KEYS(h, int(t) + start_b, j.x); }
                p[i] = mix(vec4(0.0), exp2(s - lse_t), lessThan(j, uvec4(sees)));
            }
            settle();
            SCORES(d_own, T_SIZE)
            [[unroll]] for (uint i = 0; i < CHUNKS; i++) {
                vec4 dp0 = s_tile[SCORE(i)], dp1 = s_tile[SCORE(i) + 1];
                if (DROP) {
                    uint kept = kept_keys(row_at, (j0 + CHUNK(i)) / 8, drop_below, salt, seed[0], seed[1]);
                    dp0 = mix(vec4(0.0), dp0 * factor, notEqual(uvec4(kept) & uvec4(1, 2, 4, 8), uvec4(0)));
                    dp1 = mix(vec4(0.0), dp1 * factor, notEqual(uvec4(kept) & uvec4(16, 32, 64, 128), uvec4(0)));
                }
                vec4 ds0 = p[2 * i] * (dp0 - delta_t), ds1 = p[2 * i + 1] * (dp1 - delta_t);
                p_tile[WEIGHT(i)] = ELEMENT4(ds0);
                p_tile[WEIGHT(i) + 1] = ELEMENT4(ds1);
                if (WANT_BIAS) { // as f32, for all subgroups
                    s_tile[SCORE(i)] = ds0;
                    s_tile[SCORE(i) + 1] = ds1;
                }
            }
            ADD_WEIGHED(acc, 0)
        } else if (WANT_BIAS) {
            [[unroll]] for (uint i = 0; i < CHUNKS; i++) { s_tile[SCORE(i)] = s_tile[SCORE(i) + 1] = vec4(0.0); }
        }
    }
    if (WANT_BIAS) {
        barrier();
        if (most > 0) { ADD_PLACES(ahead + int((most - 1) / COLS * COLS), DS) }
        END_PLACES(s_tile)
        barrier();
    }
    WRITE(acc, if (t0 + row < query_len) { dq_put((b * query_len + t0 + row) * q_cols + q_at, c, v * scale); })
}
#endif
