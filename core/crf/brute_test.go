package crf_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/kiban-models/kiban/core/crf"
)

// random returns weights and emissions; scale is that of the emissions.
func random(r *rand.Rand, labels, places int, scale float64) (crf.Weights, []float32) {
	draw := func(n int, scale float64) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(scale * r.NormFloat64())
		}
		return x
	}
	w := crf.Weights{Labels: labels, Transitions: draw(labels*labels, 1), Start: draw(labels, 1), End: draw(labels, 1)}
	return w, draw(places*labels, scale)
}

// paths calls f with every path.
func paths(labels, places int, f func(path []int)) {
	path := make([]int, places)
	for {
		f(path)
		t := places - 1
		for ; t >= 0; t-- {
			if path[t]++; path[t] < labels {
				break
			}
			path[t] = 0
		}
		if t < 0 {
			return
		}
	}
}

// Everything that is said of one sequence equals what a list of all its paths
// says.
func TestEveryPath(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 60 {
		labels, places := 1+r.IntN(4), 1+r.IntN(5)
		w, x := random(r, labels, places, 2)
		z, best, bestPath := 0.0, math.Inf(-1), []int(nil)
		marginal := make([]float64, places*labels)
		from, length := r.IntN(places), 0
		length = 1 + r.IntN(places-from)
		stretch, whole := 0.0, make([]int, length)
		for k := range whole {
			whole[k] = r.IntN(labels)
		}
		paths(labels, places, func(path []int) {
			s := w.Score(x, path)
			p := math.Exp(s)
			z += p
			if s > best {
				best, bestPath = s, slices.Clone(path)
			}
			for t, label := range path {
				marginal[t*labels+label] += p
			}
			if slices.Equal(path[from:][:length], whole) {
				stretch += p
			}
		})
		lat := w.Lattice(x)
		near(t, "log Z", lat.LogZ(), math.Log(z), 1e-12)
		path, score := w.Viterbi(x)
		if !slices.Equal(path, bestPath) {
			t.Errorf("best path %v, wanted %v", path, bestPath)
		}
		near(t, "best score", score, best, 1e-12)
		near(t, "likelihood", lat.LogLikelihood(path), best-math.Log(z), 1e-12)
		near(t, "stretch", lat.Stretch(from, whole), stretch/z, 1e-12)
		for i, p := range marginal {
			near(t, "marginal", lat.Marginal(i/labels, i%labels), p/z, 1e-12)
		}
	}
}

func near(t *testing.T, what string, got, want, tol float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tol*max(1, math.Abs(want))) {
		t.Errorf("%s: %.15g, wanted %.15g", what, got, want)
	}
}

// Probabilities stay probabilities with emissions far beyond what exp can take.
func TestFarEmissions(t *testing.T) {
	w, x := random(rand.New(rand.NewPCG(1, 1)), 9, 512, 1e4)
	lat := w.Lattice(x)
	for at := range 512 {
		sum := 0.0
		for j := range 9 {
			sum += lat.Marginal(at, j)
		}
		near(t, "sum of marginals", sum, 1, 1e-8)
	}
	path, _ := w.Viterbi(x)
	near(t, "the best path", math.Exp(lat.LogLikelihood(path)), 1, 1e-6)
}

func TestOddInput(t *testing.T) {
	w, x := random(rand.New(rand.NewPCG(1, 2)), 3, 4, 1)
	if path, score := w.Viterbi(nil); path != nil || score != 0 {
		t.Errorf("no places: %v, %g", path, score)
	}
	if lat := w.Lattice(nil); lat.LogZ() != 0 || lat.LogLikelihood(nil) != 0 || lat.Stretch(0, nil) != 1 {
		t.Error("no places: a sum over nothing")
	}
	x[4] = float32(math.NaN())
	if _, score := w.Viterbi(x); !math.IsNaN(score) {
		t.Errorf("NaN among the emissions, but the best score is %g", score)
	}
	for name, f := range map[string]func(){
		"half a row":      func() { w.Viterbi(x[:5]) },
		"path too short":  func() { w.Score(x, []int{0}) },
		"stretch too far": func() { w.Lattice(x).Stretch(3, []int{0, 1}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}
