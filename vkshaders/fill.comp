// y = the same bits in every element
// y [n], of elements of 16 bits; bits holds two, or one of 32 bits
#version 450
#extension GL_EXT_shader_16bit_storage : require
#define TABLE 1
#include "many.glsl"

layout(push_constant) uniform Push { uint n, bits; };
layout(std430, set = 0, binding = 0) writeonly buffer Y { uint16_t y[]; };
layout(std430, set = 0, binding = 0) writeonly buffer Y4 { uvec2 y4[]; };

void main() {
    uint length = n, number = group_index(), at = 0, word = bits;
    if (MANY) {
        if (number >= n) {
            return;
        }
        uvec4 a = table[number];
        length = a.x;
        number = a.y;
        at = a.z;
        word = a.w;
    }
    EACH4_OF(length, number, y4[2 * at + i] = uvec2(word),
             y[8 * at + i] = uint16_t((i % 2 == 0 ? word : word >> 16) & 0xffffu))
}
