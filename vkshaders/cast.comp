// y = x in another storage type, rounded to nearest even
// x [n], y [n]
#version 450
#include "dtype.glsl"
#include "grid.glsl"

layout(local_size_x = 128) in;
layout(constant_id = 0) const uint X_TYPE = F32;
layout(constant_id = 1) const uint Y_TYPE = F32;
layout(push_constant) uniform Push { uint n; };
FLOATS_IN(0, x, X_TYPE)
FLOATS_OUT(1, y, Y_TYPE)

void main() {
    EACH4(n, y_store4(i, x_load4(i)), y_store(i, x_load(i)))
}
