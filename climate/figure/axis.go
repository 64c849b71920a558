package figure

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"
)

// axis holds the bounds of cells in ascending order, and which cell of the
// array each is.
type axis struct {
	lo, hi []float64
	index  []int
}

func newAxis(centres []float64, bounds [][2]float64) (axis, error) {
	if err := monotonic(centres); err != nil {
		return axis{}, err
	}
	if bounds == nil {
		if len(centres) == 1 {
			return axis{}, errors.New("one cell without bounds; give its bounds")
		}
		bounds = halfway(centres)
	}
	if len(bounds) != len(centres) {
		return axis{}, fmt.Errorf("bounds of %d cells, wanted %d", len(bounds), len(centres))
	}
	n := len(centres)
	a := axis{make([]float64, n), make([]float64, n), make([]int, n)}
	for i, b := range bounds {
		k := i
		if n > 1 && centres[1] < centres[0] {
			k = n - 1 - i
		}
		lo, hi := min(b[0], b[1]), max(b[0], b[1])
		if !(lo < hi) || math.IsInf(hi-lo, 0) || centres[i] < lo-1e-6 || centres[i] > hi+1e-6 {
			return axis{}, fmt.Errorf("cell %d at %v has the bounds %v and %v, wanted them on both sides of it", i, centres[i], b[0], b[1])
		}
		a.lo[k], a.hi[k], a.index[k] = lo, hi, i
	}
	if !slices.IsSorted(a.lo) {
		return axis{}, errors.New("the bounds are not in the order of the centres")
	}
	return a, nil
}

// monotonic says which value does not go on in the direction of the first two.
func monotonic(v []float64) error {
	for i, x := range v {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return fmt.Errorf("[%d] is %v, wanted a number", i, x)
		}
		if i > 0 && (x == v[i-1] || i > 1 && (x > v[i-1]) != (v[1] > v[0])) {
			return fmt.Errorf("[%d] is %v after %v, wanted all values to rise or all to fall", i, x, v[i-1])
		}
	}
	return nil
}

// halfway puts bounds in the middle between neighbours, and as far outside of
// the first and the last.
func halfway(c []float64) [][2]float64 {
	n := len(c)
	edge := make([]float64, n+1)
	edge[0], edge[n] = c[0]-(c[1]-c[0])/2, c[n-1]+(c[n-1]-c[n-2])/2
	for i := 1; i < n; i++ {
		edge[i] = (c[i-1] + c[i]) / 2
	}
	b := make([][2]float64, n)
	for i := range b {
		b[i] = [2]float64{edge[i], edge[i+1]}
	}
	return b
}

// find is the cell of the array that holds v, -1 where there is none.
func (a axis) find(v float64) int {
	k := sort.SearchFloat64s(a.lo, v)
	if k == len(a.lo) || a.lo[k] > v {
		k--
	}
	if k < 0 || v > a.hi[k] {
		return -1
	}
	return a.index[k]
}

// unwrap lets longitudes run on over the end of a turn, 350, 355, 0 as 350,
// 355, 360, and puts bounds beside their centres.
func unwrap(lon []float64, bounds [][2]float64) ([]float64, [][2]float64) {
	c := slices.Clone(lon)
	for i := 1; i < len(c); i++ {
		// Half a turn either way may be a step of two cells: it goes on east.
		for c[i]-c[i-1] > 180 {
			c[i] -= 360
		}
		for c[i]-c[i-1] <= -180 {
			c[i] += 360
		}
	}
	if bounds == nil || len(bounds) != len(c) {
		return c, bounds
	}
	b := slices.Clone(bounds)
	for i := range b {
		for j, v := range b[i] {
			if math.Abs(v-c[i]) > 180+1e-6 {
				b[i][j] = v - 360*math.Round((v-c[i])/360)
			}
		}
	}
	return c, b
}
