package graph

import "github.com/kiban-models/kiban/core/tensor"

// rule returns the gradient of an operation's operands, given the operation
// and the gradient d of its first output. need says which operands' gradients
// are wanted; the others may be nil.
type rule func(n, d *Node, need []bool) []*Node

// Grad appends the nodes that compute the gradient of loss, one element, with
// respect to each of wrt, and returns them in that order. A node that loss
// does not depend on gets zeros. Which weights train (freezing, adapters) is a
// choice of wrt and costs nothing else: gradients that lead nowhere are not
// built.
func Grad(loss *Node, wrt ...*Node) []*Node {
	g := loss.g
	if loss.Len() != 1 {
		g.fail("grad: loss %v has more than one element", loss)
		return wrt
	}
	g.backward = true
	defer func() { g.backward = false }()

	n := len(g.nodes)
	leads := make([]bool, n) // to a node of wrt
	for _, w := range wrt {
		leads[w.id] = true
	}
	for _, node := range g.nodes[:n] {
		for _, x := range node.in {
			leads[node.id] = leads[node.id] || leads[x.id]
		}
		if node.kind == Part && leads[node.of.id] {
			leads[node.id] = true
		}
	}

	grads := make([]*Node, n)
	grads[loss.id] = Fill(g, 1, tensor.F32, loss.shape...)
	for id := n - 1; id >= 0; id-- {
		node, d := g.nodes[id], grads[id]
		if d == nil || !leads[id] {
			continue
		}
		if node.kind == Part {
			g.fail("grad: %v has no gradient; take the loss from first outputs", node)
			break
		}
		if node.kind != Op {
			continue
		}
		k := kernels[node.kernel]
		if k.grad == nil {
			g.fail("grad: %s has no gradient: %s", node.kernel, k.noGrad)
			break
		}
		need := make([]bool, len(node.in))
		for i, x := range node.in {
			need[i] = leads[x.id]
		}
		for i, dx := range k.grad(node, d, need) {
			x := node.in[i]
			if dx == nil || !need[i] {
				continue
			}
			if dx.Len() != x.Len() {
				g.fail("grad: %s gave %v for operand %v", node.kernel, dx, x)
			}
			if grads[x.id] == nil {
				grads[x.id] = dx
			} else {
				grads[x.id] = addGrads(grads[x.id], dx)
			}
		}
	}

	out := make([]*Node, len(wrt))
	for i, w := range wrt {
		if out[i] = grads[w.id]; out[i] == nil {
			out[i] = Fill(g, 0, tensor.F32, w.shape...)
		}
	}
	return out
}

// addGrads adds two gradients of one node, in f32 unless both are stored alike.
func addGrads(a, b *Node) *Node {
	if a.dtype != b.dtype {
		a, b = Cast(a, tensor.F32), Cast(b, tensor.F32)
	}
	return Add(a, b)
}

// gradType is the storage of the gradient of a weight w as an operand: f32 if
// w is a master's copy in 16 bits, so that the master's gradient is never
// rounded.
func gradType(w *Node) tensor.DType {
	if w.kernel == "cast" && w.in[0].dtype == tensor.F32 {
		return tensor.F32
	}
	return w.dtype
}
