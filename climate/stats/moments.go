package stats

import "math"

// Moments are those of the values seen so far, missing ones (NaN) left out. The
// zero value has seen none.
type Moments struct {
	Count    int64 // of the values
	Missing  int64
	Infinite int64 // left out as well
	Min, Max float64

	sum, low float64 // low is what the rounding of sum has lost
	squares  float64 // of the deviations from the mean
}

// block is how many values are gone over twice: for their mean, and for the
// deviations from it.
const block = 8192

// Add takes in values. Blocks have their moments by the two-pass formula, which
// loses nothing where the mean is much larger than the deviation, and are merged.
func (m *Moments) Add(x []float32) {
	for len(x) > 0 {
		n := min(block, len(x))
		m.Merge(moments(x[:n]))
		x = x[n:]
	}
}

// moments of a block. Two running sums keep the processor busy.
func moments(x []float32) Moments {
	a, b := 0.0, 0.0
	low, high := math.Inf(1), math.Inf(-1)
	for i := 0; i+1 < len(x); i += 2 {
		u, v := float64(x[i]), float64(x[i+1])
		a += u
		b += v
		low, high = min(low, u, v), max(high, u, v)
	}
	if len(x)%2 == 1 {
		u := float64(x[len(x)-1])
		a += u
		low, high = min(low, u), max(high, u)
	}
	m := Moments{Count: int64(len(x)), Min: low, Max: high, sum: a + b}
	if math.IsNaN(m.sum) || math.IsInf(m.sum, 0) {
		return someMissing(x)
	}
	mean, rest := m.sum/float64(len(x)), 0.0
	a, b = 0, 0
	for i := 0; i+1 < len(x); i += 2 {
		u, v := float64(x[i])-mean, float64(x[i+1])-mean
		a += u * u
		b += v * v
		rest += u + v
	}
	if len(x)%2 == 1 {
		u := float64(x[len(x)-1]) - mean
		a += u * u
		rest += u
	}
	// Rounding of the mean: what it is off by (Chan, Golub, LeVeque 1983).
	m.squares = max(0, a+b-rest*rest/float64(len(x)))
	return m
}

// someMissing are the moments of a block in which values are missing.
func someMissing(x []float32) Moments {
	kept := make([]float32, 0, block)
	var m Moments
	for _, v := range x {
		switch u := float64(v); {
		case math.IsNaN(u):
			m.Missing++
		case math.IsInf(u, 0):
			m.Infinite++
		default:
			kept = append(kept, v)
		}
	}
	if len(kept) == 0 {
		return m
	}
	out := moments(kept)
	out.Missing, out.Infinite = m.Missing, m.Infinite
	return out
}

// Merge takes in what other moments have seen (Chan, Golub, LeVeque 1979).
func (m *Moments) Merge(o Moments) {
	missing, infinite := m.Missing+o.Missing, m.Infinite+o.Infinite
	if m.Count == 0 {
		*m = o
	} else if o.Count > 0 {
		n, k := float64(m.Count), float64(o.Count)
		apart := o.Mean() - m.Mean()
		m.squares += o.squares + apart*apart*n*k/(n+k)
		m.Count += o.Count
		m.Min, m.Max = min(m.Min, o.Min), max(m.Max, o.Max)
		// The sum is kept in two parts (Knuth's two-sum), so that a mean near
		// zero is right, however many blocks there are.
		sum := m.sum + o.sum
		back := sum - m.sum
		m.low += o.low + (m.sum - (sum - back)) + (o.sum - back)
		m.sum = sum
	}
	m.Missing, m.Infinite = missing, infinite
}

// Mean of the values; NaN of none.
func (m Moments) Mean() float64 { return (m.sum + m.low) / float64(m.Count) }

// Std is the standard deviation of the values themselves, divided by their
// number, as numpy.std; NaN of none.
func (m Moments) Std() float64 { return math.Sqrt(m.squares / float64(m.Count)) }
