// y[n] = Σ_t p[n, t]·(Σ_k x[n, t·K+k]·value[t·K+k] + value[T·K+t])
// x [N, T·K], w [T·K, 3C] and c [T, 3C] (rows of values, see the include), p [N, T, H], y [N, C]
#version 450
#include "affine_attention.glsl"

FLOATS_IN(0, x, TYPE)
TABLE(1, 2)
layout(std430, set = 0, binding = 3) readonly buffer P { float p[]; };
FLOATS_OUT(4, y, TYPE)

void main() {
    uint i = global_index();
    if (i >= rows * channels()) {
        return;
    }
    uint n = i / channels(), j = i % channels(), column = 2 * channels() + j;
    float sum = 0.0;
    for (uint t = 0; t < tokens; t++) {
        float value = table_load(given() + t, column);
        for (uint k = t * numbers; k < (t + 1) * numbers; k++) {
            value += x_load(n * given() + k) * table_load(k, column);
        }
        sum += p[(n * tokens + t) * heads + j / width] * value;
    }
    y_store(i, sum);
}
