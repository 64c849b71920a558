// Sums down the columns of a matrix: a workgroup has COLUMNS columns, and LANES
// invocations for each that take every LANES-th row. Their sums are added in
// the order of a fixed tree.
#ifndef COLUMNS_GLSL
#define COLUMNS_GLSL

#define COLUMNS 16
#define LANES 32
layout(local_size_x = COLUMNS, local_size_y = LANES) in;

shared vec2 columns_shared[LANES * COLUMNS];

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
