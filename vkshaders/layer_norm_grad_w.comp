// dw = Σ d·x̂, db = Σ d over the rows, x̂ = (x-mean)·rstd
// d [N, C], x [N, C], stats [N, 2], dw [C], db [C]; a workgroup 16 columns
#version 450
#include "columns.glsl"
#include "dtype.glsl"

layout(constant_id = 0) const uint TYPE = F32;
layout(push_constant) uniform Push { uint rows, channels; };
FLOATS_IN(0, d, TYPE)
FLOATS_IN(1, x, TYPE)
layout(std430, set = 0, binding = 2) readonly buffer Stats { vec2 stats[]; };
layout(std430, set = 0, binding = 3) writeonly buffer DW { float dw[]; };
layout(std430, set = 0, binding = 4) writeonly buffer DB { float db[]; };

void main() {
    uint c = gl_WorkGroupID.x * COLUMNS + gl_LocalInvocationID.x;
    vec2 sums = vec2(0.0);
    if (c < channels) {
        EACH_ROW(n, rows,
                 float e = d_load(n * channels + c);
                 sums += vec2(e * (x_load(n * channels + c) - stats[n].x) * stats[n].y, e);)
    }
    sums = columns_sum(sums);
    if (c < channels && gl_LocalInvocationID.y == 0) {
        dw[c] = sums.x;
        db[c] = sums.y;
    }
}
