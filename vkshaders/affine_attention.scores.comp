// scores[r, h] = scale·Σ key[r]·q over the channels of head h
// w [T·K, 3C] and c [T, 3C] (rows r, see the include), q [3C], scores [T·K+T, H]
#version 450
#include "affine_attention.glsl"

TABLE(0, 1)
FLOATS_IN(2, q, TYPE)
layout(std430, set = 0, binding = 3) writeonly buffer Scores { float scores[]; };

void main() {
    uint i = global_index();
    if (i >= (given() + tokens) * heads) {
        return;
    }
    uint row = i / heads, from = i % heads * width;
    float sum = 0.0;
    for (uint j = from; j < from + width; j++) {
        sum += table_load(row, channels() + j) * q_load(j);
    }
    scores[i] = scale * sum;
}
