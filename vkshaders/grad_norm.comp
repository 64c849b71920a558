// partial = Σ x², by blocks of 4096 elements of one gradient
// x [n], partial [first + blocks]; a workgroup a block; with MANY as in include/many.glsl
#version 450
#include "grid.glsl"
layout(local_size_x = 256) in;
#include "reduce.glsl"
#define BLOCK 4096 // graph.NormBlock
layout(constant_id = 0) const bool MANY = false;
layout(push_constant) uniform Push { uint n, first; };
layout(std430, set = 0, binding = 0) readonly buffer X { float x[]; };
layout(std430, set = 0, binding = 1) writeonly buffer Partial { float partial[]; };
layout(std430, set = 0, binding = 2) readonly buffer Table { uvec4 table[]; };

void main() {
    uint length = n, number = group_index(), at = 0, to = first;
    if (MANY) {
        if (number >= n) {
            return;
        }
        uvec4 a = table[number];
        length = a.x;
        number = a.y;
        at = 4 * a.z;
        to = a.w;
    }
    uint from = number * BLOCK;
    if (from >= length) {
        return;
    }
    float sum = 0.0;
    for (uint k = 0; k < BLOCK / gl_WorkGroupSize.x; k++) {
        uint i = from + k * gl_WorkGroupSize.x + gl_LocalInvocationIndex;
        float v = i < length ? x[at + i] : 0.0;
        sum += v * v;
    }
    sum = reduce_sum(sum);
    if (gl_LocalInvocationIndex == 0) {
        partial[to + number] = sum;
    }
}
