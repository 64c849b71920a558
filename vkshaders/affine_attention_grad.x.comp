// dx[n, r] = Σ_h ds[n, t]·scores[r] + p[n, t]·(d[n]·value[r])
// d [N, C], w, c (rows r of values), p, ds [N, T, H], scores [T·K+T, H], dx [N, T·K]
#version 450
#include "affine_attention.glsl"

FLOATS_IN(0, d, TYPE)
TABLE(1, 2)
layout(std430, set = 0, binding = 3) readonly buffer P { float p[]; };
layout(std430, set = 0, binding = 4) readonly buffer Ds { float ds[]; };
layout(std430, set = 0, binding = 5) readonly buffer Scores { float scores[]; };
FLOATS_OUT(6, dx, TYPE)

void main() {
    uint i = global_index();
    if (i >= rows * given()) {
        return;
    }
    uint n = i / given(), row = i % given(), at = (n * tokens + row / numbers) * heads;
    float sum = 0.0;
    for (uint h = 0; h < heads; h++) {
        float g = 0.0;
        for (uint j = h * width; j < (h + 1) * width; j++) {
            g += d_load(n * channels() + j) * table_load(row, 2 * channels() + j);
        }
        sum += ds[at + h] * scores[row * heads + h] + p[at + h] * g;
    }
    dx_store(i, sum);
}
