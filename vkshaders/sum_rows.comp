// y = Σ over the rows of x, or y += it
// x [N, C], y [C]; a workgroup 16 columns
#version 450
#include "columns.glsl"
#include "dtype.glsl"

layout(constant_id = 0) const uint TYPE = F32;
layout(constant_id = 2) const bool ADD = false;
layout(push_constant) uniform Push { uint rows, channels; };
FLOATS_IN(0, x, TYPE)
layout(std430, set = 0, binding = 1) buffer Y { float y[]; };

void main() {
    uint c = gl_WorkGroupID.x * COLUMNS + gl_LocalInvocationID.x;
    float sum = 0.0;
    if (c < channels) {
        EACH_ROW(n, rows, sum += x_load(n * channels + c);)
    }
    sum = columns_sum(vec2(sum, 0.0)).x;
    if (c < channels && gl_LocalInvocationID.y == 0) {
        y[c] = ADD ? y[c] + sum : sum;
    }
}
