// Rows of a matrix [N, C] whose elements stay in registers: a workgroup has a
// row, and an invocation the quads (elements 4c to 4c+3) c = id, id + size of
// the workgroup, ..., OWN of them.
#ifndef ROWS_GLSL
#define ROWS_GLSL
#extension GL_EXT_control_flow_attributes : require
#include "dtype.glsl"
#include "grid.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint TYPE = F32;
layout(constant_id = 2) const uint OWN = 1;
layout(constant_id = 3) const bool ALIGNED = false; // C is a multiple of four
#include "reduce.glsl"

// EACH_OWN runs a body for every quad c of the row that the invocation has,
// the i-th in its registers.
#define EACH_OWN(BODY)                                                      \
    [[unroll]] for (uint i = 0; i < OWN; i++) {                             \
        uint c = gl_LocalInvocationIndex + i * gl_WorkGroupSize.x;          \
        if (4 * c < channels) {                                             \
            BODY                                                            \
        }                                                                   \
    }

// QUADS gives NAME_quad(row, c), with zeros past the row's end.
#define QUADS(NAME)                                                         \
    vec4 NAME##_quad(uint row, uint c) {                                    \
        if (ALIGNED) {                                                      \
            return NAME##_load4(row * (channels / 4) + c);                  \
        }                                                                   \
        vec4 v = vec4(0.0);                                                 \
        [[unroll]] for (uint j = 0; j < 4; j++) {                           \
            if (4 * c + j < channels) {                                     \
                v[j] = NAME##_load(row * channels + 4 * c + j);             \
            }                                                               \
        }                                                                   \
        return v;                                                           \
    }

#define QUAD_STORES(NAME)                                                   \
    void NAME##_put(uint row, uint c, vec4 v) {                             \
        if (ALIGNED) {                                                      \
            NAME##_store4(row * (channels / 4) + c, v);                     \
            return;                                                         \
        }                                                                   \
        [[unroll]] for (uint j = 0; j < 4; j++) {                           \
            if (4 * c + j < channels) {                                     \
                NAME##_store(row * channels + 4 * c + j, v[j]);             \
            }                                                               \
        }                                                                   \
    }
#endif
