// The loops for x86-64-v3: AVX2.
#if defined(__x86_64__)
#define LEVEL(name) name##_v3
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("arch=x86-64-v3"))), apply_to = function)
#else
#pragma GCC target("arch=x86-64-v3")
#endif
#include "kernel.h"
#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
