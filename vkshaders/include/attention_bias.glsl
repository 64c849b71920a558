// The gradient of a bias sums the gradients of scores by head and place: those of a
// tile along its diagonals, on which every key is as far from its query. Each
// workgroup of queries leaves its sums in part [B·groups, H, places], which
// sum_rows adds up. The diagonal of a place is always the same invocation's, so
// that none waits for another; what lies beyond the ends it keeps to the last.
#ifndef ATTENTION_BIAS_GLSL
#define ATTENTION_BIAS_GLSL

uint part_at = ((gl_WorkGroupID.z * gl_NumWorkGroups.x + gl_WorkGroupID.x) * heads + gl_WorkGroupID.y) * places;
float first_sum = 0.0, last_sum = 0.0;

#define CLEAR_PLACES                                                                       \
    for (uint n = gl_LocalInvocationIndex; n < places; n += gl_WorkGroupSize.x) { part[part_at + n] = 0.0; }

// ADD_PLACES adds the diagonals of VALUE(row, column), ROWS x COLS. FIRST, which
// may be negative, is the place of the first, of the last row and column 0. A
// workgroup's invocations are a power of two.
#define ADD_PLACES(FIRST, VALUE)                                                           \
    for (uint n = (gl_LocalInvocationIndex - uint(FIRST)) % gl_WorkGroupSize.x; n < ROWS + COLS - 1; n += gl_WorkGroupSize.x) { \
        float diagonal = 0.0;                                                              \
        for (uint r = 0; r < ROWS; r++) {                                                  \
            uint c = n + r - (ROWS - 1); /* large where it would be negative */            \
            if (c < COLS) { diagonal += VALUE(r, c); }                                     \
        }                                                                                  \
        int place = (FIRST) + int(n);                                                      \
        if (place <= 0) {                                                                  \
            first_sum += diagonal;                                                         \
        } else if (place >= int(places) - 1) {                                             \
            last_sum += diagonal;                                                          \
        } else {                                                                           \
            part[part_at + place] += diagonal;                                             \
        }                                                                                  \
    }

// END_PLACES adds up, in order and by way of TILE, what lies beyond the ends.
#define END_PLACES(TILE)                                                                   \
    [[unroll]] for (uint end = 0; end < 2; end++) {                                        \
        barrier();                                                                         \
        TILE[gl_LocalInvocationIndex / 4][gl_LocalInvocationIndex % 4] = end == 0 ? first_sum : last_sum; \
        barrier();                                                                         \
        uint place = end == 0 ? 0 : places - 1;                                            \
        if (gl_LocalInvocationIndex == place % gl_WorkGroupSize.x) {                       \
            float sum = part[part_at + place]; /* of the first, if it is the last, too */  \
            for (uint n = 0; n < gl_WorkGroupSize.x; n++) { sum += TILE[n / 4][n % 4]; }   \
            part[part_at + place] = sum;                                                   \
        }                                                                                  \
    }
#endif
