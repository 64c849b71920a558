// Sums down the columns of a matrix: a workgroup has COLUMNS columns, and LANES
// invocations for each that take every LANES-th row. Their sums are added in
// the order of a fixed tree.
#ifndef COLUMNS_GLSL
#define COLUMNS_GLSL
#extension GL_EXT_control_flow_attributes : require

#define COLUMNS 16
#define LANES gl_WorkGroupSize.y // a power of two
layout(local_size_x = COLUMNS, local_size_y_id = 1) in;

shared vec2 columns_shared[LANES * COLUMNS];

// EACH_ROW runs a body for the lane's rows N of ROWS, in order, eight together
// so that their loads are under way at the same time.
#define EACH_ROW(N, ROWS, BODY)                                              \
    uint done = 0;                                                           \
    for (; done + 8 * LANES <= (ROWS); done += 8 * LANES) {                  \
        [[unroll]] for (uint u = 0; u < 8; u++) {                            \
            uint N = done + u * LANES + gl_LocalInvocationID.y;              \
            BODY                                                             \
        }                                                                    \
    }                                                                        \
    for (uint N = done + gl_LocalInvocationID.y; N < (ROWS); N += LANES) {   \
        BODY                                                                 \
    }

// columns_sum returns, to lane 0, the sums of v over the lanes of a column. All
// invocations must call it together, once.
vec2 columns_sum(vec2 v) {
    uint at = gl_LocalInvocationIndex;
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
