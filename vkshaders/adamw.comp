// m += (g-m)(1-β1); v = β2·v + (1-β2)g²; p -= lr/(1-β1^t)·m/(√v/√(1-β2^t) + ε), g = grad·norm[1]
// p [n], grad [n], m [n], v [n], hyper [8], norm [2]; p, m and v in place
#version 450
#include "grid.glsl"

layout(local_size_x = 128) in;
layout(constant_id = 0) const bool DECAY = false;
layout(push_constant) uniform Push { uint n; };
layout(std430, set = 0, binding = 0) buffer P { float p[]; };
layout(std430, set = 0, binding = 0) buffer P4 { vec4 p4[]; };
layout(std430, set = 0, binding = 1) readonly buffer G { float grad[]; };
layout(std430, set = 0, binding = 1) readonly buffer G4 { vec4 grad4[]; };
layout(std430, set = 0, binding = 2) buffer M { float m[]; };
layout(std430, set = 0, binding = 2) buffer M4 { vec4 m4[]; };
layout(std430, set = 0, binding = 3) buffer V { float v[]; };
layout(std430, set = 0, binding = 3) buffer V4 { vec4 v4[]; };
layout(std430, set = 0, binding = 4) readonly buffer Hyper { float lr, beta1, beta2, eps, correct1, correct2, decay; };
layout(std430, set = 0, binding = 5) readonly buffer Norm { float norm[2]; };

#define STEP(T, P, G, M, V)                \
    T g = G * norm[1];                     \
    M += (g - M) * (1.0 - beta1);          \
    V = beta2 * V + (1.0 - beta2) * g * g; \
    T q = P;                               \
    if (DECAY) {                           \
        q *= 1.0 - lr * decay;             \
    }                                      \
    P = q - lr / correct1 * M / (sqrt(V) / sqrt(correct2) + eps);

void main() {
    if (norm[1] < 0.0) { // the gradient is not finite
        return;
    }
    EACH4(n, STEP(vec4, p4[i], grad4[i], m4[i], v4[i]), STEP(float, p[i], grad[i], m[i], v[i]))
}
