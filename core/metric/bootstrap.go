package metric

import (
	"math/rand/v2"
	"slices"
)

// Interval is a range that holds a number with 95% confidence.
type Interval struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// Bootstrap returns the percentile intervals (B. Efron 1979) of numbers that are
// computed from groups, such as documents: draws times, 1000 say, as many groups
// as there are are drawn, any as often as chance will have it, and of gets how
// often each was, and returns the numbers. Sentences of a document are alike, so
// it is documents that are drawn. The same seed gives the same intervals.
func Bootstrap(groups, draws int, seed uint64, of func(times []int) []float64) []Interval {
	times := make([]int, groups)
	var values [][]float64 // of each number
	r := rand.New(rand.NewPCG(seed, 0))
	for i := range max(1, draws) {
		if groups > 0 && draws > 0 {
			clear(times)
			for range groups {
				times[r.IntN(groups)]++
			}
		}
		for k, v := range of(times) {
			if i == 0 {
				values = append(values, nil)
			}
			values[k] = append(values[k], v)
		}
	}
	all := make([]Interval, len(values))
	for k, v := range values {
		slices.Sort(v)
		all[k] = Interval{quantile(v, 0.025), quantile(v, 0.975)}
	}
	return all
}

// quantile interpolates between the two nearest of sorted values, as numpy does.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	k := int(at)
	if k+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[k] + (at-float64(k))*(sorted[k+1]-sorted[k])
}
