// y = the same bits in every element
// y [n], of elements of 16 bits; bits holds two, or one of 32 bits
#version 450
#extension GL_EXT_shader_16bit_storage : require
#include "grid.glsl"

layout(local_size_x = 128) in;
layout(push_constant) uniform Push { uint n, bits; };
layout(std430, set = 0, binding = 0) writeonly buffer Y { uint16_t y[]; };
layout(std430, set = 0, binding = 0) writeonly buffer Y4 { uvec2 y4[]; };

void main() {
    EACH4(n, y4[i] = uvec2(bits), y[i] = uint16_t((i % 2 == 0 ? bits : bits >> 16) & 0xffffu))
}
