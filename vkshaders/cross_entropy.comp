// loss = log Σ exp(logits) - logits[label]; dlogits = d·(softmax(logits) - onehot(label)); 0 without a label
// logits [R, V] (a chunk of the rows), labels [N], loss [N], d [N], dlogits [R, V]; a workgroup a row
#version 450
#include "dtype.glsl"
layout(local_size_x_id = 2) in;
#include "reduce.glsl"
layout(constant_id = 0) const uint TYPE = F32;   // of dlogits, which may be logits
layout(constant_id = 1) const bool GRAD = false; // without it, bindings 3 and 4 are not touched
layout(push_constant) uniform Push { uint first, vocab; }; // first: the chunk's first row
layout(std430, set = 0, binding = 0) readonly buffer Logits { float logits[]; };
layout(std430, set = 0, binding = 1) readonly buffer Labels { uint labels[]; };
layout(std430, set = 0, binding = 2) writeonly buffer Loss { float loss[]; };
layout(std430, set = 0, binding = 3) readonly buffer D { float d[]; };
FLOATS_OUT(4, dlogits, TYPE)

// A maximum, and the sum of exp(x - maximum): both in one pass.
#define LOWEST -3.4028234e38
REDUCE_TREE(reduce_exp_sum, vec2(max(a.x, b.x), a.y * exp(a.x - max(a.x, b.x)) + b.y * exp(b.x - max(a.x, b.x))))

void main() {
    uint id = gl_LocalInvocationIndex, row = first + gl_WorkGroupID.x, base = gl_WorkGroupID.x * vocab;
    uint label = labels[row];
    if (label >= vocab) { // a negative label is a large one
        if (id == 0) {
            loss[row] = 0.0;
        }
        if (GRAD) {
            for (uint v = id; v < vocab; v += gl_WorkGroupSize.x) {
                dlogits_store(base + v, 0.0);
            }
        }
        return;
    }
    vec2 own = vec2(LOWEST, 0.0);
    for (uint v = id; v < vocab; v += gl_WorkGroupSize.x) {
        float x = logits[base + v], top = max(own.x, x);
        own = vec2(top, own.y * exp(own.x - top) + exp(x - top));
    }
    own = reduce_exp_sum(own);
    float top = own.x, sum = own.y;
    if (id == 0) {
        loss[row] = log(sum) - (logits[base + label] - top);
    }
    barrier(); // the label's logit is read before it is overwritten
    if (GRAD) {
        float scale = d[row];
        for (uint v = id; v < vocab; v += gl_WorkGroupSize.x) {
            float p = exp(logits[base + v] - top) / sum;
            dlogits_store(base + v, scale * (v == label ? p - 1.0 : p));
        }
    }
}
