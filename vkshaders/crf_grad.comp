// dx = d·(p - onehot(label)), sums = d·Σ over places of (pairs - the labels' moves); p, pairs: marginals, from the last place on
// d, lengths [B], transitions [L, L], end [L], labels [B·T], alpha, reach, dx [B·T, L], sums [B, L·L+2L], moves (to, from), start, end; a workgroup a sequence
#version 450
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint LABELS = 16;
layout(push_constant) uniform Push { uint len; };
layout(std430, set = 0, binding = 0) readonly buffer D { float d[]; };
layout(std430, set = 0, binding = 1) readonly buffer Transitions { float transitions[]; };
layout(std430, set = 0, binding = 2) readonly buffer End { float end[]; };
layout(std430, set = 0, binding = 3) readonly buffer Labels { int labels[]; };
layout(std430, set = 0, binding = 4) readonly buffer Lengths { int lengths[]; };
layout(std430, set = 0, binding = 5) readonly buffer Alpha { float alpha[]; };
layout(std430, set = 0, binding = 6) readonly buffer Reach { float reach[]; };
layout(std430, set = 0, binding = 7) writeonly buffer Dx { float dx[]; };
layout(std430, set = 0, binding = 8) buffer Sums { float sums[]; };

#define MASKED -1e30 // below any score, past the last label
const uint QUADS = (LABELS + 3) / 4;

// Of two places in turn: marginals, 0 past the last label; and reach.
shared float p_tile[2 * 4 * QUADS];
shared float r_tile[2 * 4 * QUADS];

uint id = gl_LocalInvocationIndex;

// EACH4 runs a body for every label, i, by fours: lavapipe counts turns.
#define EACH4(BODY)                                                     \
    for (uint q = 0; q < QUADS; q++) {                                  \
        [[unroll]] for (uint k = 0; k < 4; k++) {                       \
            uint i = 4 * q + k;                                         \
            BODY                                                        \
        }                                                               \
    }

void main() {
    uint b = gl_WorkGroupID.x, n = uint(clamp(lengths[b], 0, int(len))), width = LABELS * (LABELS + 2);
    for (uint i = n * LABELS + id; i < len * LABELS; i += gl_WorkGroupSize.x) {
        dx[b * len * LABELS + i] = 0.0;
    }
    uint first = b * width + LABELS * LABELS, last = first + LABELS;
    for (uint j = id; j < LABELS; j += gl_WorkGroupSize.x) { // whoever adds to a sum begins it
        EACH4(if (i < LABELS) { sums[b * width + i * LABELS + j] = 0.0; })
        if (n == 0) {
            sums[first + j] = 0.0;
            sums[last + j] = 0.0;
        }
    }
    if (n == 0) {
        return;
    }
    float factor = d[b];
    uint row = (b * len + n - 1) * LABELS;
    float top = MASKED, all = 0.0;
    EACH4(if (i < LABELS) { top = max(top, alpha[row + i] + end[i]); })
    EACH4(if (i < LABELS) { all += exp(alpha[row + i] + end[i] - top); })
    for (uint j = id; j < 4 * QUADS; j += gl_WorkGroupSize.x) {
        uint at = (n - 1) % 2 * 4 * QUADS + j;
        p_tile[at] = j < LABELS ? exp(alpha[row + j] + end[j] - top) / all : 0.0;
        r_tile[at] = j < LABELS ? reach[row + j] : 0.0;
        if (j < LABELS) {
            sums[last + j] = factor * (p_tile[at] - float(int(j) == labels[b * len + n - 1]));
        }
    }
    for (uint t = n - 1;; t--) {
        uint now = t % 2 * 4 * QUADS, next = 4 * QUADS - now;
        int label = labels[b * len + t], before = t > 0 ? labels[b * len + t - 1] : -1;
        row = (b * len + t) * LABELS;
        barrier(); // the marginals of t are there
        float whole = 0.0; // 1, but for what rounding adds from place to place
        EACH4(whole += p_tile[now + i];)
        for (uint j = id; j < 4 * QUADS; j += gl_WorkGroupSize.x) {
            if (j < LABELS) {
                float g = factor * (p_tile[now + j] / whole - float(int(j) == label));
                dx[row + j] = g;
                if (t == 0) {
                    sums[first + j] = g;
                }
            }
            if (t > 0) { // j is the label before
                float sum = 0.0;
                if (j < LABELS) {
                    float a = alpha[row - LABELS + j], share = 1.0 / whole;
                    EACH4(if (i < LABELS) {
                        float pair = p_tile[now + i] * share * exp(a + transitions[j * LABELS + i] - r_tile[now + i]);
                        sum += pair;
                        if (int(i) == label && int(j) == before) {
                            pair -= 1.0;
                        }
                        sums[b * width + i * LABELS + j] += factor * pair;
                    })
                }
                p_tile[next + j] = sum;
                r_tile[next + j] = j < LABELS ? reach[row - LABELS + j] : 0.0;
            }
        }
        if (t == 0) {
            break;
        }
    }
}
