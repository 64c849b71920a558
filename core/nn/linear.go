package nn

import "github.com/kiban-models/kiban/core/graph"

// Linear is y = x·Wᵀ + b, or x·W + b with InOut.
type Linear struct {
	W, B    *graph.Node // B may be nil
	scale   *graph.Node // of the outputs, if W is in 8 bits
	InOut   bool        // W is stored [in, out], as GPT-2's Conv1D has it, not [out, in]
	adapter *adapter    // nil without
	scope   Scope
}

// LinearOpt are the choices of NewLinear.
type LinearOpt struct {
	NoBias bool
	InOut  bool
	Std    float32 // of the initial weights
	// Bound is set for weights that begin uniform within it, BiasBound for such
	// a bias; 0 means Std, and zeros.
	Bound, BiasBound float32
}

// NewLinear declares "<name>.weight", [out, in] or with InOut [in, out], and
// unless NoBias "<name>.bias" [out], zeros; and an adapter if the scope's LoRA
// targets the layer.
func NewLinear(s Scope, name string, in, out int, o LinearOpt) Linear {
	l := Linear{InOut: o.InOut, scope: s}
	rows, cols := out, in
	if o.InOut {
		rows, cols = in, out
	}
	s = s.At(name)
	l.W, l.scale = s.factor("weight", rows, cols, o.InOut, Init{Std: o.Std, Bound: o.Bound})
	if !o.NoBias {
		l.B = s.Vector("bias", out, Init{Bound: o.BiasBound})
	}
	l.adapter = newAdapter(s, in, out)
	return l
}

// Forward maps x [N, in], stored as Policy.Compute, to [N, out], stored alike.
func (l Linear) Forward(x *graph.Node) *graph.Node {
	y := graph.MatMul(x, operand(l.W, l.scope.Policy), graph.MatMulOpt{TransB: !l.InOut, Scale: l.scale, Bias: l.B})
	if l.adapter == nil {
		return y
	}
	return graph.Add(l.adapter.forward(x), y)
}
