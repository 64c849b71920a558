package graph

import (
	"fmt"
	"slices"
)

// Activation names a pointwise function.
type Activation uint8

// The activations. GeluTanh is GPT-2's "gelu_new", 0.5x(1+tanh(√(2/π)(x+0.044715x³)));
// GeluErf is the exact x·Φ(x).
const (
	Identity Activation = iota
	GeluTanh
	GeluErf
	ReLU
	SiLU
	Tanh
)

var activationNames = []string{"identity", "gelu_tanh", "gelu_erf", "relu", "silu", "tanh"}

// String returns the name used in plans.
func (a Activation) String() string {
	if int(a) < len(activationNames) {
		return activationNames[a]
	}
	return fmt.Sprintf("activation(%d)", uint8(a))
}

// ParseActivation reads the names that published configurations use.
func ParseActivation(s string) (Activation, error) {
	switch s {
	case "gelu_new", "gelu_fast", "gelu_pytorch_tanh", "gelu_tanh":
		return GeluTanh, nil
	case "gelu", "gelu_erf":
		return GeluErf, nil
	case "relu":
		return ReLU, nil
	case "silu", "swish":
		return SiLU, nil
	case "tanh":
		return Tanh, nil
	}
	return 0, fmt.Errorf("graph: unknown activation %.40q; known are gelu_new, gelu, relu, silu, tanh", s)
}

// ActivationAttr holds the function of "activation" and "activation_grad".
type ActivationAttr struct{ Act Activation }

// Activate returns act(x), elementwise.
func Activate(x *Node, act Activation) *Node {
	return x.g.op("activation", ActivationAttr{act}, x.dtype, x.shape, x)
}

// activationGrad returns d * act'(x).
func activationGrad(d, x *Node, act Activation) *Node {
	if !slices.Equal(d.shape, x.shape) || d.dtype != x.dtype {
		return x.g.bad(x.dtype, x.shape, "activation: gradient %v of %v", d, x)
	}
	return x.g.op("activation_grad", ActivationAttr{act}, x.dtype, x.shape, d, x)
}

func gradActivation(n, d *Node, _ []bool) []*Node {
	return []*Node{activationGrad(d, n.in[0], n.attr.(ActivationAttr).Act)}
}
