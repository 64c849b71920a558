// The loops for AVX2.
#if defined(__x86_64__)
#define WIDTH 16
#define LEVEL(name) name##_v3
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC target("avx2")
#endif
#include "kernel.h"
#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
