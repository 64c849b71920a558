// Package reference is the specification of every kernel: one plain loop
// each, in the file that bears its name. The other backends are held to it.
//
// Every value is kept as a float64 and every kernel computes in float64; only
// what a kernel has stored is rounded, to the storage type of its slot. So a
// difference between another backend and this one is that backend's own
// rounding. New[float64] does not round at all: finite differences then
// confirm gradients to many digits.
package reference
