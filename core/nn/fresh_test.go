package nn_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/tensor"
)

func matrix(name string, n int, mean, std float32) nn.Declared {
	return nn.Declared{Name: name, DType: tensor.F32, Shape: []int{n, n}, Init: nn.Init{Mean: mean, Std: std}}
}

func drawn(t *testing.T, f nn.Fresh, name string) []float32 {
	t.Helper()
	x, err := f.Tensor(name)
	if err != nil {
		t.Fatal(err)
	}
	return x.Float32()
}

func TestFreshDependsOnSeedAndName(t *testing.T) {
	a, b := matrix("a", 10, 0, 1), matrix("b", 10, 0, 1)
	alone := drawn(t, nn.Fresh{Seed: 7, Params: []nn.Declared{a}}, "a")
	if got := drawn(t, nn.Fresh{Seed: 7, Params: []nn.Declared{b, a}}, "a"); !slices.Equal(got, alone) {
		t.Error("another parameter before it changed a's values")
	}
	if got := drawn(t, nn.Fresh{Seed: 7, Params: []nn.Declared{b}}, "b"); slices.Equal(got, alone) {
		t.Error("two names got the same values")
	}
	if got := drawn(t, nn.Fresh{Seed: 8, Params: []nn.Declared{a}}, "a"); slices.Equal(got, alone) {
		t.Error("two seeds gave the same values")
	}
	// A longer tensor of the name begins alike: nothing but seed, name and
	// place counts.
	if got := drawn(t, nn.Fresh{Seed: 7, Params: []nn.Declared{matrix("a", 11, 0, 1)}}, "a"); !slices.Equal(got[:100], alone) {
		t.Error("the size of a changed its first values")
	}
}

// TestFreshIsStable pins values, so that a seed gives the same run with every
// release.
func TestFreshIsStable(t *testing.T) {
	got := drawn(t, nn.Fresh{Seed: 42, Params: []nn.Declared{matrix("h.0.attn.weight", 2, 0, 1)}}, "h.0.attn.weight")
	want := []float32{-0.94519186, -0.40920708, 0.98433065, 0.29652962}
	for i := range want {
		if math.Abs(float64(got[i]-want[i])) > 1e-6 { // log and cos may differ by a rounding
			t.Fatalf("got %v, wanted %v", got, want)
		}
	}
}

func TestFreshMoments(t *testing.T) {
	const n = 300
	for _, c := range []struct{ mean, std float64 }{{0, 1}, {0, 0.02}, {1, 0.5}, {1, 0}, {0, 0}} {
		f := nn.Fresh{Seed: 3, Params: []nn.Declared{matrix("w", n, float32(c.mean), float32(c.std))}}
		var sum, square, fourth float64
		for _, v := range drawn(t, f, "w") {
			d := float64(v) - c.mean
			sum, square, fourth = sum+d, square+d*d, fourth+d*d*d*d
		}
		count := float64(n * n)
		// Five standard errors of each.
		if mean := sum / count; math.Abs(mean) > 5*c.std/n {
			t.Errorf("mean %g, std %g: the mean is off by %g", c.mean, c.std, mean)
		}
		if std := math.Sqrt(square / count); math.Abs(std-c.std) > 5*c.std/(n*math.Sqrt2) {
			t.Errorf("mean %g, std %g: the standard deviation is %g", c.mean, c.std, std)
		}
		if c.std > 0 {
			if k := fourth / count / math.Pow(c.std, 4); math.Abs(k-3) > 5*math.Sqrt(24)/n {
				t.Errorf("mean %g, std %g: kurtosis %g, a normal distribution has 3", c.mean, c.std, k)
			}
		}
	}
}

func TestFreshIsUncorrelated(t *testing.T) {
	const n = 200
	a, b := matrix("h.0.w", n, 0, 1), matrix("h.1.w", n, 0, 1)
	f, g := nn.Fresh{Seed: 1, Params: []nn.Declared{a, b}}, nn.Fresh{Seed: 2, Params: []nn.Declared{a, b}}
	x := drawn(t, f, "h.0.w")
	for what, y := range map[string][]float32{"the next layer": drawn(t, f, "h.1.w"), "the next seed": drawn(t, g, "h.0.w"), "the next element": append(x[1:], x[0])} {
		var dot float64
		for i := range x {
			dot += float64(x[i]) * float64(y[i])
		}
		if r := dot / (n * n); math.Abs(r) > 5.0/n {
			t.Errorf("correlation %g with %s", r, what)
		}
	}
}

func TestFreshUnknownName(t *testing.T) {
	_, err := nn.Fresh{Params: []nn.Declared{matrix("a", 1, 0, 1)}}.Tensor("a.weight")
	if err == nil || !strings.Contains(err.Error(), `"a.weight"`) {
		t.Errorf("got %v, wanted an error that names a.weight", err)
	}
}
