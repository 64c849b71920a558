// What kernels use of the machine: its threads, working memory and matrix
// multiplication.
#ifndef KIBAN_CPU_MACHINE_H
#define KIBAN_CPU_MACHINE_H

#include "kernel.h"

typedef struct {
	const char *name;
	kb_kernel run;
} kb_entry;

// kb_task is one piece of a kernel. Pieces must not depend on the number of
// threads.
typedef void (*kb_task)(void *arg, int64_t task, int thread);

// kb_parallel runs tasks 0 to n-1, in any order, on all threads, and returns
// when all are done.
void kb_parallel(kb_machine *, int64_t n, kb_task, void *arg);

// kb_thread_scratch returns the working memory of a thread, kb_shared_scratch
// that of the step that runs.
float *kb_thread_scratch(kb_machine *, int thread);
void *kb_shared_scratch(kb_machine *);

// kb_matrix is a matrix in memory: ld elements from one row to the next.
typedef struct {
	const void *ptr;
	int64_t ld, type;
	int trans; // stored transposed
} kb_matrix;

// The library's functions, NULL without it.
typedef int (*kb_sgemm)(char, char, int64_t, int64_t, int64_t, float, const float *, int64_t,
	const float *, int64_t, float, float *, int64_t);
typedef int (*kb_bgemm)(char, char, int64_t, int64_t, int64_t, float, const uint16_t *, int64_t,
	const uint16_t *, int64_t, float, float *, int64_t);
typedef struct {
	void *handle;
	kb_sgemm sgemm;
	kb_bgemm bgemm;
	void (*set_threads)(int);
	int version;
} kb_onednn;

int kb_onednn_open(kb_onednn *);
void kb_onednn_close(kb_onednn *);
kb_onednn *kb_machine_library(kb_machine *);

#endif
