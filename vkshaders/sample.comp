// y = the first index whose cumulated softmax(logits) exceeds u = uniform(philox(pos, stream, 0, seed))
// logits [B, V], seed [2], stream [B], pos [B], y [B]; a workgroup a row
#version 450
#include "philox.glsl"
layout(local_size_x_id = 0) in;
#include "reduce.glsl"
layout(push_constant) uniform Push { uint vocab; };
layout(std430, set = 0, binding = 0) readonly buffer Logits { float logits[]; };
layout(std430, set = 0, binding = 1) readonly buffer Seed { uint seed[2]; };
layout(std430, set = 0, binding = 2) readonly buffer Stream { uint stream[]; };
layout(std430, set = 0, binding = 3) readonly buffer Pos { uint pos[]; };
layout(std430, set = 0, binding = 4) writeonly buffer Y { int y[]; };

shared float upto[gl_WorkGroupSize.x]; // sums of the pieces up to and with one's own

void main() {
    uint b = gl_WorkGroupID.x, id = gl_LocalInvocationIndex;
    uint piece = (vocab + gl_WorkGroupSize.x - 1) / gl_WorkGroupSize.x; // neighbouring elements of one invocation
    uint from = min(id * piece, vocab), to = min(from + piece, vocab), base = b * vocab;

    float top = NEG_INF;
    for (uint v = from; v < to; v++) {
        top = max(top, logits[base + v]);
    }
    top = reduce_max(top);
    float mine = 0.0;
    int last = -1; // that has a probability
    for (uint v = from; v < to; v++) {
        float p = exp(logits[base + v] - top);
        if (p > 0.0) {
            mine += p;
            last = int(v);
        }
    }
    upto[id] = mine;
    for (uint step = 1; step < gl_WorkGroupSize.x; step *= 2) {
        barrier();
        float before = id >= step ? upto[id - step] : 0.0;
        barrier();
        upto[id] += before;
    }
    barrier();
    float u = uniform_01(philox(pos[b], stream[b], 0u, seed[0], seed[1]));
    float target = u * upto[gl_WorkGroupSize.x - 1];

    // The first piece that passes the target; should rounding let none pass it,
    // the last one that has a probability.
    bool passes = last >= 0 && upto[id] > target;
    float first = -reduce_max(passes ? -float(id) : -float(gl_WorkGroupSize.x));
    float final = reduce_max(float(last));
    if (first < float(gl_WorkGroupSize.x)) {
        if (float(id) == first) {
            float sum = id > 0 ? upto[id - 1] : 0.0;
            int drawn = last;
            for (uint v = from; v < to; v++) {
                float p = exp(logits[base + v] - top);
                if (p > 0.0 && (sum += p) > target) {
                    drawn = int(v);
                    break;
                }
            }
            y[b] = drawn;
        }
    } else if (id == 0) {
        y[b] = int(max(final, 0.0));
    }
}
