package forecast

import (
	"math"

	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/tensor"
)

// Fresh is the source of a new model's weights: embeddings of variables, places
// and years begin as sines and cosines, all else as nn.Init says.
type Fresh struct {
	nn.Fresh
	config Config
}

// NewFresh returns the fresh weights of a seed.
func NewFresh(c Config, seed uint64) Fresh {
	return Fresh{nn.Fresh{Seed: seed, Params: c.Declared(nn.Policy{})}, c}
}

// Tensor returns the initial value of the named parameter, in f32.
func (f Fresh) Tensor(name string) (*tensor.Tensor, error) {
	t, err := f.Fresh.Tensor(name)
	if err != nil {
		return nil, err
	}
	switch name {
	case "net.var_embed", "net.time_pos_embed":
		for i := range t.Shape()[0] {
			waves(t.Float32()[i*f.config.Width:][:f.config.Width], float64(i))
		}
	case "net.pos_embed": // the column first, then the row, as published
		for i := range t.Shape()[0] {
			row := t.Float32()[i*f.config.Width:][:f.config.Width]
			waves(row[:len(row)/2], float64(i%f.config.patchColumns()))
			waves(row[len(row)/2:], float64(i/f.config.patchColumns()))
		}
	}
	return t, nil
}

// waves fills x with the sines of a place at falling frequencies, and then the
// cosines (Vaswani et al. 2017).
func waves(x []float32, place float64) {
	n := len(x) / 2
	for i := range n {
		angle := place / math.Pow(10000, float64(i)/float64(n))
		x[i], x[n+i] = float32(math.Sin(angle)), float32(math.Cos(angle))
	}
}
