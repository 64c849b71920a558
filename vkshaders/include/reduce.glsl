// Sums and maxima over a workgroup of one axis, whose size is a power of two.
// The tree is fixed and knows nothing of subgroups, so that the order of
// summation is the same on every device. All invocations must call these
// together; all get the result.
#ifndef REDUCE_GLSL
#define REDUCE_GLSL

shared vec2 reduce_shared[gl_WorkGroupSize.x];

#define REDUCE_TREE(NAME, COMBINE)                                                    \
    vec2 NAME(vec2 v) {                                                               \
        uint id = gl_LocalInvocationIndex;                                            \
        barrier(); /* the last result has been read */                                \
        reduce_shared[id] = v;                                                        \
        for (uint half_ = gl_WorkGroupSize.x / 2; half_ > 0; half_ /= 2) {            \
            barrier();                                                                \
            if (id < half_) {                                                         \
                vec2 a = reduce_shared[id], b = reduce_shared[id + half_];            \
                reduce_shared[id] = COMBINE;                                          \
            }                                                                         \
        }                                                                             \
        barrier();                                                                    \
        return reduce_shared[0];                                                      \
    }

REDUCE_TREE(reduce_sum2, a + b)
REDUCE_TREE(reduce_max2, max(a, b))
// The larger first element wins; of equal ones the smaller second element.
REDUCE_TREE(reduce_first_max, (b.x > a.x || (b.x == a.x && b.y < a.y)) ? b : a)

float reduce_sum(float v) { return reduce_sum2(vec2(v, 0.0)).x; }
float reduce_max(float v) { return reduce_max2(vec2(v, 0.0)).x; }
#endif
