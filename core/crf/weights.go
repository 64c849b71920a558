package crf

import (
	"fmt"

	"github.com/kiban-models/kiban/core/tensor"
)

// Weights are a trained layer's values on the host. Methods compute in f64.
// Emissions are f32 [T, L], row after row; a slice that is not whole rows is a
// mistake of the caller, and panics.
type Weights struct {
	Labels      int
	Transitions []float32 // [L, L]: from, to
	Start, End  []float32 // [L]
}

// NewWeights takes the three parameters of a Layer.
func NewWeights(transitions, start, end *tensor.Tensor) (Weights, error) {
	w := Weights{Labels: start.Len()}
	for _, p := range []struct {
		name string
		x    *tensor.Tensor
		n    int
		to   *[]float32
	}{
		{TransitionsName, transitions, w.Labels * w.Labels, &w.Transitions},
		{StartName, start, w.Labels, &w.Start}, {EndName, end, w.Labels, &w.End},
	} {
		if p.x.Len() != p.n || !p.x.DType().IsFloat() {
			return Weights{}, fmt.Errorf("crf: %s is %v; with %s %v it must be floats [%d %d]",
				p.name, p.x, StartName, start, p.n/max(w.Labels, 1), w.Labels)
		}
		*p.to = p.x.Convert(tensor.F32).Float32()
	}
	return w, nil
}

// places returns the number of rows of emissions.
func (w Weights) places(emissions []float32) int {
	if w.Labels == 0 || len(emissions)%w.Labels != 0 {
		panic(fmt.Sprintf("crf: %d emissions are no rows of %d labels", len(emissions), w.Labels))
	}
	return len(emissions) / w.Labels
}

// Score returns the score of a path, one label for each row of emissions.
func (w Weights) Score(emissions []float32, path []int) float64 {
	if n := w.places(emissions); n != len(path) {
		panic(fmt.Sprintf("crf: %d labels for %d places", len(path), n))
	}
	if len(path) == 0 {
		return 0
	}
	score := float64(w.Start[path[0]]) + float64(w.End[path[len(path)-1]])
	for t, label := range path {
		score += float64(emissions[t*w.Labels+label])
		if t > 0 {
			score += float64(w.Transitions[path[t-1]*w.Labels+label])
		}
	}
	return score
}

// Viterbi returns the path with the largest score, and that score; of equal
// ones the path whose last labels have the smallest numbers. NaN among the
// emissions makes the score NaN. No emissions give no path and 0.
func (w Weights) Viterbi(emissions []float32) (path []int, score float64) {
	n, l := w.places(emissions), w.Labels
	if n == 0 {
		return nil, 0
	}
	best, next := make([]float64, l), make([]float64, l)
	from := make([]int32, n*l) // the label before, on the best path to a label
	for j := range l {
		best[j] = float64(w.Start[j]) + float64(emissions[j])
	}
	for t := 1; t < n; t++ {
		for j := range l {
			top, at := best[0]+float64(w.Transitions[j]), 0
			for i := 1; i < l; i++ {
				if s := best[i] + float64(w.Transitions[i*l+j]); s > top || s != s {
					top, at = s, i
				}
			}
			next[j], from[t*l+j] = top+float64(emissions[t*l+j]), int32(at)
		}
		best, next = next, best
	}
	last := 0
	for j := range l {
		best[j] += float64(w.End[j])
		if best[j] > best[last] || best[j] != best[j] {
			last = j
		}
	}
	path = make([]int, n)
	for t := n - 1; t >= 0; t-- {
		path[t] = last
		last = int(from[t*l+last])
	}
	return path, best[path[n-1]]
}
