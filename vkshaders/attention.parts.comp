// o = Σ e^(top[part] - max top)·part / Σ e^(top[part] - max top)·sum[part], lse = max top + log of the divisor
// part [B·T, H, PARTS, 1 + WIDTH / 4] of attention.decode: (top, sum), then the sums of values; o [B·T, H·WIDTH], lse [B, H, T]
#version 450
#include "dtype.glsl"
#include "grid.glsl"

layout(local_size_x = 64) in;
layout(constant_id = 0) const uint TYPE = F32;
layout(constant_id = 1) const uint WIDTH = 64;
layout(constant_id = 2) const uint PARTS = 2;
const uint WIDTH4 = (WIDTH + 3) / 4;
layout(push_constant) uniform Push { uint n, query_len, heads; }; // n = B·T·H·WIDTH4, an invocation each
layout(std430, set = 0, binding = 0) readonly buffer Part { vec4 part[]; };
FLOATS_OUT(1, o, TYPE)
layout(std430, set = 0, binding = 2) writeonly buffer Lse { float lse[]; };

#define NEG_INF uintBitsToFloat(0xff800000u)

void main() {
    uint i = global_index();
    if (i >= n) {
        return;
    }
    uint row = i / WIDTH4, c = i % WIDTH4, at = row * PARTS * (WIDTH4 + 1);
    float top = part[at].x;
    for (uint p = 1; p < PARTS; p++) {
        top = max(top, part[at + p * (WIDTH4 + 1)].x);
    }
    float sum = 0.0;
    vec4 total = vec4(0.0);
    for (uint p = 0; p < PARTS; p++) { // in order, so that the sums are the same each time
        vec4 of = part[at + p * (WIDTH4 + 1)];
        float share = exp(of.x - top); // 0 of a part without keys, unless all are
        sum += share * of.y;
        total += share * part[at + p * (WIDTH4 + 1) + 1 + c];
    }
    vec4 v = sum > 0.0 ? total / sum : vec4(0.0); // a query that sees no key gives zeros
    if (WIDTH % 4 == 0) {
        o_store4(row * WIDTH4 + c, v);
    } else {
        for (uint j = 4 * c; j < min(4 * c + 4, WIDTH); j++) {
            o_store(row * WIDTH + j, v[j - 4 * c]);
        }
    }
    if (c == 0) {
        uint h = row % heads, bt = row / heads;
        lse[(bt / query_len * heads + h) * query_len + bt % query_len] = sum > 0.0 ? top + log(sum) : NEG_INF;
    }
}
