// dx = rstd·(e - mean(e) - x̂·mean(e·x̂)) + residual, e = d·w, x̂ = (x-mean)·rstd
// d [N, C], x [N, C], w [C], stats [N, 2], residual [N, C], dx [N, C]; a workgroup a row
#version 450
#include "dtype.glsl"
#include "grid.glsl"

layout(local_size_x_id = 0) in;
#include "reduce.glsl"
layout(constant_id = 1) const uint TYPE = F32;
layout(constant_id = 2) const bool RESIDUAL = false; // without it, binding 4 is not read
layout(push_constant) uniform Push { uint rows, channels; };
FLOATS_IN(0, d, TYPE)
FLOATS_IN(1, x, TYPE)
layout(std430, set = 0, binding = 2) readonly buffer W { float w[]; };
layout(std430, set = 0, binding = 3) readonly buffer Stats { float stats[]; };
FLOATS_IN(4, residual, TYPE)
FLOATS_OUT(5, dx, TYPE)

void main() {
    uint row = group_index(), id = gl_LocalInvocationIndex;
    if (row >= rows) {
        return;
    }
    uint base = row * channels;
    float mean = stats[2 * row], rstd = stats[2 * row + 1];
    vec2 sums = vec2(0.0);
    for (uint c = id; c < channels; c += gl_WorkGroupSize.x) {
        float e = d_load(base + c) * w[c];
        sums += vec2(e, e * (x_load(base + c) - mean) * rstd);
    }
    sums = reduce_sum_all(sums) / float(channels);
    for (uint c = id; c < channels; c += gl_WorkGroupSize.x) {
        float e = d_load(base + c) * w[c], xhat = (x_load(base + c) - mean) * rstd;
        float v = rstd * (e - sums.x - xhat * sums.y);
        if (RESIDUAL) {
            v += residual_load(base + c);
        }
        dx_store(base + c, v);
    }
}
