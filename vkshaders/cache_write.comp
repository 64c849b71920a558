// cache[b, pos[b] + t] = src[b·T + t, offset:offset + W]; rows past L are dropped
// cache [B, L, W] in place, src [B·T, C], pos [B]
#version 450
#extension GL_EXT_shader_16bit_storage : require
#include "grid.glsl"

layout(local_size_x = 128) in;
layout(constant_id = 0) const bool WIDE = true; // elements of 32 bits, else 16
layout(push_constant) uniform Push { uint n, len, cache_len, width, channels, offset; }; // n = B·T·W
layout(std430, set = 0, binding = 0) writeonly buffer Cache4 { uint cache4[]; };
layout(std430, set = 0, binding = 0) writeonly buffer Cache2 { uint16_t cache2[]; };
layout(std430, set = 0, binding = 1) readonly buffer Src4 { uint src4[]; };
layout(std430, set = 0, binding = 1) readonly buffer Src2 { uint16_t src2[]; };
layout(std430, set = 0, binding = 2) readonly buffer Pos { int pos[]; };

void main() {
    uint i = global_index();
    if (i >= n) {
        return;
    }
    uint row = i / width, b = row / len;
    int to = pos[b] + int(row % len);
    if (to < 0 || to >= int(cache_len)) {
        return;
    }
    uint at = (b * cache_len + uint(to)) * width + i % width, from = row * channels + offset + i % width;
    if (WIDE) {
        cache4[at] = src4[from];
    } else {
        cache2[at] = src2[from];
    }
}
