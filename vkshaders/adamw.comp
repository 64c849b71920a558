// m += (g-m)(1-β1); v = β2·v + (1-β2)g²; p -= lr/(1-β1^t)·m/(√v/√(1-β2^t) + ε), g = grad·norm[1]
// p [n], grad [n], m [n], v [n], hyper [8], norm [2]; p, m and v in place
#version 450
#define TABLE 6
#include "many.glsl"

layout(push_constant) uniform Push { uint n, decays; };
layout(std430, set = 0, binding = 0) buffer P { float p[]; };
layout(std430, set = 0, binding = 0) buffer P4 { vec4 p4[]; };
layout(std430, set = 0, binding = 1) readonly buffer G { float grad[]; };
layout(std430, set = 0, binding = 1) readonly buffer G4 { vec4 grad4[]; };
layout(std430, set = 0, binding = 2) buffer M { float m[]; };
layout(std430, set = 0, binding = 2) buffer M4 { vec4 m4[]; };
layout(std430, set = 0, binding = 3) buffer V { float v[]; };
layout(std430, set = 0, binding = 3) buffer V4 { vec4 v4[]; };
layout(std430, set = 0, binding = 4) readonly buffer Hyper { vec4 hyper[]; }; // (lr, beta1, beta2, eps), (correct1, correct2, decay, 0)
layout(std430, set = 0, binding = 5) readonly buffer Norm { float norm[2]; };

// Each element is read once and written once: the compiler must take the
// buffers for one.
#define STEP(T, P, G, M, V)                             \
    T g = (G) * norm[1], m1 = M, v1 = V, q = P;         \
    m1 += (g - m1) * (1.0 - beta1);                     \
    v1 = beta2 * v1 + (1.0 - beta2) * g * g;            \
    q *= keep;                                          \
    M = m1;                                             \
    V = v1;                                             \
    P = q - rate * m1 / (sqrt(v1) / sqrt(correct2) + eps);

void main() {
    if (norm[1] < 0.0) { // the gradient is not finite
        return;
    }
    uint length = n, number = group_index(), h = 0;
    uvec4 at = uvec4(0); // of p, grad, m and v
    bool decay = decays != 0;
    if (MANY) {
        if (number >= n) {
            return;
        }
        uvec4 a = table[2 * number], b = table[2 * number + 1];
        length = a.x;
        number = a.y;
        at = uvec4(a.zw, b.xy);
        h = b.z;
        decay = b.w != 0;
    }
    vec4 first = hyper[h], second = hyper[h + 1];
    float beta1 = first.y, beta2 = first.z, eps = first.w, correct2 = second.y;
    float rate = first.x / second.x, keep = decay ? 1.0 - first.x * second.z : 1.0;
    EACH4_OF(length, number, STEP(vec4, p4[at.x + i], grad4[at.y + i], m4[at.z + i], v4[at.w + i]),
             STEP(float, p[4 * at.x + i], grad[4 * at.y + i], m[4 * at.z + i], v[4 * at.w + i]))
}
