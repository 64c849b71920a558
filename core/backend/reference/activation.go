package reference

import (
	"math"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
)

// out[i] = act(x[i])
func activation(s plan.Step, in, out [][]float64) {
	act := s.Attr.(graph.ActivationAttr).Act
	for i, x := range in[0] {
		out[0][i] = activate(act, x)
	}
}

// out[i] = d[i] * act'(x[i])
func activationGrad(s plan.Step, in, out [][]float64) {
	act := s.Attr.(graph.ActivationAttr).Act
	d, x := in[0], in[1]
	for i := range x {
		out[0][i] = d[i] * derivative(act, x[i])
	}
}

const (
	geluScale = 0.7978845608028653558798921198687 // √(2/π)
	geluCubic = 0.044715
)

func activate(act graph.Activation, x float64) float64 {
	switch act {
	case graph.GeluTanh:
		return 0.5 * x * (1 + math.Tanh(geluScale*(x+geluCubic*x*x*x)))
	case graph.GeluErf:
		return x * 0.5 * math.Erfc(-x/math.Sqrt2)
	case graph.ReLU:
		return max(x, 0)
	case graph.SiLU:
		return x / (1 + math.Exp(-x))
	case graph.Tanh:
		return math.Tanh(x)
	}
	return x
}

func derivative(act graph.Activation, x float64) float64 {
	switch act {
	case graph.GeluTanh:
		t := math.Tanh(geluScale * (x + geluCubic*x*x*x))
		return 0.5*(1+t) + 0.5*x*(1-t*t)*geluScale*(1+3*geluCubic*x*x)
	case graph.GeluErf:
		return 0.5*math.Erfc(-x/math.Sqrt2) + x*math.Exp(-x*x/2)/math.Sqrt(2*math.Pi)
	case graph.ReLU:
		if x > 0 {
			return 1
		}
		return 0
	case graph.SiLU:
		sigmoid := 1 / (1 + math.Exp(-x))
		return sigmoid * (1 + x*(1-sigmoid))
	case graph.Tanh:
		t := math.Tanh(x)
		return 1 - t*t
	}
	return 1
}
