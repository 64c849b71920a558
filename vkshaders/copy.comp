// y = x, bit for bit
// x [n], y [n], of elements of 16 bits
#version 450
#extension GL_EXT_shader_16bit_storage : require
#include "grid.glsl"

layout(local_size_x = 128) in;
layout(push_constant) uniform Push { uint n; };
layout(std430, set = 0, binding = 0) readonly buffer X { uint16_t x[]; };
layout(std430, set = 0, binding = 0) readonly buffer X4 { uvec2 x4[]; };
layout(std430, set = 0, binding = 1) writeonly buffer Y { uint16_t y[]; };
layout(std430, set = 0, binding = 1) writeonly buffer Y4 { uvec2 y4[]; };

void main() {
    EACH4(n, y4[i] = x4[i], y[i] = x[i])
}
