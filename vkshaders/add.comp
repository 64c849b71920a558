// y = a + b, elementwise
// a [n], b [n], y [n]; y may be a or b
#version 450
#include "dtype.glsl"
#include "grid.glsl"

layout(local_size_x = 128) in;
layout(constant_id = 0) const uint TYPE = F32;
layout(push_constant) uniform Push { uint n; };
FLOATS_IN(0, a, TYPE)
FLOATS_IN(1, b, TYPE)
FLOATS_OUT(2, y, TYPE)

void main() {
    EACH4(n, y_store4(i, a_load4(i) + b_load4(i)), y_store(i, a_load(i) + b_load(i)))
}
