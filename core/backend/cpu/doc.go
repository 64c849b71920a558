// Package cpu runs programs on the processor: the fast path without a GPU.
//
// Its kernels are C, each in the header that bears its name, compiled once for
// every level of the instruction set (AVX-512 with and without products of bf16,
// AVX2, SSE2, NEON). Matrix products go through oneDNN where its library can be
// loaded at run time, else through kernels of this package; those of few rows,
// as in decoding, always do the latter. Threads are the package's own.
//
// Results are the same bytes for any number of threads: work is cut into
// pieces by the shapes alone, and sums have a fixed order. A row of a matrix
// product has the same bits whatever the other rows hold; it has the same bits
// for any number of rows below 17, and for any number from 17 on. Another
// processor or library may round differently. Numbers below the normal range
// of f32 count as zero.
package cpu
