// Package backendtest holds backends to the specification.
//
// Compare runs every Case on a backend and on package reference, in every
// storage type that the case's kernels know, with and without fusion. Gradients
// holds the gradient rules of package graph to finite differences.
// CompareDecoder runs a whole model: training, with and without recomputation,
// and decoding with a cache. Contract checks what package backend promises
// beyond numbers. Speed times the kernels that matter at the sizes of GPT-2.
//
// The cases of a kernel stand in the file of its name.
package backendtest
