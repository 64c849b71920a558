package protein

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/train"
)

// Freeze says which weights keep their values in training.
type Freeze struct {
	Layers     int  // the blocks nearest the input
	Embeddings bool // of tokens, which are the output's as well, and of places
}

// String says what is frozen, "" for nothing.
func (f Freeze) String() string {
	var all []string
	if f.Embeddings {
		all = append(all, "embeddings")
	}
	if f.Layers > 0 {
		all = append(all, fmt.Sprintf("%d layers", f.Layers))
	}
	return strings.Join(all, ", ")
}

func (f Freeze) check(c Config) error {
	if f.Layers < 0 || f.Layers > c.Layers {
		return fmt.Errorf("protein: %d layers are to be frozen, the model has %d; lower --freeze-layers", f.Layers, c.Layers)
	}
	return nil
}

// freezes reports whether a weight of that name is frozen.
func (f Freeze) freezes(c Config, name string) bool {
	d := c.depth(name)
	if d == 0 {
		return f.Embeddings
	}
	return d <= f.Layers
}

// depth returns how far a weight is from the input: 0 for embeddings, 1 for
// the first block, Layers+1 for the final norm.
func (c Config) depth(name string) int {
	name = strings.TrimPrefix(name, "transformer.")
	if strings.HasPrefix(name, "wte.") || strings.HasPrefix(name, "wpe.") {
		return 0
	}
	if rest, ok := strings.CutPrefix(name, "h."); ok {
		number, _, _ := strings.Cut(rest, ".")
		if layer, err := strconv.Atoi(number); err == nil {
			return layer + 1
		}
	}
	return c.Layers + 1
}

// RateScale returns what the learning rate of a weight is multiplied by when
// it decays by a factor a layer (Howard & Ruder 2018; Clark et al. 2020): 1
// for the final norm, decay for the last block, decay^Layers for the first,
// decay^(Layers+1) for the embeddings. The lower layers, which know what is
// common to all proteins, so move less than the upper ones.
func (c Config) RateScale(name string, decay float64) float64 {
	return math.Pow(decay, float64(c.Layers+1-c.depth(name)))
}

// compileOptions are what the run asks of its training step.
func (o *TrainingOptions) compileOptions() train.Options {
	t := train.Options{Optimizer: o.Optimizer, Policy: o.Policy, Recompute: o.Recompute}
	t.Trainable = func(name string) bool {
		_, adapter := nn.AdaptedLayer(name)
		return adapter || o.Config.LoRA == nil && !o.Freeze.freezes(o.Config, name)
	}
	if o.LayerDecay != 0 && o.LayerDecay != 1 {
		t.LRScale = func(name string) float64 { return o.Config.RateScale(name, o.LayerDecay) }
	}
	return t
}
