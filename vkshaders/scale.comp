// y = x·factor·s, elementwise
// x [n], s [1], y [n]; y may be x; without HAS_S, s is not read and may be any buffer
#version 450
#include "dtype.glsl"
#include "grid.glsl"

layout(local_size_x = 128) in;
layout(constant_id = 0) const uint TYPE = F32;
layout(constant_id = 1) const bool HAS_S = false;
layout(push_constant) uniform Push { uint n; float factor; };
FLOATS_IN(0, x, TYPE)
layout(std430, set = 0, binding = 1) readonly buffer S { float s[]; };
FLOATS_OUT(2, y, TYPE)

void main() {
    float by = factor;
    if (HAS_S) {
        by *= s[0];
    }
    EACH4(n, y_store4(i, x_load4(i) * by), y_store(i, x_load(i) * by))
}
