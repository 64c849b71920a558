// What attention and its gradients on cooperative matrices share
// (VK_KHR_cooperative_matrix, which tensor cores multiply): ELEMENT is the type
// of q, k, v and of the probabilities in products, ELEMENT4 four of it. Scores,
// softmax and sums are f32.
//
// A workgroup has ROWS rows of its own, queries or keys, and goes over tiles of
// COLS others. Each subgroup has OWN matrices of TM rows: it keeps them, and what
// it sums up for them, in registers from beginning to end, so that subgroups
// wait for one another only where a tile is replaced. That tile's successor is
// then on its way, in registers. A tile that no row of the subgroup sees costs it
// nothing.
//
// Which invocation holds what of a matrix is the driver's business, and a softmax
// goes by rows. So scores go through shared memory, where an invocation, or
// PER_ROW of them, has a row of its subgroup: the way costs as much as reading
// the tile of keys. Likewise to scale rows of sums: each row's factor is spread
// over a matrix, and the matrices are multiplied by element.
//
// With 16 x 16 matrices and subgroups of 32, OWN = 2 halves the reads of tiles for
// each product, which bound the speed, but doubles the registers; heads of up to
// 64 have room for that in the forward pass. COLS = 32 leaves shared memory for
// three workgroups or more on a core, which hide one another's barriers. Rows in
// shared memory are padded: those that are read together lie in other banks.
#ifndef ATTENTION_COOP_GLSL
#define ATTENTION_COOP_GLSL
#pragma use_vulkan_memory_model
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#extension GL_KHR_shader_subgroup_vote : require
#include "attention.glsl" // whose ALIGNED here says multiples of 8 elements

layout(constant_id = 14) const uint SUBGROUP = 32; // its invocations
layout(constant_id = 15) const uint OWN = 1;
layout(constant_id = 16) const uint TM = 16;
layout(constant_id = 17) const uint TN = 16;
layout(constant_id = 18) const uint TK = 16;
layout(constant_id = 19) const bool LOCKSTEP = false; // subgroups of the driver are; see settle

const uint SIDE = TN > TK ? TN : TK; // both are 8 or 16
const uint PADDED = (WIDTH + SIDE - 1) / SIDE * SIDE;
const uint EIGHTS = PADDED / 8;
const uint FK = PADDED / TK; // matrices along the width of a head, in a sum
const uint FN = PADDED / TN; // and in a result
const uint OWN_ROWS = OWN * TM;
const uint GROUPS = ROWS / OWN_ROWS;
const uint PER_ROW = SUBGROUP / OWN_ROWS;
const uint CHUNKS = COLS / 8 / PER_ROW; // of eight columns, of an invocation

const uint T_STRIDE = EIGHTS | 1u; // of rows, by eight elements
const uint T_SIZE = COLS * T_STRIDE;
const uint S_STRIDE = COLS / 4 + 1; // by four floats
const uint F_STRIDE = TN / 4 + 1;   // of spread factors, likewise
const uint P_STRIDE = COLS / 4 + 2; // by four elements

// Two tiles of others. Before, each subgroup's rows pass through them.
const uint STAGED = GROUPS * TM * T_STRIDE;
shared uvec4 tiles[2 * T_SIZE > STAGED ? 2 * T_SIZE : STAGED];
shared vec4 s_tile[ROWS * S_STRIDE]; // a part for each subgroup, for whatever is f32
shared ELEMENT4 p_tile[ROWS * P_STRIDE];

// The invocation's row, within the subgroup's and the workgroup's, and its
// place among those that have it.
uint own_first = gl_SubgroupID * OWN_ROWS;
uint own_row = gl_SubgroupInvocationID / PER_ROW, own_lane = gl_SubgroupInvocationID % PER_ROW;
uint own_s = own_first * S_STRIDE, own_p = own_first * P_STRIDE;

// settle makes what a subgroup wrote to shared memory be seen by all of it.
// lavapipe's invocations go in step anyway; and it takes a barrier of a subgroup
// for one of the workgroup, which subgroups would not reach equally often.
void settle() {
    if (LOCKSTEP) {
        subgroupMemoryBarrierShared();
    } else {
        subgroupBarrier();
    }
}

#define SUMS coopmat<float, gl_ScopeSubgroup, TM, TN, gl_MatrixUseAccumulator>
#define ROWS_OF_A coopmat<ELEMENT, gl_ScopeSubgroup, TM, TK, gl_MatrixUseA>
#define PART_OF_B coopmat<ELEMENT, gl_ScopeSubgroup, TK, TN, gl_MatrixUseB>

// Powers of two are what devices have. LEAST is below any score, and MASKED so
// far below that it leaves nothing of a probability even where no key is seen.
const float LOG2_E = 1.4426950408889634, LN_2 = 0.6931471805599453;
#define LEAST -1e29

// EIGHTS_OF gives NAME_eight(at, c): elements 8c to 8c+7 of the head that begins
// at element at, zeros past its width.
#define EIGHTS_OF(BINDING, NAME)                                                           \
    layout(std430, set = 0, binding = BINDING) readonly buffer NAME##_b5 { uvec4 NAME##_u16x8[]; }; \
    uvec4 NAME##_eight(uint at, uint c) {                                                  \
        if (ALIGNED) { return 8 * c < WIDTH ? NAME##_u16x8[at / 8 + c] : uvec4(0); }       \
        uvec4 v = uvec4(0);                                                                \
        [[unroll]] for (uint i = 0; i < 8; i++) {                                          \
            if (8 * c + i < WIDTH) { v[i / 2] |= uint(NAME##_u16[at + 8 * c + i]) << (16 * (i % 2)); } \
        }                                                                                  \
        return v;                                                                          \
    }

// FETCH begins to read a tile, as LOAD_TILE does, and PUT has it in tiles.
const uint T_EACH = (COLS * EIGHTS + gl_WorkGroupSize.x - 1) / gl_WorkGroupSize.x;

#define FETCH(NEXT, NAME, VALID, FIRST, COLUMNS, AT)                                       \
    [[unroll]] for (uint i = 0; i < T_EACH; i++) {                                         \
        uint n = gl_LocalInvocationIndex + i * gl_WorkGroupSize.x, r = n / EIGHTS, c = n % EIGHTS; \
        NEXT[i] = r < (VALID) ? NAME##_eight(((FIRST) + r) * (COLUMNS) + (AT), c) : uvec4(0); \
    }

#define PUT(BASE, NEXT)                                                                    \
    [[unroll]] for (uint i = 0; i < T_EACH; i++) {                                         \
        uint n = gl_LocalInvocationIndex + i * gl_WorkGroupSize.x;                         \
        if (n < COLS * EIGHTS) { tiles[(BASE) + n / EIGHTS * T_STRIDE + n % EIGHTS] = NEXT[i]; } \
    }

// LOAD_OWN loads the subgroup's rows, OWN·FK matrices. A barrier must follow
// before tiles is written by others.
#define LOAD_OWN(OUT, NAME, VALID, FIRST, COLUMNS, AT)                                     \
    [[unroll]] for (uint i = 0; i < OWN; i++) {                                            \
        uint base = gl_SubgroupID * TM * T_STRIDE;                                         \
        settle();                                                                          \
        for (uint n = gl_SubgroupInvocationID; n < TM * EIGHTS; n += SUBGROUP) {           \
            uint r = n / EIGHTS, c = n % EIGHTS, row = own_first + i * TM + r;             \
            tiles[base + r * T_STRIDE + c] =                                               \
                row < (VALID) ? NAME##_eight(((FIRST) + row) * (COLUMNS) + (AT), c) : uvec4(0); \
        }                                                                                  \
        settle();                                                                          \
        [[unroll]] for (uint k = 0; k < FK; k++) {                                         \
            coopMatLoad(OUT[i * FK + k], tiles, base + k * (TK / 8), T_STRIDE, gl_CooperativeMatrixLayoutRowMajor); \
        }                                                                                  \
    }

// SCORES leaves in s_tile the inner products of the subgroup's rows A with those
// of the tile at BASE.
#define SCORES(A, BASE)                                                                    \
    [[unroll]] for (uint n = 0; n < COLS / TN; n++) {                                      \
        SUMS sum[OWN];                                                                     \
        [[unroll]] for (uint i = 0; i < OWN; i++) { sum[i] = SUMS(0.0); }                  \
        [[unroll]] for (uint k = 0; k < FK; k++) {                                         \
            PART_OF_B b;                                                                   \
            coopMatLoad(b, tiles, (BASE) + n * TN * T_STRIDE + k * (TK / 8), T_STRIDE,     \
                        gl_CooperativeMatrixLayoutColumnMajor);                            \
            [[unroll]] for (uint i = 0; i < OWN; i++) { sum[i] = coopMatMulAdd(A[i * FK + k], b, sum[i]); } \
        }                                                                                  \
        [[unroll]] for (uint i = 0; i < OWN; i++) {                                        \
            coopMatStore(sum[i], s_tile, own_s + i * TM * S_STRIDE + n * (TN / 4), S_STRIDE, \
                         gl_CooperativeMatrixLayoutRowMajor);                              \
        }                                                                                  \
    }                                                                                      \
    settle();

// BIAS of four keys, and of four queries, from one on, for powers of two.
#define BIAS_KEYS(HEAD, AT, KEY) (LOG2_E * vec4(BIAS(HEAD, AT, KEY), BIAS(HEAD, AT, (KEY) + 1), BIAS(HEAD, AT, (KEY) + 2), BIAS(HEAD, AT, (KEY) + 3)))
#define BIAS_QUERIES(HEAD, AT, KEY) (LOG2_E * vec4(BIAS(HEAD, AT, KEY), BIAS(HEAD, (AT) + 1, KEY), BIAS(HEAD, (AT) + 2, KEY), BIAS(HEAD, (AT) + 3, KEY)))

// CHUNK is the first column of an invocation's chunk I; by fours and for its row
// these are SCORE(I) and the next, and WEIGHT(I) and the next.
#define CHUNK(I) (8 * (own_lane + PER_ROW * (I)))
#define SCORE(I) (own_s + own_row * S_STRIDE + CHUNK(I) / 4)
#define WEIGHT(I) (own_p + own_row * P_STRIDE + CHUNK(I) / 4)

// ADD_WEIGHED adds to ACC, OWN·FN matrices, the rows of the tile at BASE weighed
// by p_tile.
#define ADD_WEIGHED(ACC, BASE)                                                             \
    settle();                                                                              \
    [[unroll]] for (uint k = 0; k < COLS / TK; k++) {                                      \
        ROWS_OF_A a[OWN];                                                                  \
        [[unroll]] for (uint i = 0; i < OWN; i++) {                                        \
            coopMatLoad(a[i], p_tile, own_p + i * TM * P_STRIDE + k * (TK / 4), P_STRIDE,  \
                        gl_CooperativeMatrixLayoutRowMajor);                               \
        }                                                                                  \
        [[unroll]] for (uint n = 0; n < FN; n++) {                                         \
            PART_OF_B b;                                                                   \
            coopMatLoad(b, tiles, (BASE) + k * TK * T_STRIDE + n * (TN / 8), T_STRIDE,     \
                        gl_CooperativeMatrixLayoutRowMajor);                               \
            [[unroll]] for (uint i = 0; i < OWN; i++) { ACC[i * FN + n] = coopMatMulAdd(a[i], b, ACC[i * FN + n]); } \
        }                                                                                  \
    }

// SCALE_ROWS multiplies the rows of ACC by the factors of their invocations.
#define SCALE_ROWS(ACC, FACTOR)                                                            \
    settle();                                                                              \
    for (uint c = own_lane; c < TN / 4; c += PER_ROW) {                                    \
        s_tile[own_s + own_row * F_STRIDE + c] = vec4(FACTOR);                             \
    }                                                                                      \
    settle();                                                                              \
    [[unroll]] for (uint i = 0; i < OWN; i++) {                                            \
        SUMS factors;                                                                      \
        coopMatLoad(factors, s_tile, own_s + i * TM * F_STRIDE, F_STRIDE, gl_CooperativeMatrixLayoutRowMajor); \
        [[unroll]] for (uint n = 0; n < FN; n++) { ACC[i * FN + n] = ACC[i * FN + n] * factors; } \
    }

// WRITE does PUTS with every four elements v of ACC, those from 4c on of the
// workgroup's row row; neighbours have what lies side by side.
#define WRITE(ACC, PUTS)                                                                   \
    [[unroll]] for (uint part = 0; part < PADDED; part += COLS) {                          \
        settle();                                                                          \
        [[unroll]] for (uint j = 0; j < COLS / TN; j++) {                                  \
            [[unroll]] for (uint i = 0; i < OWN; i++) {                                    \
                if (part / TN + j < FN) {                                                  \
                    coopMatStore(ACC[i * FN + part / TN + j], s_tile, own_s + i * TM * S_STRIDE + j * (TN / 4), \
                                 S_STRIDE, gl_CooperativeMatrixLayoutRowMajor);            \
                }                                                                          \
            }                                                                              \
        }                                                                                  \
        settle();                                                                          \
        for (uint e = gl_SubgroupInvocationID; e < OWN_ROWS * (COLS / 4); e += SUBGROUP) { \
            uint r = e / (COLS / 4), row = own_first + r, c = part / 4 + e % (COLS / 4);   \
            vec4 v = s_tile[own_s + r * S_STRIDE + e % (COLS / 4)];                        \
            if (c < WIDTH4) { PUTS }                                                       \
        }                                                                                  \
    }
#endif
