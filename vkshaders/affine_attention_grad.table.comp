// dvalue[r] = Σ_n p[n, t]·x[n, r]·d[n], dscores[r] = Σ_n ds[n, t]·x[n, r], dkey[r] = scale·dscores[r]·q, by blocks of places
// d [N, C], x [N, T·K], q [3C], p, ds [N, T, H], dw [T·K, 3C], dc [T, 3C], dscores [T·K+T, H]; an invocation a row and channel
#version 450
#include "affine_attention.glsl"

FLOATS_IN(0, d, TYPE)
FLOATS_IN(1, x, TYPE)
FLOATS_IN(2, q, TYPE)
layout(std430, set = 0, binding = 3) readonly buffer P { float p[]; };
layout(std430, set = 0, binding = 4) readonly buffer Ds { float ds[]; };
FLOATS_OUT(5, dw, TYPE)
FLOATS_OUT(6, dc, TYPE)
layout(std430, set = 0, binding = 7) writeonly buffer DScores { float dscores[]; };

void put(uint row, uint column, float v) {
    if (row < given()) {
        dw_store(row * 3 * channels() + column, v);
    } else {
        dc_store((row - given()) * 3 * channels() + column, v);
    }
}

void main() {
    uint i = global_index();
    if (i >= (given() + tokens) * channels()) {
        return;
    }
    uint row = i / channels(), j = i % channels(), h = j / width, t = token_of(row);
    vec2 all = vec2(0.0), block = vec2(0.0);
    for (uint n = 0; n < rows; n++) {
        uint at = (n * tokens + t) * heads + h;
        float by = row < given() ? x_load(n * given() + row) : 1.0;
        block += by * vec2(p[at] * d_load(n * channels() + j), ds[at]);
        if (n % 128 == 127 || n + 1 == rows) {
            all += block;
            block = vec2(0.0);
        }
    }
    put(row, j, 0.0);
    put(row, channels() + j, scale * all.y * q_load(j));
    put(row, 2 * channels() + j, all.x);
    if (j % width == 0) {
        dscores[row * heads + h] = all.y;
    }
}
