// dx = rstd·(e - mean(e) - x̂·mean(e·x̂)) + residual, e = d·w, x̂ = (x-mean)·rstd
// d [N, C], x [N, C], w [C], stats [N, 2], residual [N, C], dx [N, C]; a workgroup a row
#version 450
#include "rows.glsl"

layout(constant_id = 4) const bool RESIDUAL = false; // without it, binding 4 is not read
layout(push_constant) uniform Push { uint rows, channels; };
FLOATS_IN(0, d, TYPE)
FLOATS_IN(1, x, TYPE)
FLOATS_IN(2, w, F32)
layout(std430, set = 0, binding = 3) readonly buffer Stats { vec2 stats[]; };
FLOATS_IN(4, residual, TYPE)
FLOATS_OUT(5, dx, TYPE)
QUADS(d)
QUADS(x)
QUADS(w)
QUADS(residual)
QUAD_STORES(dx)

void main() {
    uint row = group_index();
    if (row >= rows) {
        return;
    }
    float mean = stats[row].x, rstd = stats[row].y;
    vec4 e[OWN], xhat[OWN], sum = vec4(0.0), product = vec4(0.0);
    EACH_OWN(
        e[i] = d_quad(row, c) * w_quad(0, c); // zeros past the row's end
        xhat[i] = (x_quad(row, c) - mean) * rstd;
        sum += e[i];
        product += e[i] * xhat[i];)
    vec2 means = reduce_sum_all(vec2(dot(sum, vec4(1.0)), dot(product, vec4(1.0)))) / float(channels);
    EACH_OWN(
        vec4 v = rstd * (e[i] - means.x - xhat[i] * means.y);
        if (RESIDUAL) {
            v += residual_quad(row, c);
        }
        dx_put(row, c, v);)
}
