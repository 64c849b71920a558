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

// Bootstrap returns the percentile interval (B. Efron 1979) of a number that is
// computed from groups, such as documents: draws times, 1000 say, as many groups
// as there are are drawn, any as often as chance will have it, and of gets how
// often each was. Sentences of a document are alike, so it is documents that are
// drawn. The same seed gives the same interval.
func Bootstrap(groups, draws int, seed uint64, of func(times []int) float64) Interval {
	if groups == 0 || draws == 0 {
		v := of(make([]int, groups))
		return Interval{v, v}
	}
	r := rand.New(rand.NewPCG(seed, 0))
	values := make([]float64, draws)
	times := make([]int, groups)
	for i := range values {
		clear(times)
		for range groups {
			times[r.IntN(groups)]++
		}
		values[i] = of(times)
	}
	slices.Sort(values)
	return Interval{quantile(values, 0.025), quantile(values, 0.975)}
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
