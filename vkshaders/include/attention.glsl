// What attention and its gradients share. A workgroup has ROWS rows of its own
// (queries, or keys) and goes over tiles of COLS others. Its invocations stand
// in a grid of LANES columns; one of row y of the grid owns rows 4y to 4y+3,
// kept as the elements of a vec4, and with lane x the columns x, x + LANES, ...
// So a product of two tiles takes 5 reads of shared memory for 16 multiply-adds.
//
// Shapes: rows b·T + t of q, d and o; rows b·S + j of k and v; head h of a row
// begins at column offset + h·stride. lse and delta are [B, H, T].
#ifndef ATTENTION_GLSL
#define ATTENTION_GLSL
#extension GL_EXT_control_flow_attributes : require
#include "dtype.glsl"
#include "philox.glsl"

layout(local_size_x_id = 0) in; // 4·ROWS
layout(constant_id = 1) const uint TYPE = F32;
layout(constant_id = 2) const uint WIDTH = 64; // of a head
layout(constant_id = 3) const uint ROWS = 32;  // a multiple of 4
layout(constant_id = 4) const uint COLS = 32;
layout(constant_id = 5) const bool ALIGNED = false; // heads begin at multiples of 4 elements, and WIDTH is one
layout(constant_id = 6) const bool CAUSAL = false;
layout(constant_id = 7) const bool HAS_START = false;
layout(constant_id = 8) const bool HAS_KEYS = false;
layout(constant_id = 9) const bool DROP = false; // probabilities are dropped
layout(constant_id = 10) const bool BIASED = false;

layout(push_constant) uniform Push {
    uint query_len, key_len, heads, group; // group: query heads that share a key head
    uint q_cols, q_offset, q_stride, k_cols, k_offset, k_stride, v_cols, v_offset, v_stride;
    float scale;
    uint drop_below, salt;
    float factor; // of probabilities that stay
    uint places;  // of each head's bias
};

#define LANES 16
const uint WIDTH4 = (WIDTH + 3) / 4;
const uint STRIDE = WIDTH4 | 1u; // of a tile's rows; odd, so that lanes meet no bank twice
const uint ROWS4 = ROWS / 4;
const uint OWN_COLS = (COLS + LANES - 1) / LANES;     // of an invocation, in a tile of scores
const uint OWN_WIDTH = (WIDTH4 + LANES - 1) / LANES;  // of an invocation, in the width of a head, by fours

// Dropout (graph.AttentionAttr.Keep): keep_tile has a bit for each query of a
// tile and each of its keys that stays, eight keys to an element. A shader that
// drops declares it and seed.
#define KEEP_SIZE(QUERIES, KEYS) (DROP ? (QUERIES) * (((KEYS) + 7) / 8) : 1)

uint kept_keys(uint row, uint block, uint drop_below, uint salt, uint seed0, uint seed1) {
    uvec4 words = philox_block(block, row, salt, seed0, seed1);
    uint bits = 0;
    [[unroll]] for (uint i = 0; i < 4; i++) {
        bits |= uint((words[i] & 0xffffu) >= drop_below) << (2 * i) | uint(words[i] >> 16 >= drop_below) << (2 * i + 1);
    }
    return bits;
}

// LOAD_KEEP fills keep_tile for the queries from row ROW of the probabilities
// on, and the keys from FIRST on, a multiple of 4.
#define LOAD_KEEP(QUERIES, KEYS, ROW, FIRST)                                               if (DROP) {                                                                                const uint blocks = ((KEYS) + 7) / 8;                                                  for (uint n = gl_LocalInvocationIndex; n < (QUERIES) * blocks; n += gl_WorkGroupSize.x) {             keep_tile[n] = kept_keys((ROW) + n / blocks, (FIRST) / 8 + n % blocks, drop_below, salt, seed[0], seed[1]);         }                                                                                  }

// KEPT is what the probability of a tile's query and key is multiplied by.
#define KEPT(KEYS, FIRST, QUERY, KEY)                                                      ((keep_tile[(QUERY) * (((KEYS) + 7) / 8) + ((FIRST) % 8 + (KEY)) / 8]                      >> (((FIRST) + (KEY)) % 8) & 1u) != 0 ? factor : 0.0)

// BIAS is what is added to the score of a query that stands at key AT with a key
// (graph.AttentionAttr.Place). A shader declares bias.
#define BIAS(HEAD, AT, KEY) \
    bias[(HEAD) * places + uint(clamp(int(KEY) - (AT) + int(places / 2), 0, int(places) - 1))]

// MASKED is below any score.
#define MASKED -1e30

// PIECES gives NAME_piece(at, c): elements 4c to 4c+3 of the head that begins
// at element at, zeros past its width.
#define PIECES(NAME)                                                                   \
    vec4 NAME##_piece(uint at, uint c) {                                               \
        if (ALIGNED) {                                                                 \
            return NAME##_load4(at / 4 + c);                                           \
        }                                                                              \
        vec4 v = vec4(0.0);                                                            \
        [[unroll]] for (uint i = 0; i < 4; i++) {                                      \
            if (4 * c + i < WIDTH) {                                                   \
                v[i] = NAME##_load(at + 4 * c + i);                                    \
            }                                                                          \
        }                                                                              \
        return v;                                                                      \
    }

#define PIECE_STORES(NAME)                                                             \
    void NAME##_put(uint at, uint c, vec4 v) {                                         \
        if (ALIGNED) {                                                                 \
            NAME##_store4(at / 4 + c, v);                                              \
            return;                                                                    \
        }                                                                              \
        [[unroll]] for (uint i = 0; i < 4; i++) {                                      \
            if (4 * c + i < WIDTH) {                                                   \
                NAME##_store(at + 4 * c + i, v[i]);                                    \
            }                                                                          \
        }                                                                              \
    }

// LOAD_TILE fills a tile of COUNT rows from a matrix of COLUMNS columns, whose
// row FIRST and column AT come first; rows from VALID on are zeros.
#define LOAD_TILE(TILE, NAME, COUNT, VALID, FIRST, COLUMNS, AT)                        \
    for (uint n = gl_LocalInvocationIndex; n < (COUNT) * WIDTH4; n += gl_WorkGroupSize.x) { \
        uint r = n / WIDTH4, c = n % WIDTH4;                                           \
        TILE[r * STRIDE + c] =                                                         \
            r < (VALID) ? NAME##_piece(((FIRST) + r) * (COLUMNS) + (AT), c) : vec4(0.0); \
    }

// PRODUCT adds to OUT[i] the inner products of the invocation's four rows of A
// with its columns of B.
#define PRODUCT(OUT, A, B)                                                             \
    for (uint c = 0; c < WIDTH4; c++) {                                                \
        vec4 a0 = A[(4 * own_y) * STRIDE + c], a1 = A[(4 * own_y + 1) * STRIDE + c];   \
        vec4 a2 = A[(4 * own_y + 2) * STRIDE + c], a3 = A[(4 * own_y + 3) * STRIDE + c]; \
        [[unroll]] for (uint i = 0; i < OWN_COLS; i++) {                               \
            vec4 v = B[min(own_x + LANES * i, COLS - 1) * STRIDE + c];                 \
            OUT[i] += vec4(dot(a0, v), dot(a1, v), dot(a2, v), dot(a3, v));            \
        }                                                                              \
    }

// WEIGH adds to OUT, for each of the invocation's four rows, the rows of TILE
// weighed by W, a tile of COLS weights for the four.
#define WEIGH(OUT, W, TILE)                                                            \
    for (uint n = 0; n < COLS; n++) {                                                  \
        vec4 w = W[own_y * (COLS + 1) + n];                                            \
        [[unroll]] for (uint i = 0; i < OWN_WIDTH; i++) {                              \
            vec4 v = TILE[n * STRIDE + min(own_x + LANES * i, WIDTH4 - 1)];            \
            OUT[4 * i] += w.x * v;                                                     \
            OUT[4 * i + 1] += w.y * v;                                                 \
            OUT[4 * i + 2] += w.z * v;                                                 \
            OUT[4 * i + 3] += w.w * v;                                                 \
        }                                                                              \
    }

uint own_x = gl_LocalInvocationIndex % LANES, own_y = gl_LocalInvocationIndex / LANES;

// visible_keys is how many keys, the first ones, query t sees.
uint visible_keys(uint t, int start, int keys) {
    return uint(max(CAUSAL ? min(keys, int(t) + start + 1) : keys, 0));
}
#endif
