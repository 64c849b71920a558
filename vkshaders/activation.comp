// y = act(x), elementwise
// x [n], y [n]; y may be x
#version 450
#include "activation.glsl"
#include "dtype.glsl"
#include "grid.glsl"

layout(local_size_x = 128) in;
layout(constant_id = 0) const uint TYPE = F32;
layout(constant_id = 1) const uint ACT = IDENTITY;
layout(push_constant) uniform Push { uint n; };
FLOATS_IN(0, x, TYPE)
FLOATS_OUT(1, y, TYPE)

void main() {
    EACH4(n, y_store4(i, activate4(ACT, x_load4(i))), y_store(i, activate(ACT, x_load(i))))
}
