// y[b, v] = logits[b, v] divided by the penalty if positive, else times it, where v is in tokens[b, 0..pos[b]]
// logits [B, V], tokens [B, L], pos [B], knobs [8], y [B, V]; a workgroup a sequence
#version 450
layout(local_size_x = 256) in;
#define CHUNK 32768 // of the vocabulary, whose seen tokens are marked at a time
layout(push_constant) uniform Push { uint vocab, len; };
layout(std430, set = 0, binding = 0) readonly buffer Logits { float logits[]; };
layout(std430, set = 0, binding = 1) readonly buffer Tokens { uint tokens[]; };
layout(std430, set = 0, binding = 2) readonly buffer Pos { int pos[]; };
layout(std430, set = 0, binding = 3) readonly buffer Knobs { float penalty; };
layout(std430, set = 0, binding = 4) writeonly buffer Y { float y[]; };

shared uint seen[CHUNK / 32]; // one bit a token

void main() {
    uint b = gl_WorkGroupID.x, id = gl_LocalInvocationIndex;
    uint count = uint(clamp(pos[b] + 1, 0, int(len)));
    for (uint from = 0; from < vocab; from += CHUNK) {
        for (uint w = id; w < CHUNK / 32; w += gl_WorkGroupSize.x) {
            seen[w] = 0;
        }
        barrier();
        for (uint t = id; t < count; t += gl_WorkGroupSize.x) {
            uint v = tokens[b * len + t] - from; // one below from is a large number
            if (v < CHUNK) {
                atomicOr(seen[v / 32], 1u << (v % 32));
            }
        }
        barrier();
        for (uint v = id; v < CHUNK && from + v < vocab; v += gl_WorkGroupSize.x) {
            float x = logits[b * vocab + from + v];
            if ((seen[v / 32] & (1u << (v % 32))) != 0) {
                x = x > 0.0 ? x / penalty : x * penalty;
            }
            y[b * vocab + from + v] = x;
        }
        barrier();
    }
}
