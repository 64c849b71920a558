// y = (x - mean)·rstd·w + b by rows, rstd = 1/√(var + eps); stats = (mean, rstd)
// x [N, C], w [C], b [C], y [N, C], stats [N, 2]; a workgroup a row
#version 450
#include "rows.glsl"

layout(push_constant) uniform Push { uint rows, channels; float eps; };
FLOATS_IN(0, x, TYPE)
FLOATS_IN(1, w, F32)
FLOATS_IN(2, b, F32)
FLOATS_OUT(3, y, TYPE)
layout(std430, set = 0, binding = 4) writeonly buffer Stats { vec2 stats[]; };
QUADS(x)
QUADS(w)
QUADS(b)
QUAD_STORES(y)

void main() {
    uint row = group_index();
    if (row >= rows) {
        return;
    }
    vec4 own[OWN], sum = vec4(0.0), squares = vec4(0.0);
    EACH_OWN(own[i] = x_quad(row, c); sum += own[i];)
    float mean = reduce_sum(dot(sum, vec4(1.0))) / float(channels);
    EACH_OWN(
        vec4 inside = vec4(lessThan(4 * c + uvec4(0, 1, 2, 3), uvec4(channels)));
        own[i] = (own[i] - mean) * inside;
        squares += own[i] * own[i];)
    float rstd = 1.0 / sqrt(reduce_sum(dot(squares, vec4(1.0))) / float(channels) + eps);
    EACH_OWN(y_put(row, c, own[i] * rstd * w_quad(0, c) + b_quad(0, c));)
    if (gl_LocalInvocationIndex == 0) {
        stats[row] = vec2(mean, rstd);
    }
}
