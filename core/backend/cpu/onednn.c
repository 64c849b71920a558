// oneDNN, loaded at run time: two plain functions of it, which its versions 1
// to 3 share.
#include "machine.h"

#include <dlfcn.h>
#include <stddef.h>

typedef struct {
	int major, minor, patch;
} version;

// works multiplies a small matrix and compares with the known product: a
// library that lacks a type on this processor says so only when called.
static int works_f32(kb_sgemm f) {
	float a[32 * 4], b[4 * 2] = {1, 2, 3, 4, 5, 6, 7, 8}, c[32 * 2];
	for (int i = 0; i < 32 * 4; i++)
		a[i] = (float)(i % 7);
	if (f('N', 'N', 32, 2, 4, 1, a, 4, b, 2, 0, c, 2) != 0)
		return 0;
	for (int i = 0; i < 64; i++) {
		float want = 0;
		for (int k = 0; k < 4; k++)
			want += a[i / 2 * 4 + k] * b[k * 2 + i % 2];
		if (c[i] != want)
			return 0;
	}
	return 1;
}

static int works_bf16(kb_bgemm f) {
	// 0x3f80 is 1, 0x4000 is 2: the rows of ones and twos give 4 and 8.
	uint16_t a[32 * 4], b[4 * 2];
	float c[32 * 2];
	for (int i = 0; i < 32 * 4; i++)
		a[i] = i / 4 % 2 ? 0x4000 : 0x3f80;
	for (int i = 0; i < 8; i++)
		b[i] = 0x3f80;
	if (f('N', 'N', 32, 2, 4, 1, a, 4, b, 2, 0, c, 2) != 0)
		return 0;
	for (int i = 0; i < 64; i++)
		if (c[i] != (i / 2 % 2 ? 8 : 4))
			return 0;
	return 1;
}

int kb_onednn_open(kb_onednn *l) {
	static const char *names[] = {"libdnnl.so.3", "libdnnl.so.2", "libdnnl.so", "libdnnl.dylib"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		void *h = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
		if (!h)
			continue;
		l->handle = h;
		l->sgemm = (kb_sgemm)dlsym(h, "dnnl_sgemm");
		l->bgemm = (kb_bgemm)dlsym(h, "dnnl_gemm_bf16bf16f32");
		// The search includes what the library is linked to: its OpenMP.
		l->set_threads = (void (*)(int))dlsym(h, "omp_set_num_threads");
		const version *(*v)(void) = (const version *(*)(void))dlsym(h, "dnnl_version");
		if (l->set_threads)
			l->set_threads(1);
		if (v && l->sgemm && works_f32(l->sgemm)) {
			l->version = v()->major * 10000 + v()->minor * 100 + v()->patch;
			if (l->bgemm && !works_bf16(l->bgemm))
				l->bgemm = NULL;
			return 1;
		}
		kb_onednn_close(l);
	}
	return 0;
}

void kb_onednn_close(kb_onednn *l) {
	// The library stays mapped: its OpenMP keeps threads that must not lose
	// their code.
	l->handle = NULL;
	l->sgemm = NULL;
	l->bgemm = NULL;
	l->set_threads = NULL;
	l->version = 0;
}
