// The kernels for x86-64-v4 with products of bf16.
#if defined(__x86_64__)
#define LANES 16
#define PAIRS 1
#define LEVEL(name) name##_v4_bf16
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("arch=x86-64-v4,avx512bf16"))), apply_to = function)
#else
#pragma GCC target("arch=x86-64-v4,avx512bf16")
#endif
#include "kernels.h"
#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
