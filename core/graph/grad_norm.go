package graph

import "github.com/kiban-models/kiban/core/tensor"

// GradNormAttr holds the largest norm that is let through, 0 for any.
type GradNormAttr struct{ MaxNorm float32 }

// GradNorm returns the Euclidean norm of all grads together and the factor
// min(1, maxNorm/(norm+1e-6)) that clips them, f32 [2] (Pascanu et al. 2013).
// A norm that is not finite gives the factor 0, so that a bad step changes
// moments only by decay; the caller sees the norm.
func GradNorm(maxNorm float32, grads ...*Node) *Node {
	g := grads[0].g
	for _, x := range grads {
		if x.dtype != tensor.F32 {
			g.fail("grad_norm: %v is not f32", x)
		}
	}
	n := g.op("grad_norm", GradNormAttr{maxNorm}, tensor.F32, []int{2}, grads...)
	total := 0
	for _, x := range grads {
		total += NormBlocks(x.Len())
	}
	g.part(n, tensor.F32, total) // partial sums
	return n
}

// NormBlock is the number of elements that one partial sum of grad_norm, or of
// any other long reduction, covers: a constant, so that the order of summation
// does not depend on the machine.
const NormBlock = 4096

// NormBlocks returns the number of partial sums over n elements.
func NormBlocks(n int) int { return (n + NormBlock - 1) / NormBlock }
