// y = (x - mean)·rstd·w + b by rows, rstd = 1/√(var + eps); stats = (mean, rstd)
// x [N, C], w [C], b [C], y [N, C], stats [N, 2]; a workgroup a row
#version 450
#include "dtype.glsl"
#include "grid.glsl"

layout(local_size_x_id = 0) in;
#include "reduce.glsl"
layout(constant_id = 1) const uint TYPE = F32;
layout(push_constant) uniform Push { uint rows, channels; float eps; };
FLOATS_IN(0, x, TYPE)
layout(std430, set = 0, binding = 1) readonly buffer W { float w[]; };
layout(std430, set = 0, binding = 2) readonly buffer B { float b[]; };
FLOATS_OUT(3, y, TYPE)
layout(std430, set = 0, binding = 4) writeonly buffer Stats { float stats[]; };

void main() {
    uint row = group_index(), id = gl_LocalInvocationIndex;
    if (row >= rows) {
        return;
    }
    uint base = row * channels;
    float sum = 0.0;
    for (uint c = id; c < channels; c += gl_WorkGroupSize.x) {
        sum += x_load(base + c);
    }
    float mean = reduce_sum(sum) / float(channels);
    float squares = 0.0;
    for (uint c = id; c < channels; c += gl_WorkGroupSize.x) {
        float e = x_load(base + c) - mean;
        squares += e * e;
    }
    float rstd = 1.0 / sqrt(reduce_sum(squares) / float(channels) + eps);
    for (uint c = id; c < channels; c += gl_WorkGroupSize.x) {
        y_store(base + c, (x_load(base + c) - mean) * rstd * w[c] + b[c]);
    }
    if (id == 0) {
        stats[2 * row] = mean;
        stats[2 * row + 1] = rstd;
    }
}
