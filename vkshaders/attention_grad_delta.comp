// delta = Σ d·o by heads
// d [B·T, H·WIDTH], o [B·T, H·WIDTH], delta [B, H, T]; an invocation an element of delta
#version 450
#include "dtype.glsl"
#include "grid.glsl"

layout(local_size_x = 128) in;
layout(constant_id = 0) const uint TYPE = F32;
layout(constant_id = 1) const uint WIDTH = 64;
layout(push_constant) uniform Push { uint n, query_len, heads; }; // n = B·T·H
FLOATS_IN(0, d, TYPE)
FLOATS_IN(1, o, TYPE)
layout(std430, set = 0, binding = 2) writeonly buffer Delta { float delta[]; };

void main() {
    uint i = global_index();
    if (i >= n) {
        return;
    }
    float sum = 0.0;
    if (WIDTH % 4 == 0) {
        for (uint c = 0; c < WIDTH / 4; c++) {
            sum += dot(d_load4(i * (WIDTH / 4) + c), o_load4(i * (WIDTH / 4) + c));
        }
    } else {
        for (uint c = 0; c < WIDTH; c++) {
            sum += d_load(i * WIDTH + c) * o_load(i * WIDTH + c);
        }
    }
    uint row = i / heads, h = i % heads;
    delta[(row / query_len * heads + h) * query_len + row % query_len] = sum;
}
