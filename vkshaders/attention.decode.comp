// o = softmax(scale·q·kᵀ + bias)·v by heads, lse = log Σ exp(scale·q·kᵀ + bias), for few queries; keys are met once, by tiles
// q [B·T, q_cols], k [B·S, k_cols], v [B·S, v_cols], start [B], keys [B], bias [H, places], o [B·T, H·WIDTH], lse [B, H, T]; a workgroup a query and part of its keys
//
// The keys that a query sees are divided over PARTS workgroups in whole tiles. Of
// several parts each leaves its sum in part [B·T, H, PARTS], for attention.parts.
#version 450
#include "attention.glsl"
#include "reduce.glsl"

layout(constant_id = 11) const uint PARTS = 1;
FLOATS_IN(0, q, TYPE)
FLOATS_IN(1, k, TYPE)
FLOATS_IN(2, v, TYPE)
layout(std430, set = 0, binding = 3) readonly buffer Start { int start[]; }; // not read without HAS_START
layout(std430, set = 0, binding = 4) readonly buffer Keys { int keys[]; };   // not read without HAS_KEYS
FLOATS_OUT(5, o, TYPE) // this and lse are not written in parts
layout(std430, set = 0, binding = 6) writeonly buffer Lse { float lse[]; };
layout(std430, set = 0, binding = 7) writeonly buffer Part { vec4 part[]; }; // written in parts only
layout(std430, set = 0, binding = 8) readonly buffer Bias { float bias[]; }; // not read without BIASED
PIECES(q)
PIECES(k)
PIECES(v)
PIECE_STORES(o)

// An invocation has one key of a tile for the scores. For the values, row y of
// the grid has the keys y, y + SLICES, ... of it.
#define TILE gl_WorkGroupSize.x
#define SLICES (TILE / LANES)

shared vec4 q_tile[WIDTH4];
shared float p_tile[TILE];
shared vec4 sum_tile[SLICES * OWN_WIDTH * LANES];

void main() {
    uint t = gl_WorkGroupID.x / PARTS, n_part = gl_WorkGroupID.x % PARTS;
    uint h = gl_WorkGroupID.y, b = gl_WorkGroupID.z, id = gl_LocalInvocationIndex;
    int at_key = int(t) + (HAS_START ? start[b] : 0); // where the query stands
    uint sees = visible_keys(t, HAS_START ? start[b] : 0, HAS_KEYS ? min(keys[b], int(key_len)) : int(key_len));
    uint tiles = (sees + TILE - 1) / TILE;
    uint first = n_part * tiles / PARTS * TILE, end = min(sees, (n_part + 1) * tiles / PARTS * TILE);
    uint k_at = k_offset + h / group * k_stride, v_at = v_offset + h / group * v_stride;
    for (uint c = id; c < WIDTH4; c += TILE) {
        q_tile[c] = q_piece((b * query_len + t) * q_cols + q_offset + h * q_stride, c) * scale;
    }
    float top = MASKED, sum = 0.0; // sum: of the invocation's own keys
    vec4 acc[OWN_WIDTH];
    [[unroll]] for (uint i = 0; i < OWN_WIDTH; i++) {
        acc[i] = vec4(0.0);
    }
    for (uint j0 = first; j0 < end; j0 += TILE) {
        barrier(); // the query is there, and the tile before has been used
        float s = MASKED;
        if (j0 + id < end) {
            vec4 products = vec4(0.0);
            uint at = (b * key_len + j0 + id) * k_cols + k_at;
            for (uint c = 0; c < WIDTH4; c++) {
                products += q_tile[c] * k_piece(at, c);
            }
            s = dot(products, vec4(1.0));
            if (BIASED) { s += BIAS(h, at_key, j0 + id); }
        }
        float new_top = max(top, reduce_max(s)), shrink = exp(top - new_top);
        top = new_top;
        float p = j0 + id < end ? exp(s - top) : 0.0;
        p_tile[id] = p;
        sum = sum * shrink + p;
        barrier();
        [[unroll]] for (uint i = 0; i < OWN_WIDTH; i++) {
            acc[i] *= shrink;
        }
        for (uint n = own_y; n < min(TILE, end - j0); n += SLICES) {
            uint at = (b * key_len + j0 + n) * v_cols + v_at;
            [[unroll]] for (uint i = 0; i < OWN_WIDTH; i++) {
                uint c = own_x + LANES * i;
                if (c < WIDTH4) {
                    acc[i] += p_tile[n] * v_piece(at, c);
                }
            }
        }
    }
    sum = reduce_sum(sum);
    [[unroll]] for (uint i = 0; i < OWN_WIDTH; i++) {
        sum_tile[(own_y * OWN_WIDTH + i) * LANES + own_x] = acc[i];
    }
    barrier();
    uint row = (b * query_len + t) * heads + h, part_at = (row * PARTS + n_part) * (WIDTH4 + 1);
    for (uint c = id; c < WIDTH4; c += TILE) {
        vec4 total = vec4(0.0);
        for (uint y = 0; y < SLICES; y++) {
            total += sum_tile[y * OWN_WIDTH * LANES + c];
        }
        if (PARTS > 1) {
            part[part_at + 1 + c] = total;
            continue;
        }
        float inverse = sum > 0.0 ? 1.0 / sum : 0.0; // a query that sees no key gives zeros
        o_put(row * WIDTH, c, total * inverse);
    }
    if (id == 0 && PARTS > 1) {
        part[part_at] = vec4(top, sum, 0.0, 0.0);
    } else if (id == 0) {
        lse[(b * heads + h) * query_len + t] = sum > 0.0 ? top + log(sum) : NEG_INF;
    }
}
