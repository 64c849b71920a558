package graph

import "github.com/kiban-models/kiban/core/tensor"

// GradNormAttr holds the largest norm that is let through, 0 for any.
type GradNormAttr struct{ MaxNorm float32 }

// GradNorm returns the Euclidean norm of all grads together, divided by scale,
// and the factor min(1, maxNorm/(norm+1e-6))/scale that clips them and takes
// the scale off, f32 [2] (Pascanu et al. 2013). scale, one f32 element, is what
// the loss was multiplied by (Micikevicius et al. 2018); nil means 1. A norm
// that is not finite gives the factor -1, which makes AdamW do nothing; the
// caller sees the norm.
func GradNorm(maxNorm float32, scale *Node, grads ...*Node) *Node {
	g := grads[0].g
	if scale == nil {
		scale = Fill(g, 1, tensor.F32, 1)
	}
	if scale.Len() != 1 {
		g.fail("grad_norm: scale %v, wanted f32[1]", scale)
	}
	in := append(grads[:len(grads):len(grads)], scale)
	for _, x := range in {
		if x.dtype != tensor.F32 {
			g.fail("grad_norm: %v is not f32", x)
		}
	}
	n := g.op("grad_norm", GradNormAttr{maxNorm}, tensor.F32, []int{2}, in...)
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
