// The result of attention on cooperative matrices.
#ifndef ATTENTION_COOP_O_GLSL
#define ATTENTION_COOP_O_GLSL
#include "attention_coop.glsl"

FLOATS_IN(0, q, TYPE)
FLOATS_IN(1, k, TYPE)
FLOATS_IN(2, v, TYPE)
layout(std430, set = 0, binding = 3) readonly buffer Start { int start[]; }; // not read without HAS_START
layout(std430, set = 0, binding = 4) readonly buffer Keys { int keys[]; };   // not read without HAS_KEYS
FLOATS_OUT(5, o, TYPE)
layout(std430, set = 0, binding = 6) writeonly buffer Lse { float lse[]; };
layout(std430, set = 0, binding = 7) readonly buffer Seed { uint seed[2]; }; // not read without DROP
layout(std430, set = 0, binding = 8) readonly buffer Bias { float bias[]; }; // not read without BIASED
EIGHTS_OF(0, q)
EIGHTS_OF(1, k)
EIGHTS_OF(2, v)
PIECE_STORES(o)

uvec4 k_next[T_EACH];
uvec4 v_next[T_EACH];

void main() {
    // Late queries see the most keys of a causal model: those that take longest
    // begin first.
    uint t0 = (CAUSAL ? gl_NumWorkGroups.x - 1 - gl_WorkGroupID.x : gl_WorkGroupID.x) * ROWS;
    uint h = gl_WorkGroupID.y, b = gl_WorkGroupID.z;
    int start_b = HAS_START ? start[b] : 0;
    int keys_b = HAS_KEYS ? min(keys[b], int(key_len)) : int(key_len);
    uint most = visible_keys(min(t0 + ROWS, query_len) - 1, start_b, keys_b);
    // What all and what some of the subgroup's queries see.
    uint first = t0 + own_first, end = first + OWN_ROWS;
    uint own_least = end <= query_len ? visible_keys(first, start_b, keys_b) : 0;
    uint own_most = first < query_len ? visible_keys(min(end, query_len) - 1, start_b, keys_b) : 0;
    uint t = first + own_row, sees = t < query_len ? visible_keys(t, start_b, keys_b) : 0;
    uint k_at = k_offset + h / group * k_stride, v_at = v_offset + h / group * v_stride;

    FETCH(k_next, k, most, b * key_len, k_cols, k_at)
    FETCH(v_next, v, most, b * key_len, v_cols, v_at)
    ROWS_OF_A q_own[OWN * FK];
    LOAD_OWN(q_own, q, query_len - t0, b * query_len + t0, q_cols, q_offset + h * q_stride)
    SUMS acc[OWN * FN];
    [[unroll]] for (uint i = 0; i < OWN * FN; i++) { acc[i] = SUMS(0.0); }
    float top = LEAST, sum = 0.0; // sum: of the invocation's own columns
    for (uint j0 = 0; j0 < most; j0 += COLS) {
        barrier(); // the tile before has been used
        PUT(0, k_next)
        PUT(T_SIZE, v_next)
        barrier();
        if (j0 + COLS < most) {
            FETCH(k_next, k, most - j0 - COLS, b * key_len + j0 + COLS, k_cols, k_at)
            FETCH(v_next, v, most - j0 - COLS, b * key_len + j0 + COLS, v_cols, v_at)
        }
        if (j0 < own_most) {
            SCORES(q_own, 0)
            vec4 s[2 * CHUNKS];
            [[unroll]] for (uint i = 0; i < CHUNKS; i++) {
                s[2 * i] = s_tile[SCORE(i)] * (scale * LOG2_E);
                s[2 * i + 1] = s_tile[SCORE(i) + 1] * (scale * LOG2_E);
            }
            if (BIASED) {
                [[unroll]] for (uint i = 0; i < 2 * CHUNKS; i++) {
                    s[i] += BIAS_KEYS(h, int(t) + start_b, j0 + CHUNK(i / 2) + 4 * (i % 2));
                }
            }
            if (j0 + COLS > own_least) {
                [[unroll]] for (uint i = 0; i < 2 * CHUNKS; i++) {
                    uvec4 j = uvec4(j0 + CHUNK(i / 2) + 4 * (i % 2)) + uvec4(0, 1, 2, 3);
                    s[i] = mix(vec4(MASKED), s[i], lessThan(j, uvec4(sees)));
                }
            }
            vec4 tops = s[0];
            [[unroll]] for (uint i = 1; i < 2 * CHUNKS; i++) { tops = max(tops, s[i]); }
            float new_top = max(max(top, max(tops.x, tops.y)), max(tops.z, tops.w));
            [[unroll]] for (uint m = 1; m < PER_ROW; m *= 2) { new_top = max(new_top, subgroupShuffleXor(new_top, m)); }
            float shrink = exp2(top - new_top);
            top = new_top;
            vec4 sums = vec4(0.0);
            [[unroll]] for (uint i = 0; i < CHUNKS; i++) {
                vec4 p0 = exp2(s[2 * i] - top), p1 = exp2(s[2 * i + 1] - top);
                sums += p0 + p1;
                if (DROP) {
                    uint row = (b * heads + h) * query_len + t;
                    uint kept = kept_keys(row, (j0 + CHUNK(i)) / 8, drop_below, salt, seed[0], seed[1]);
                    p0 = mix(vec4(0.0), p0 * factor, notEqual(uvec4(kept) & uvec4(1, 2, 4, 8), uvec4(0)));
                    p1 = mix(vec4(0.0), p1 * factor, notEqual(uvec4(kept) & uvec4(16, 32, 64, 128), uvec4(0)));
                }
                p_tile[WEIGHT(i)] = ELEMENT4(p0);
                p_tile[WEIGHT(i) + 1] = ELEMENT4(p1);
            }
            sum = sum * shrink + sums.x + sums.y + sums.z + sums.w;
            if (!subgroupAll(shrink == 1.0)) { // soon the tops seldom rise
                SCALE_ROWS(acc, shrink)
            }
            ADD_WEIGHED(acc, T_SIZE)
        }
    }

    [[unroll]] for (uint m = 1; m < PER_ROW; m *= 2) { sum += subgroupShuffleXor(sum, m); }
    if (own_lane == 0 && t < query_len) {
        lse[(b * heads + h) * query_len + t] = sum > 0.0 ? (top + log2(sum)) * LN_2 : uintBitsToFloat(0xff800000u);
    }
    float inverse = sum > 0.0 ? 1.0 / sum : 0.0; // a query that sees no key gives zeros
    SCALE_ROWS(acc, inverse)
    WRITE(acc, if (t0 + row < query_len) { o_put(((b * query_len + t0 + row) * heads + h) * WIDTH, c, v); })
}
#endif
