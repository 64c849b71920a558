// p[n, t, h] = softmax over t of Σ_k x[n, t·K+k]·scores[t·K+k, h] + scores[T·K+t, h]
// x [N, T·K], scores [T·K+T, H], p [N, T, H]; an invocation a place and head
#version 450
#include "affine_attention.glsl"

FLOATS_IN(0, x, TYPE)
layout(std430, set = 0, binding = 1) readonly buffer Scores { float scores[]; };
layout(std430, set = 0, binding = 2) buffer P { float p[]; };

void main() {
    uint i = global_index();
    if (i >= rows * heads) {
        return;
    }
    uint n = i / heads, h = i % heads, at = n * tokens * heads + h;
    float top = -1e38, all = 0.0;
    for (uint t = 0; t < tokens; t++) {
        float sum = scores[(given() + t) * heads + h];
        for (uint k = t * numbers; k < (t + 1) * numbers; k++) {
            sum += x_load(n * given() + k) * scores[k * heads + h];
        }
        p[at + t * heads] = sum;
        top = max(top, sum);
    }
    for (uint t = 0; t < tokens; t++) {
        float e = exp(p[at + t * heads] - top);
        p[at + t * heads] = e;
        all += e;
    }
    for (uint t = 0; t < tokens; t++) {
        p[at + t * heads] /= all;
    }
}
