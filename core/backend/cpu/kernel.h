// The interface between the Go half of this package, which resolves programs,
// and the C half, which runs them.
#ifndef KIBAN_CPU_KERNEL_H
#define KIBAN_CPU_KERNEL_H

#include <stddef.h>
#include <stdint.h>

// Element types, numbered like tensor.DType.
enum { KB_F32 = 0, KB_BF16 = 2, KB_F16 = 3, KB_I32 = 4, KB_I8 = 8 };

// kb_operand is a value in memory.
typedef struct {
	void *ptr;
	int64_t len; // elements
	int64_t type;
} kb_operand;

typedef struct kb_machine kb_machine;
typedef struct kb_step kb_step;
typedef void (*kb_kernel)(kb_machine *, const kb_step *);

// kb_step is one kernel with its operands and constants. Each kernel's file
// names its constants.
struct kb_step {
	kb_kernel run;
	kb_operand *in, *out;
	int64_t nin, nout;
	int64_t p[26];
	float f[4];
	int64_t ns, calls; // time spent, when asked for
};

// kb_level returns the name of the i-th set of instructions that kernels are
// compiled for and this processor has, the best first, or NULL after the last.
const char *kb_level(int i);
// kb_find returns the kernel of a name for a level, or NULL.
kb_kernel kb_find(int level, const char *name);
// kb_name returns the i-th kernel's name, or NULL after the last.
const char *kb_name(int i);

// Floats of thread scratch that products need.
size_t kb_matmul_scratch(void);

// kb_open makes a machine with its threads. library chooses oneDNN if it can be
// loaded. It returns NULL if threads cannot be started.
kb_machine *kb_open(int threads, int library);
void kb_close(kb_machine *);
// kb_library returns the version of oneDNN in use as major*10000+minor*100+patch,
// or 0 for the built-in kernels.
int kb_library(kb_machine *);
int kb_library_bf16(kb_machine *);
// kb_scratch makes sure that every thread has `each` bytes of working memory,
// and all together `shared` bytes. It returns 0, or -1 without memory.
int kb_scratch(kb_machine *, size_t each, size_t shared);
// kb_run runs n steps in order.
void kb_run(kb_machine *, kb_step *, int64_t n, int profile);

// kb_turn copies a matrix [rows, cols] of elements of 1, 2 or 4 bytes as [cols, rows].
void kb_turn(kb_machine *, void *to, const void *from, int64_t rows, int64_t cols, int64_t size);

// kb_alloc returns zeroed memory at a multiple of 64 bytes, or NULL.
void *kb_alloc(size_t bytes);
void kb_free(void *, size_t bytes);

#endif
