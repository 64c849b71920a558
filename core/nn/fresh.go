package nn

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"

	"github.com/kiban-models/kiban/core/tensor"
)

// Fresh is a source of initial weights. Each tensor depends on the seed and
// its own name only, so that adding a layer changes no other.
type Fresh struct {
	Seed   uint64
	Params []Declared
}

// Tensor returns the initial value of the named parameter, in f32. A name that
// is not among Params is an error.
func (f Fresh) Tensor(name string) (*tensor.Tensor, error) {
	for _, d := range f.Params {
		if d.Name != name {
			continue
		}
		t := tensor.New(tensor.F32, d.Shape...)
		h := fnv.New64a()
		h.Write([]byte(name))
		r := rand.New(rand.NewPCG(f.Seed, h.Sum64()))
		x := t.Float32()
		for i := range x {
			x[i] = d.Init.Mean
			switch {
			case d.Init.Bound != 0:
				x[i] += d.Init.Bound * (2*r.Float32() - 1)
			case d.Init.Std != 0:
				x[i] += d.Init.Std * float32(normal(r))
			}
		}
		return t, nil
	}
	return nil, fmt.Errorf("nn: no parameter %q is declared", name)
}

// normal draws by Box and Muller's formula, so that the numbers do not depend
// on the tables of a library version.
func normal(r *rand.Rand) float64 {
	u, v := 1-r.Float64(), r.Float64()
	return math.Sqrt(-2*math.Log(u)) * math.Cos(2*math.Pi*v)
}
