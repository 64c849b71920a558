// Threads, working memory, and the loop over a program's steps.
#define _GNU_SOURCE
#include "machine.h"

#include "sizes.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#if defined(__x86_64__)
#define PAUSE() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define PAUSE() __asm__ volatile("yield")
#else
#define PAUSE() ((void)0)
#endif

// A job is announced in one word: its number in the upper half, whether it is
// open, and how many workers are at it. A worker that sleeps through a short
// job is not waited for.
#define OPEN (1ull << 31)
#define COUNT (OPEN - 1)

// SPINS is about 30 µs: longer than the gap between two kernels.
enum { SPINS = 1500 };

typedef struct {
	kb_machine *m;
	int index;
	pthread_t thread;
} worker;

struct kb_machine {
	int threads;
	worker *workers; // threads-1; the caller is thread 0
	_Atomic uint64_t word;
	_Atomic int sleepers, quit;
	_Atomic int64_t next;
	int64_t n;
	kb_task task;
	void *arg;
	pthread_mutex_t lock;
	pthread_cond_t wake;

	char *scratch, *shared;
	size_t each, shared_bytes;
	int use_library;
	kb_onednn library;
};

// Numbers below the normal range become zero: they would cost a hundred times
// as much, and the moments of rarely used weights are full of them.
static uint64_t flush_denormals(void) {
#if defined(__x86_64__)
	unsigned old = __builtin_ia32_stmxcsr();
	__builtin_ia32_ldmxcsr(old | 0x8040);
	return old;
#elif defined(__aarch64__)
	uint64_t old;
	__asm__ volatile("mrs %0, fpcr" : "=r"(old));
	__asm__ volatile("msr fpcr, %0" : : "r"(old | (1ull << 24)));
	return old;
#else
	return 0;
#endif
}

static void restore_denormals(uint64_t old) {
#if defined(__x86_64__)
	__builtin_ia32_ldmxcsr((unsigned)old);
#elif defined(__aarch64__)
	__asm__ volatile("msr fpcr, %0" : : "r"(old));
#else
	(void)old;
#endif
}

static void take_tasks(kb_machine *m, int thread) {
	for (;;) {
		int64_t t = atomic_fetch_add_explicit(&m->next, 1, memory_order_relaxed);
		if (t >= m->n)
			return;
		m->task(m->arg, t, thread);
	}
}

static int news(kb_machine *m, uint64_t seen) {
	uint64_t w = atomic_load(&m->word);
	return atomic_load(&m->quit) || ((w & OPEN) && (w >> 32) != seen);
}

static void *work(void *arg) {
	worker *me = arg;
	kb_machine *m = me->m;
	uint64_t seen = 0;
	flush_denormals();
	if (m->library.set_threads)
		m->library.set_threads(1);
	for (;;) {
		int spins = 0;
		while (!news(m, seen) && spins++ < SPINS)
			PAUSE();
		if (!news(m, seen)) {
			pthread_mutex_lock(&m->lock);
			atomic_fetch_add(&m->sleepers, 1);
			while (!news(m, seen))
				pthread_cond_wait(&m->wake, &m->lock);
			atomic_fetch_sub(&m->sleepers, 1);
			pthread_mutex_unlock(&m->lock);
		}
		if (atomic_load(&m->quit))
			return NULL;
		uint64_t w = atomic_load(&m->word);
		if (!(w & OPEN) || (w >> 32) == seen || !atomic_compare_exchange_strong(&m->word, &w, w + 1))
			continue;
		seen = w >> 32;
		take_tasks(m, me->index);
		atomic_fetch_sub(&m->word, 1);
	}
}

void kb_parallel(kb_machine *m, int64_t n, kb_task task, void *arg) {
	if (n == 1 || m->threads == 1) {
		for (int64_t t = 0; t < n; t++)
			task(arg, t, 0);
		return;
	}
	if (n <= 0)
		return;
	m->task = task;
	m->arg = arg;
	m->n = n;
	atomic_store(&m->next, 0);
	uint64_t number = ((atomic_load(&m->word) >> 32) + 1) & 0xffffffffu;
	number += number == 0;
	atomic_store(&m->word, number << 32 | OPEN);
	if (atomic_load(&m->sleepers) > 0) {
		pthread_mutex_lock(&m->lock);
		pthread_cond_broadcast(&m->wake);
		pthread_mutex_unlock(&m->lock);
	}
	take_tasks(m, 0);
	atomic_fetch_and(&m->word, ~OPEN);
	for (int spins = 0; atomic_load(&m->word) & COUNT; spins++) {
		PAUSE();
		if (spins > SPINS)
			sched_yield();
	}
}

float *kb_thread_scratch(kb_machine *m, int thread) { return (float *)(m->scratch + m->each * (size_t)thread); }
void *kb_shared_scratch(kb_machine *m) { return m->shared; }
kb_onednn *kb_machine_library(kb_machine *m) { return &m->library; }
int kb_library(kb_machine *m) { return m->library.sgemm ? m->library.version : 0; }
int kb_library_bf16(kb_machine *m) { return m->library.bgemm != NULL; }

kb_machine *kb_open(int threads, int library) {
	kb_machine *m = calloc(1, sizeof *m);
	if (!m)
		return NULL;
	m->threads = 1;
	pthread_mutex_init(&m->lock, NULL);
	pthread_cond_init(&m->wake, NULL);
	if (library)
		kb_onednn_open(&m->library);
	m->workers = calloc((size_t)threads, sizeof *m->workers);
	for (int i = 1; m->workers && i < threads; i++) {
		worker *w = &m->workers[i - 1];
		w->m = m;
		w->index = i;
		if (pthread_create(&w->thread, NULL, work, w) != 0)
			break;
		m->threads = i + 1;
	}
	if (m->threads < threads) {
		kb_close(m);
		return NULL;
	}
	return m;
}

void kb_close(kb_machine *m) {
	pthread_mutex_lock(&m->lock);
	atomic_store(&m->quit, 1);
	pthread_cond_broadcast(&m->wake);
	pthread_mutex_unlock(&m->lock);
	for (int i = 1; i < m->threads; i++)
		pthread_join(m->workers[i - 1].thread, NULL);
	kb_free(m->scratch, m->each * (size_t)m->threads);
	kb_free(m->shared, m->shared_bytes);
	kb_onednn_close(&m->library);
	pthread_cond_destroy(&m->wake);
	pthread_mutex_destroy(&m->lock);
	free(m->workers);
	free(m);
}

int kb_scratch(kb_machine *m, size_t each, size_t shared) {
	each = (each + 4095) & ~(size_t)4095;
	if (each > m->each) {
		char *p = kb_alloc(each * (size_t)m->threads);
		if (!p)
			return -1;
		kb_free(m->scratch, m->each * (size_t)m->threads);
		m->scratch = p;
		m->each = each;
	}
	if (shared > m->shared_bytes) {
		char *p = kb_alloc(shared);
		if (!p)
			return -1;
		kb_free(m->shared, m->shared_bytes);
		m->shared = p;
		m->shared_bytes = shared;
	}
	return 0;
}

static int64_t now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void kb_run(kb_machine *m, kb_step *steps, int64_t n, int profile) {
	uint64_t old = flush_denormals();
	if (m->library.set_threads)
		m->library.set_threads(1); // of this thread: Go may have moved us
	for (int64_t i = 0; i < n; i++) {
		kb_step *s = &steps[i];
		if (!profile) {
			s->run(m, s);
			continue;
		}
		int64_t t = now();
		s->run(m, s);
		s->ns += now() - t;
		s->calls++;
	}
	restore_denormals(old);
}

// The tables of the levels that this processor may have.
extern const kb_entry kb_kernels_base[];
#if defined(__x86_64__)
extern const kb_entry kb_kernels_v3[], kb_kernels_v4[], kb_kernels_v4_bf16[];
#endif

typedef struct {
	const char *name;
	const kb_entry *kernels;
} level;

static level level_of(int i) {
#if defined(__x86_64__)
	__builtin_cpu_init();
	int v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
	int v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
		__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512cd");
	if (v4 && __builtin_cpu_supports("avx512bf16") && i-- == 0)
		return (level){"AVX-512-BF16", kb_kernels_v4_bf16};
	if (v4 && i-- == 0)
		return (level){"AVX-512", kb_kernels_v4};
	if (v3 && i-- == 0)
		return (level){"AVX2", kb_kernels_v3};
	if (i == 0)
		return (level){"SSE2", kb_kernels_base};
#elif defined(__aarch64__)
	if (i == 0)
		return (level){"NEON", kb_kernels_base};
#else
	if (i == 0)
		return (level){"plain C", kb_kernels_base};
#endif
	return (level){NULL, NULL};
}

const char *kb_level(int i) { return level_of(i).name; }

kb_kernel kb_find(int i, const char *name) {
	for (const kb_entry *e = level_of(i).kernels; e && e->name; e++)
		if (strcmp(e->name, name) == 0)
			return e->run;
	return NULL;
}

const char *kb_name(int i) { return kb_kernels_base[i].name; }

size_t kb_matmul_scratch(void) { return MATMUL_SCRATCH; }

// Big blocks come from the system directly, so that freeing gives them back,
// and in huge pages where it has them.
static size_t whole_pages(size_t bytes) { return (bytes + 4095) & ~(size_t)4095; }

void *kb_alloc(size_t bytes) {
	bytes = whole_pages(bytes ? bytes : 1);
	if (bytes < (1u << 20)) {
		void *p = NULL;
		if (posix_memalign(&p, 64, bytes) != 0)
			return NULL;
		for (size_t i = 0; i < bytes / 8; i++)
			((uint64_t *)p)[i] = 0;
		return p;
	}
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
#ifdef MADV_HUGEPAGE
	madvise(p, bytes, MADV_HUGEPAGE);
#endif
	return p;
}

void kb_free(void *p, size_t bytes) {
	if (!p)
		return;
	bytes = whole_pages(bytes ? bytes : 1);
	if (bytes < (1u << 20))
		free(p);
	else
		munmap(p, bytes);
}
