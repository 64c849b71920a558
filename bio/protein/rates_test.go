package protein_test

import (
	"math"
	"testing"

	"github.com/kiban-models/kiban/bio/protein"
)

func TestRateScale(t *testing.T) {
	c := protein.NewConfig(30, 16, 12, 24, 2, 0)
	for name, want := range map[string]float64{
		"transformer.ln_f.weight":            1,
		"transformer.h.11.mlp.c_fc.weight":   0.9,
		"transformer.h.1.ln_1.bias":          math.Pow(0.9, 11),
		"transformer.h.0.attn.c_attn.weight": math.Pow(0.9, 12),
		"transformer.h.10.attn.c_proj.bias":  math.Pow(0.9, 2),
		"transformer.wte.weight":             math.Pow(0.9, 13),
		"transformer.wpe.weight":             math.Pow(0.9, 13),
	} {
		if got := c.RateScale(name, 0.9); math.Abs(got-want) > 1e-15 {
			t.Errorf("%s: %g, wanted %g", name, got, want)
		}
	}
}
