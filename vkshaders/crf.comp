// y = log Σ exp(score of a path) - score of the labels; alpha, reach: log-sums over the paths up to a place
// emissions, alpha, reach [B·T, L], transitions [L, L], start, end [L], labels [B·T], lengths, y [B]; a workgroup a sequence
#version 450
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint LABELS = 16;
layout(push_constant) uniform Push { uint len; };
layout(std430, set = 0, binding = 0) readonly buffer Emissions { float emissions[]; };
layout(std430, set = 0, binding = 1) readonly buffer Transitions { float transitions[]; };
layout(std430, set = 0, binding = 2) readonly buffer Start { float start[]; };
layout(std430, set = 0, binding = 3) readonly buffer End { float end[]; };
layout(std430, set = 0, binding = 4) readonly buffer Labels { int labels[]; };
layout(std430, set = 0, binding = 5) readonly buffer Lengths { int lengths[]; };
layout(std430, set = 0, binding = 6) writeonly buffer Y { float y[]; };
layout(std430, set = 0, binding = 7) writeonly buffer Alpha { float alpha[]; };
layout(std430, set = 0, binding = 8) writeonly buffer Reach { float reach[]; };

#define MASKED -1e30 // below any score, past the last label
const uint QUADS = (LABELS + 3) / 4;

// Of two places in turn: the emissions, and alpha with its largest still in it.
shared float e_tile[2 * 4 * QUADS];
shared float a_tile[2 * 4 * QUADS];

uint id = gl_LocalInvocationIndex;

// EACH4 runs a body for every label, i, by fours: lavapipe counts turns.
#define EACH4(BODY)                                                     \
    for (uint q = 0; q < QUADS; q++) {                                  \
        [[unroll]] for (uint k = 0; k < 4; k++) {                       \
            uint i = 4 * q + k;                                         \
            BODY                                                        \
        }                                                               \
    }

void load_emissions(uint at, uint row) {
    for (uint j = id; j < 4 * QUADS; j += gl_WorkGroupSize.x) {
        e_tile[at + j] = j < LABELS ? emissions[row + j] : MASKED;
    }
}

void main() {
    uint b = gl_WorkGroupID.x, n = uint(clamp(lengths[b], 0, int(len)));
    for (uint i = n * LABELS + id; i < len * LABELS; i += gl_WorkGroupSize.x) {
        alpha[b * len * LABELS + i] = 0.0;
        reach[b * len * LABELS + i] = 0.0;
    }
    float sum = 0.0; // of what is small at each place, so that long sequences lose little
    bool known = true;
    int before = 0;
    load_emissions(0, b * len * LABELS);
    for (uint t = 0; t < n; t++) {
        uint now = t % 2 * 4 * QUADS, last = 4 * QUADS - now, row = (b * len + t) * LABELS;
        barrier(); // the emissions of t and the alpha of t-1 are there
        float most = MASKED, top = t > 0 ? MASKED : 0.0;
        EACH4(most = max(most, e_tile[now + i]);)
        if (t > 0) {
            EACH4(top = max(top, a_tile[last + i]);)
        }
        int label = labels[b * len + t];
        known = known && label >= 0 && label < LABELS;
        if (known) {
            sum += most - e_tile[now + label] + top;
            sum -= t > 0 ? transitions[before * LABELS + label] : start[label];
        }
        before = label;
        for (uint j = id; j < 4 * QUADS; j += gl_WorkGroupSize.x) {
            float r = MASKED, a = MASKED;
            if (j < LABELS) {
                if (t == 0) {
                    r = start[j];
                } else {
                    float best = MASKED, all = 0.0;
                    EACH4(best = max(best, a_tile[last + i] - top + transitions[min(i, LABELS - 1) * LABELS + j]);)
                    EACH4(all += exp(a_tile[last + i] - top + transitions[min(i, LABELS - 1) * LABELS + j] - best);)
                    r = best + log(all);
                    alpha[row - LABELS + j] = a_tile[last + j] - top;
                }
                a = e_tile[now + j] - most + r;
                reach[row + j] = r;
            }
            a_tile[now + j] = a;
        }
        if (t + 1 < n) {
            load_emissions(last, row + LABELS);
        }
    }
    if (n == 0) {
        if (id == 0) {
            y[b] = 0.0;
        }
        return;
    }
    barrier();
    uint now = (n - 1) % 2 * 4 * QUADS;
    float top = MASKED, best = MASKED, all = 0.0;
    EACH4(top = max(top, a_tile[now + i]);)
    EACH4(best = max(best, a_tile[now + i] - top + end[min(i, LABELS - 1)]);)
    EACH4(all += exp(a_tile[now + i] - top + end[min(i, LABELS - 1)] - best);)
    for (uint j = id; j < LABELS; j += gl_WorkGroupSize.x) {
        alpha[(b * len + n - 1) * LABELS + j] = a_tile[now + j] - top;
    }
    if (id == 0) {
        y[b] = known ? sum + top - end[before] + best + log(all) : uintBitsToFloat(0x7fc00000u);
    }
}
