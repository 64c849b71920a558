// ds[t] = p[t]·(g[t] - Σ_t p·g), g[n, t] = d[n]·(Σ_k x[n, t·K+k]·value[t·K+k] + value[T·K+t]), over the channels of a head
// d [N, C], x [N, T·K], w, c (rows of values), p, ds [N, T, H]; an invocation a place and head
#version 450
#include "affine_attention.glsl"

FLOATS_IN(0, d, TYPE)
FLOATS_IN(1, x, TYPE)
TABLE(2, 3)
layout(std430, set = 0, binding = 4) readonly buffer P { float p[]; };
layout(std430, set = 0, binding = 5) buffer Ds { float ds[]; };

void main() {
    uint i = global_index();
    if (i >= rows * heads) {
        return;
    }
    uint n = i / heads, h = i % heads, at = n * tokens * heads + h, column = 2 * channels() + h * width;
    float mean = 0.0;
    for (uint t = 0; t < tokens; t++) {
        float g = 0.0;
        for (uint k = 0; k <= numbers; k++) {
            uint row = k < numbers ? t * numbers + k : given() + t;
            float sum = 0.0;
            for (uint j = 0; j < width; j++) {
                sum += d_load(n * channels() + h * width + j) * table_load(row, column + j);
            }
            g += k < numbers ? x_load(n * given() + row) * sum : sum;
        }
        ds[at + t * heads] = g;
        mean += p[at + t * heads] * g;
    }
    for (uint t = 0; t < tokens; t++) {
        ds[at + t * heads] = p[at + t * heads] * (ds[at + t * heads] - mean);
    }
}
