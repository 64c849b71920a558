// dq = scale·Σ_r dscores[r]·key[r]
// w [T·K, 3C] and c [T, 3C] (rows r, see the include), dscores [T·K+T, H], dq [3C]
#version 450
#include "affine_attention.glsl"

TABLE(0, 1)
layout(std430, set = 0, binding = 2) readonly buffer DScores { float dscores[]; };
FLOATS_OUT(3, dq, TYPE)

void main() {
    uint j = global_index();
    if (j >= channels()) {
        return;
    }
    float sum = 0.0;
    for (uint row = 0; row < given() + tokens; row++) {
        sum += dscores[row * heads + j / width] * table_load(row, channels() + j);
    }
    dq_store(j, scale * sum);
    dq_store(channels() + j, 0.0);
    dq_store(2 * channels() + j, 0.0);
}
