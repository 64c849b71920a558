// dtransitions, dstart, dend = Σ over sequences of sums, in order
// sums [B, L·L+2L], moves (to, from), dtransitions [L, L], dstart, dend [L]
#version 450
layout(local_size_x = 128) in;
layout(push_constant) uniform Push { uint batch, labels; };
layout(std430, set = 0, binding = 0) readonly buffer Sums { float sums[]; };
layout(std430, set = 0, binding = 1) writeonly buffer DTransitions { float dtransitions[]; };
layout(std430, set = 0, binding = 2) writeonly buffer DStart { float dstart[]; };
layout(std430, set = 0, binding = 3) writeonly buffer DEnd { float dend[]; };

void main() {
    uint i = gl_GlobalInvocationID.x, moves = labels * labels, width = moves + 2 * labels;
    if (i >= width) {
        return;
    }
    float sum = 0.0;
    for (uint b = 0; b < batch; b++) {
        sum += sums[b * width + i];
    }
    if (i < moves) {
        dtransitions[i % labels * labels + i / labels] = sum;
    } else if (i < moves + labels) {
        dstart[i - moves] = sum;
    } else {
        dend[i - moves - labels] = sum;
    }
}
