// One dispatch over many arrays. With MANY, each operand that differs from
// array to array is bound as the piece of memory in which those of all arrays
// lie. A workgroup has SPAN elements of an array, and a row of the table on
// binding TABLE, in uvec4: the array's length, which SPAN of it this is, where
// each such operand begins, in pieces of 16 bytes, and what else the kernel
// wants to know. The push constant n is then the number of workgroups.
// Without MANY there is one array: operands begin where they are bound, n is the
// length, and the table is not read. core/backend/vulkan/gather.go makes tables.
#ifndef MANY_GLSL
#define MANY_GLSL
#include "grid.glsl"

layout(local_size_x = 128) in;
layout(constant_id = 0) const bool MANY = false;
#define SPAN (MANY ? 2048u : 512u)
layout(std430, set = 0, binding = TABLE) readonly buffer Table { uvec4 table[]; };

// EACH4_OF is EACH4 (grid.glsl) over a SPAN of N elements.
#define EACH4_OF(N, NUMBER, WIDE, ONE)                                                            \
    for (uint turn = 0; turn < SPAN / 512u; turn++) {                                             \
        uint quad = (NUMBER) * (SPAN / 4u) + turn * gl_WorkGroupSize.x + gl_LocalInvocationIndex; \
        if (quad < (N) / 4) {                                                                     \
            uint i = quad;                                                                        \
            WIDE;                                                                                 \
        } else if (quad == (N) / 4) {                                                             \
            for (uint i = quad * 4; i < (N); i++) {                                               \
                ONE;                                                                              \
            }                                                                                     \
        }                                                                                         \
    }
#endif
