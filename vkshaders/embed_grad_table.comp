// dtable[v] = Σ d[n] over the rows n with ids[n] = v, in their order
// d [N, C], ids [N], dtable [V, C]; a workgroup a row of the table
#version 450
#include "dtype.glsl"
#include "grid.glsl"

layout(local_size_x = 128) in;
#define CHUNK 2048 // ids that are compared at a time
layout(constant_id = 0) const uint TYPE = F32;
layout(push_constant) uniform Push { uint rows, channels, vocab; };
FLOATS_IN(0, d, TYPE)
layout(std430, set = 0, binding = 1) readonly buffer Ids { uint ids[]; };
layout(std430, set = 0, binding = 2) buffer DTable { float dtable[]; };

shared uint found[CHUNK / 32]; // one bit an id
shared uint any_found;

void main() {
    uint v = group_index(), id = gl_LocalInvocationIndex;
    if (v >= vocab) {
        return;
    }
    for (uint c = id; c < channels; c += gl_WorkGroupSize.x) {
        dtable[v * channels + c] = 0.0;
    }
    for (uint from = 0; from < rows; from += CHUNK) {
        if (id < CHUNK / 32) {
            found[id] = 0;
        }
        if (id == 0) {
            any_found = 0;
        }
        barrier();
        for (uint k = id; k < CHUNK && from + k < rows; k += gl_WorkGroupSize.x) {
            if (ids[from + k] == v) {
                atomicOr(found[k / 32], 1u << (k % 32));
                atomicOr(any_found, 1u);
            }
        }
        barrier();
        if (any_found != 0) {
            for (uint c = id; c < channels; c += gl_WorkGroupSize.x) {
                float sum = dtable[v * channels + c];
                for (uint w = 0; w < CHUNK / 32; w++) {
                    for (uint bits = found[w]; bits != 0; bits &= bits - 1) {
                        sum += d_load((from + 32 * w + findLSB(bits)) * channels + c);
                    }
                }
                dtable[v * channels + c] = sum;
            }
        }
        barrier();
    }
}
