// y = logits/temperature, -Inf below the k-th largest and outside the nucleus of probability p
// logits [B, V], knobs [8] = (_, temperature, k, p, ...), y [B, V]; a workgroup a row
#version 450
#extension GL_EXT_control_flow_attributes : require
layout(local_size_x_id = 0) in;
#define REDUCE_T vec4
#include "reduce.glsl"
layout(push_constant) uniform Push { uint vocab; };
layout(std430, set = 0, binding = 0) readonly buffer Logits { float logits[]; };
layout(std430, set = 0, binding = 1) readonly buffer Knobs { float penalty, temperature, top_k, top_p; };
layout(std430, set = 0, binding = 2) buffer Y { float y[]; };

// EACH runs a body for the elements I of the row that belong to the invocation,
// always the same ones, so that y needs no barrier; four together, so that
// their loads are under way at the same time.
#define EACH(I, BODY)                                                                          \
    for (uint I##_ = gl_LocalInvocationIndex; I##_ < vocab; I##_ += 4 * gl_WorkGroupSize.x) {  \
        [[unroll]] for (uint u = 0; u < 4; u++) {                                              \
            uint I = I##_ + u * gl_WorkGroupSize.x;                                            \
            if (I < vocab) {                                                                   \
                I += base;                                                                     \
                BODY                                                                           \
            }                                                                                  \
        }                                                                                      \
    }

uint base; // of the row

// key maps floats to integers of the same order; the two zeros are one.
uint key(float v) {
    uint b = v == 0.0 ? 0u : floatBitsToUint(v);
    return (b & 0x80000000u) != 0 ? ~b : b | 0x80000000u;
}

// largest_key returns the largest key at which the elements from it upwards,
// counted (or, with peak, their exp(y - peak) summed), still reach a target.
// Two bits are found at a time.
uint largest_key(float target, bool by_weight, float peak) {
    uint found = 0;
    for (int shift = 30; shift >= 0; shift -= 2) {
        uvec3 bound = uvec3(found) + (uvec3(1, 2, 3) << shift);
        vec4 sum = vec4(0.0);
        EACH(i,
            uint k = key(y[i]);
            float weight = by_weight ? exp(y[i] - peak) : 1.0;
            sum.xyz += mix(vec3(0.0), vec3(weight), greaterThanEqual(uvec3(k), bound));)
        sum = reduce_sum_all(sum);
        found = sum.z >= target ? bound.z : sum.y >= target ? bound.y : sum.x >= target ? bound.x : found;
    }
    return found;
}

void drop_below(uint least) {
    EACH(i,
        if (key(y[i]) < least) {
            y[i] = NEG_INF;
        })
}

void keep_largest() {
    float top = NEG_INF;
    EACH(i,
        top = max(top, logits[i]);)
    top = reduce_max(top);
    uint first = vocab; // the first of equals
    EACH(i,
        if (logits[i] == top) {
            first = min(first, i - base);
        })
    first = uint(-reduce_max(-float(first)));
    EACH(i,
        y[i] = i - base == first ? logits[i] : NEG_INF;)
}

void main() {
    base = gl_WorkGroupID.x * vocab;
    if (temperature == 0.0) {
        keep_largest();
        return;
    }
    float top = NEG_INF;
    EACH(i,
        float v = logits[i] / temperature;
        y[i] = v;
        top = max(top, v);)
    uint k = uint(max(top_k, 0.0));
    if (k > 0 && k < vocab) {
        drop_below(largest_key(float(k), false, 0.0));
    }
    if (top_p < 1.0) {
        top = reduce_max(top);
        float total = 0.0;
        EACH(i,
            total += exp(y[i] - top);)
        total = reduce_sum(total);
        drop_below(min(largest_key(top_p * total, true, top), key(top)));
    }
}
