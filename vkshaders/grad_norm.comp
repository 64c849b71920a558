// partial = Σ x², by blocks of 4096 elements of one gradient
// x [n], partial [first + blocks]; a workgroup a block
#version 450
#include "grid.glsl"
layout(local_size_x = 256) in;
#include "reduce.glsl"
#define BLOCK 4096 // graph.NormBlock
layout(push_constant) uniform Push { uint n, first; };
layout(std430, set = 0, binding = 0) readonly buffer X { float x[]; };
layout(std430, set = 0, binding = 1) writeonly buffer Partial { float partial[]; };

void main() {
    uint from = group_index() * BLOCK;
    if (from >= n) {
        return;
    }
    float sum = 0.0;
    for (uint k = 0; k < BLOCK / gl_WorkGroupSize.x; k++) {
        uint i = from + k * gl_WorkGroupSize.x + gl_LocalInvocationIndex;
        float v = i < n ? x[i] : 0.0;
        sum += v * v;
    }
    sum = reduce_sum(sum);
    if (gl_LocalInvocationIndex == 0) {
        partial[first + group_index()] = sum;
    }
}
