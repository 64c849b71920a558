// Sums down the columns of matrices [N, C]: a workgroup has COLUMNS places side
// by side, a place being four columns with WIDE and else one, of the rows of a
// part, and LANES invocations for each place that take every LANES-th row. Their
// sums are added in the order of a fixed tree, and so are the parts afterwards.
#ifndef COLUMNS_GLSL
#define COLUMNS_GLSL
#extension GL_EXT_control_flow_attributes : require
#include "dtype.glsl"

#define COLUMNS 32
#define LANES gl_WorkGroupSize.y // a power of two
layout(local_size_x = COLUMNS, local_size_y_id = 0) in;
layout(constant_id = 1) const uint TYPE = F32;
layout(constant_id = 2) const bool WIDE = false;
layout(push_constant) uniform Push { uint rows, channels, part_rows; };

shared vec4 columns_shared[LANES * COLUMNS];

// PLACE is the invocation's, of PLACES, and PART the workgroup's.
#define PLACES (WIDE ? channels / 4 : channels)
#define PLACE gl_GlobalInvocationID.x
#define PART gl_WorkGroupID.y

// PLACES_OF gives NAME_at(row), a float operand's columns of the place.
#define PLACES_OF(NAME)                                                                \
    vec4 NAME##_at(uint row) {                                                         \
        uint at = row * PLACES + PLACE;                                                \
        return WIDE ? NAME##_load4(at) : vec4(NAME##_load(at), 0.0, 0.0, 0.0);         \
    }

// PLACE_STORES gives NAME_put(v), which sets those of the part's row of sums.
#define PLACE_STORES(NAME)                                                             \
    void NAME##_put(vec4 v) {                                                          \
        uint at = PART * PLACES + PLACE;                                               \
        if (WIDE) {                                                                    \
            NAME##_store4(at, v);                                                      \
        } else {                                                                       \
            NAME##_store(at, v.x);                                                     \
        }                                                                              \
    }

// EACH_ROW runs a body for the invocation's rows N, in order, eight together so
// that their loads are under way at the same time. Past the part's end N is its
// last row again, and OURS is false.
#define EACH_ROW(N, OURS, BODY)                                                        \
    uint end = min(rows, (PART + 1) * part_rows);                                      \
    for (uint next = PART * part_rows; next < end; next += 8 * LANES) {                \
        [[unroll]] for (uint u = 0; u < 8; u++) {                                      \
            uint N = next + u * LANES + gl_LocalInvocationID.y;                        \
            bvec4 OURS = bvec4(N < end);                                               \
            N = min(N, end - 1);                                                       \
            BODY                                                                       \
        }                                                                              \
    }

// columns_sum returns, to lane 0, the sums of v over the lanes of a place. All
// invocations must call it together.
vec4 columns_sum(vec4 v) {
    uint at = gl_LocalInvocationIndex;
    barrier(); // those of an earlier call have been taken
    columns_shared[at] = v;
    for (uint width = LANES / 2; width > 0; width /= 2) {
        barrier();
        if (gl_LocalInvocationID.y < width) {
            columns_shared[at] += columns_shared[at + width * COLUMNS];
        }
    }
    return columns_shared[at];
}
#endif
