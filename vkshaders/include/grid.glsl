// Long arrays. An axis of a dispatch has at most 65535 workgroups, so many
// workgroups stand in a grid of two axes; those past the end do nothing.
#ifndef GRID_GLSL
#define GRID_GLSL

uint group_index() { return gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x; }

// A macro, since a function before the declaration of the local size would see
// a size of 1.
#define global_index() (group_index() * gl_WorkGroupSize.x + gl_LocalInvocationIndex)

// EACH4(n, WIDE, ONE) covers n elements by one invocation for every four, which
// runs WIDE with i the number of a whole group of four; the last invocation
// runs ONE with i each element that is left over.
#define EACH4(N, WIDE, ONE)                                                  \
    uint quad = global_index();                                              \
    if (quad < (N) / 4) {                                                    \
        uint i = quad;                                                       \
        WIDE;                                                                \
    } else if (quad == (N) / 4) {                                            \
        for (uint i = quad * 4; i < (N); i++) {                              \
            ONE;                                                             \
        }                                                                    \
    }
#endif
