// dx = d·act'(x), elementwise
// d [n], x [n], dx [n]; dx may be d or x
#version 450
#include "activation.glsl"
#include "dtype.glsl"
#include "grid.glsl"

layout(local_size_x = 128) in;
layout(constant_id = 0) const uint TYPE = F32;
layout(constant_id = 1) const uint ACT = IDENTITY;
layout(push_constant) uniform Push { uint n; };
FLOATS_IN(0, d, TYPE)
FLOATS_IN(1, x, TYPE)
FLOATS_OUT(2, dx, TYPE)

void main() {
    EACH4(n, dx_store4(i, d_load4(i) * activate_grad4(ACT, x_load4(i))),
          dx_store(i, d_load(i) * activate_grad(ACT, x_load(i))))
}
