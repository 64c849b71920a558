// The sizes of blocks, which working memory depends on.
#ifndef KIBAN_CPU_SIZES_H
#define KIBAN_CPU_SIZES_H

enum {
	KC = 256, // the part of k that one packing covers
	MC = 252, // rows packed at a time; a multiple of every kernel's height
	NC = 512, // columns packed at a time
	LIBRARY_K = 512, // the part of k in one call of the library's bf16 product; half in f32
	GEMM_SCRATCH = (MC + 16) * KC + (NC + 32) * KC,
	TILE_M = 256, // the largest tile of a product that one thread computes
	TILE_N = 512,
	MATMUL_SCRATCH = GEMM_SCRATCH + TILE_M * TILE_N,
};

#endif
