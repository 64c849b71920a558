package nn

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/tensor"
)

// LoRA describes low-rank adapters of linear layers (Hu et al. 2021,
// arXiv:2106.09685): beside y = x·Wᵀ + b, whose weights stay as they are,
// x·Aᵀ·Bᵀ·Factor() is learnt and added. The names are those of peft.
type LoRA struct {
	Rank    int
	Alpha   float64
	RSLoRA  bool     // the factor is Alpha/√Rank (Kalajdzievski 2023), not Alpha/Rank
	Targets []string // full names of linear layers, or their ends after a dot
	Dropout float32  // of the adapters' input in training, 0 to below 1
}

// The names of an adapter's two matrices, after that of its layer.
const (
	LoRAA = ".lora_A.weight" // [Rank, in]
	LoRAB = ".lora_B.weight" // [out, Rank]
)

// Factor returns what an adapter's product is multiplied by.
func (l *LoRA) Factor() float32 {
	if l.RSLoRA {
		return float32(l.Alpha / math.Sqrt(float64(l.Rank)))
	}
	return float32(l.Alpha / float64(l.Rank))
}

// Adapts reports whether the linear layer of that name has an adapter.
func (l *LoRA) Adapts(layer string) bool {
	return slices.ContainsFunc(l.Targets, func(t string) bool { return targets(t, layer) })
}

func targets(target, layer string) bool {
	return layer == target || strings.HasSuffix(layer, "."+target)
}

// AdaptedLayer returns the layer whose adapter a parameter of that name belongs
// to; ok is false if it is none of an adapter's.
func AdaptedLayer(param string) (layer string, ok bool) {
	for _, end := range []string{LoRAA, LoRAB} {
		if layer, ok := strings.CutSuffix(param, end); ok {
			return layer, true
		}
	}
	return "", false
}

// Validate reports settings that mean nothing, and targets that are no linear
// layer of the model that declared the parameters.
func (l *LoRA) Validate(declared []Declared) error {
	switch {
	case l.Rank <= 0:
		return fmt.Errorf("nn: LoRA of rank %d; it must be positive", l.Rank)
	case !(l.Alpha > 0) || math.IsInf(l.Alpha, 1):
		return fmt.Errorf("nn: LoRA with alpha %g; it must be positive", l.Alpha)
	case !(l.Dropout >= 0 && l.Dropout < 1):
		return fmt.Errorf("nn: LoRA with dropout %g; it must be 0 or more and below 1", l.Dropout)
	case len(l.Targets) == 0:
		return fmt.Errorf("nn: LoRA without targets; name linear layers")
	}
	for _, t := range l.Targets {
		if !slices.ContainsFunc(declared, func(d Declared) bool {
			layer, ok := AdaptedLayer(d.Name)
			return ok && targets(t, layer)
		}) {
			return fmt.Errorf("nn: LoRA target %q is no linear layer of the model", t)
		}
	}
	return nil
}

// adapter is that of one layer.
type adapter struct {
	a, b  *graph.Node // f32 masters
	salt  uint32      // of its dropout
	scope Scope
}

// adapterSalts is the first salt of adapters' dropout: a model's own are below.
const adapterSalts = 1 << 20

// newAdapter declares the adapter of the linear layer that s is the scope of;
// nil if it has none. A begins as peft's (He et al. 2015 with slope √5), B as
// zeros, so that the layer begins as it was.
func newAdapter(s Scope, in, out int) *adapter {
	if s.LoRA == nil || !s.LoRA.Adapts(strings.TrimSuffix(s.prefix, ".")) {
		return nil
	}
	ad := &adapter{salt: uint32(adapterSalts + len(s.Declared())), scope: s}
	bound := float32(1 / math.Sqrt(float64(in)))
	ad.a = s.param(LoRAA[1:], tensor.F32, []int{s.LoRA.Rank, in}, Init{Bound: bound})
	ad.b = s.param(LoRAB[1:], tensor.F32, []int{out, s.LoRA.Rank}, Init{})
	return ad
}

func (ad *adapter) forward(x *graph.Node) *graph.Node {
	l, compute := ad.scope.LoRA, ad.scope.Policy.Compute
	if ad.scope.AdapterSeed != nil {
		x = graph.Dropout(x, ad.scope.AdapterSeed, l.Dropout, ad.salt)
	}
	// Scaled where it is narrow.
	h := graph.Scale(graph.MatMul(x, graph.Cast(ad.a, compute), graph.MatMulOpt{TransB: true}), l.Factor())
	return graph.MatMul(h, graph.Cast(ad.b, compute), graph.MatMulOpt{TransB: true})
}
