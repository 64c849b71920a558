package regrid

import (
	"fmt"
	"math"
	"runtime"
	"sync"

	"github.com/kiban-models/kiban/climate/field"
)

// Method is how the value of a target is made of those around it.
type Method string

const (
	// Bilinear is linear in latitude and in longitude between the four centres
	// around a target, as CDO's remapbil.
	Bilinear Method = "bilinear"
	// Chord is xESMF's and ESMF's "bilinear": linear on the plane through the
	// four centres in space, the target being seen from the centre of the
	// sphere (line type CART, the default of ESMF's FieldRegridStore). It made the
	// data of ClimaX. The two differ as the square of the spacing does.
	Chord Method = "chord"
	// Conservative is first-order: the mean over the target's cell, each source
	// cell having the area of its overlap, exact with edges along parallels and
	// meridians. (ESMF's edges are great circles, which are no parallels.)
	Conservative Method = "conservative"
	// Nearest takes the centre at the smallest great-circle distance, of equal
	// ones the first in the source.
	Nearest Method = "nearest"
)

// ParseMethod reads a method's name.
func ParseMethod(s string) (Method, error) {
	switch m := Method(s); m {
	case Bilinear, Chord, Conservative, Nearest:
		return m, nil
	}
	return "", fmt.Errorf("regrid: method %q is unknown; wanted bilinear, chord, conservative or nearest", s)
}

// Weights is the sparse matrix of a pair of grids.
type Weights struct {
	Source, Target *field.Grid
	Method         Method

	// Entry k of start[r] to start[r+1] says that share[k] of target r is from
	// source cell from[k]. A target's shares sum up to 1, or to less where the
	// source does not cover all of it.
	start []int32
	from  []int32
	share []float64
	total []float64 // of each target
}

// New computes the weights.
func New(source, target *field.Grid, m Method) (*Weights, error) {
	if int64(source.Size()) > math.MaxInt32 || int64(target.Size()) > math.MaxInt32 {
		return nil, fmt.Errorf("regrid: grids of %d and %d cells; wanted less than 2^31", source.Size(), target.Size())
	}
	w := &Weights{Source: source, Target: target, Method: m, start: make([]int32, 1, target.Size()+1)}
	var err error
	switch m {
	case Bilinear, Chord:
		err = w.bilinear()
	case Conservative:
		err = w.conservative()
	case Nearest:
		w.nearest()
	default:
		_, err = ParseMethod(string(m))
	}
	if err != nil {
		return nil, err
	}
	return w, nil
}

// tiny shares are rounding: they would make a target depend on the missing
// value of a neighbour that has no part in it.
const tiny = 1e-12

func (w *Weights) add(from int, share float64) {
	if share > tiny {
		w.from, w.share = append(w.from, int32(from)), append(w.share, share)
	}
}

// next closes the row of a target.
func (w *Weights) next() error {
	if len(w.from) > math.MaxInt32 {
		return fmt.Errorf("regrid: the weights of these grids are more than 2^31; regrid in two steps")
	}
	sum := 0.0
	for _, s := range w.share[w.start[len(w.start)-1]:] {
		sum += s
	}
	w.total = append(w.total, sum)
	w.start = append(w.start, int32(len(w.from)))
	return nil
}

// Used are the rows and columns of the source that some target is made of, from
// the first of each to before the second.
func (w *Weights) Used() (rows, columns [2]int) {
	n := w.Source.Columns()
	rows, columns = [2]int{w.Source.Rows(), 0}, [2]int{n, 0}
	for _, i := range w.from {
		r, c := int(i)/n, int(i)%n
		rows = [2]int{min(rows[0], r), max(rows[1], r+1)}
		columns = [2]int{min(columns[0], c), max(columns[1], c+1)}
	}
	return rows, columns
}

// Within are the same weights for fields of a part of the source, which has all
// that is Used; part is its grid.
func (w *Weights) Within(rows, columns [2]int, part *field.Grid) *Weights {
	n, m := w.Source.Columns(), columns[1]-columns[0]
	out := *w
	out.Source, out.from = part, make([]int32, len(w.from))
	for k, i := range w.from {
		out.from[k] = int32((int(i)/n-rows[0])*m + int(i)%n - columns[0])
	}
	return &out
}

// Len is the number of weights; each takes 12 bytes.
func (w *Weights) Len() int { return len(w.from) }

// Covered is how much of each target the source reaches, 0 to 1, row-major.
func (w *Weights) Covered() []float64 { return append([]float64(nil), w.total...) }

// Apply regrids one field, or several that lie one after another: src has k
// times Source.Size values and dst k times Target.Size.
//
// Missing values are NaN. A target's value is that of the valid part of it,
// weights renormalised, if that is at least minValid of the part that the source
// covers, and else NaN. In the words of xESMF 0 is skipna=True with na_thres=1.0
// (any valid part will do) and 1 is its default, skipna=False (none may be
// missing). A target that the source covers by less than half is NaN, where xESMF
// writes 0 or a part of the value; one that it covers by more, as where the bounds
// of Gaussian rows stop short of a pole, has the value of what is covered.
func (w *Weights) Apply(dst, src []float32, minValid float64) error {
	n, m := w.Source.Size(), w.Target.Size()
	k := len(src) / n
	if len(src) != k*n || len(dst) != k*m {
		return fmt.Errorf("regrid: %d values to %d; wanted a multiple of %d to as many times %d", len(src), len(dst), n, m)
	}
	if !(minValid >= 0 && minValid <= 1) {
		return fmt.Errorf("regrid: a valid part of at least %v; wanted 0 to 1", minValid)
	}
	parts := min(k, runtime.GOMAXPROCS(0))
	var done sync.WaitGroup
	for p := range parts {
		done.Go(func() {
			for i := k * p / parts; i < k*(p+1)/parts; i++ {
				w.field(dst[i*m:(i+1)*m], src[i*n:(i+1)*n], minValid)
			}
		})
	}
	done.Wait()
	return nil
}

func (w *Weights) field(dst, src []float32, minValid float64) {
	const rounding = 1e-9 // of a sum of shares
	for r := range dst {
		from, share := w.from[w.start[r]:w.start[r+1]], w.share[w.start[r]:w.start[r+1]]
		sum, covered := 0.0, w.total[r]
		valid := covered
		for k, i := range from {
			sum += share[k] * float64(src[i])
		}
		if math.IsNaN(sum) {
			sum, valid = 0, 0
			for k, i := range from {
				if x := float64(src[i]); !math.IsNaN(x) {
					sum += share[k] * x
					valid += share[k]
				}
			}
		}
		if valid == 0 || covered < 0.5-rounding || valid < minValid*covered-rounding {
			dst[r] = float32(math.NaN())
			continue
		}
		dst[r] = float32(sum / valid)
	}
}
