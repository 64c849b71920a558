// Reductions over a workgroup of one axis, whose size is a power of two. The
// tree is fixed and knows nothing of subgroups, so that the order of summation
// is the same on every device. All invocations must call these together; all
// get the result. Include it after the local size is declared.
#ifndef REDUCE_GLSL
#define REDUCE_GLSL

#ifndef REDUCE_T
#define REDUCE_T vec2 // what is reduced at a time
#endif

shared REDUCE_T reduce_shared[gl_WorkGroupSize.x];

#define REDUCE_TREE(NAME, COMBINE)                                                    \
    REDUCE_T NAME(REDUCE_T v) {                                                       \
        uint id = gl_LocalInvocationIndex;                                            \
        barrier(); /* the last result has been read */                                \
        reduce_shared[id] = v;                                                        \
        for (uint width = gl_WorkGroupSize.x / 2; width > 0; width /= 2) {            \
            barrier();                                                                \
            if (id < width) {                                                         \
                REDUCE_T a = reduce_shared[id], b = reduce_shared[id + width];        \
                reduce_shared[id] = COMBINE;                                          \
            }                                                                         \
        }                                                                             \
        barrier();                                                                    \
        return reduce_shared[0];                                                      \
    }

REDUCE_TREE(reduce_sum_all, a + b)
REDUCE_TREE(reduce_max_all, max(a, b))

float reduce_sum(float v) { return reduce_sum_all(REDUCE_T(v)).x; }
float reduce_max(float v) { return reduce_max_all(REDUCE_T(v)).x; }

#define NEG_INF uintBitsToFloat(0xff800000u)

// finite looks at the bits, since drivers may assume that isinf is never so.
bool finite(float v) { return (floatBitsToUint(v) & 0x7f800000u) != 0x7f800000u; }
#endif
