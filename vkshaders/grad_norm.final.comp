// norm = √(Σ partial)/scale, factor = min(1, limit/(norm + 1e-6))/scale, -1 if the sum is not finite
// partial [n], y [2] = (norm, factor), scale [1]; one workgroup; limit 0 means none
#version 450
#extension GL_EXT_control_flow_attributes : require
layout(local_size_x = 512) in;
#include "reduce.glsl"
layout(push_constant) uniform Push { uint n; float limit; };
layout(std430, set = 0, binding = 0) readonly buffer Partial { float partial[]; };
layout(std430, set = 0, binding = 1) writeonly buffer Y { float y[2]; };
layout(std430, set = 0, binding = 2) readonly buffer Scale { float scale; };

void main() {
    float sum = 0.0;
    uint i = gl_LocalInvocationIndex;
    for (; i + 7 * gl_WorkGroupSize.x < n; i += 8 * gl_WorkGroupSize.x) { // eight loads are under way at a time
        float v[8];
        [[unroll]] for (uint u = 0; u < 8; u++) { v[u] = partial[i + u * gl_WorkGroupSize.x]; }
        [[unroll]] for (uint u = 0; u < 8; u++) { sum += v[u]; }
    }
    for (; i < n; i += gl_WorkGroupSize.x) {
        sum += partial[i];
    }
    sum = reduce_sum(sum);
    if (gl_LocalInvocationIndex == 0) {
        float norm = sqrt(sum) / scale;
        y[0] = norm;
        y[1] = finite(sum) ? (limit > 0.0 ? min(1.0, limit / (norm + 1e-6)) : 1.0) / scale : -1.0;
    }
}
