// y = 0 if uniform(philox(i / span, 0, salt, seed)) < p, else x/(1-p), elementwise
// x [n], seed [2], y [n]; y may be x; without SPANS the span is 1
#version 450
#include "dtype.glsl"
#include "grid.glsl"
#include "philox.glsl"

layout(local_size_x = 128) in;
layout(constant_id = 0) const uint TYPE = F32;
layout(constant_id = 1) const bool SPANS = false;
layout(push_constant) uniform Push { uint n; float p; uint salt; float scale; uint span; };
FLOATS_IN(0, x, TYPE)
layout(std430, set = 0, binding = 1) readonly buffer Seed { uint seed[2]; };
FLOATS_OUT(2, y, TYPE)

float dropped(uint i, float v) {
    if (SPANS) {
        i /= span;
    }
    return uniform_01(philox(i, 0u, salt, seed[0], seed[1])) < p ? 0.0 : v * scale;
}

vec4 dropped4(uint i, vec4 v) {
    return vec4(dropped(i, v.x), dropped(i + 1, v.y), dropped(i + 2, v.z), dropped(i + 3, v.w));
}

void main() {
    EACH4(n, y_store4(i, dropped4(4 * i, x_load4(i))), y_store(i, dropped(i, x_load(i))))
}
