// y = Σ a·b
// a [n], b [n], y [1]; one workgroup
#version 450
layout(local_size_x = 512) in;
#include "reduce.glsl"
layout(push_constant) uniform Push { uint n; };
layout(std430, set = 0, binding = 0) readonly buffer A { float a[]; };
layout(std430, set = 0, binding = 1) readonly buffer B { float b[]; };
layout(std430, set = 0, binding = 2) writeonly buffer Y { float y[]; };

void main() {
    float sum = 0.0;
    for (uint i = gl_LocalInvocationIndex; i < n; i += gl_WorkGroupSize.x) {
        sum += a[i] * b[i];
    }
    sum = reduce_sum(sum);
    if (gl_LocalInvocationIndex == 0) {
        y[0] = sum;
    }
}
