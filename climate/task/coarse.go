package task

import (
	"context"
	"fmt"

	"github.com/kiban-models/kiban/climate/baseline"
	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/forecast"
	"github.com/kiban-models/kiban/climate/pair"
	"github.com/kiban-models/kiban/climate/regrid"
	"github.com/kiban-models/kiban/climate/store"
	"github.com/kiban-models/kiban/climate/window"
)

// fromCoarse are the records of pairs of stores: what is seen is brought from the
// input's grid to the model's, what is to be made is the target's.
type fromCoarse struct {
	pairs   *pair.Pairs
	in, out *store.Selection // in their units
	weights *regrid.Weights
	raw     []float32 // on the input's grid
	fixed   []float32 // of the channels that are the model's own, on its grid; nil for none
	*turning
}

// newFromCoarse finds the channels of a in the two stores.
func newFromCoarse(p *pair.Pairs, a *About) (*fromCoarse, error) {
	r := &fromCoarse{pairs: p}
	var in, fixed, out []string
	for _, c := range a.Channels {
		if c.Own {
			fixed = append(fixed, c.Key)
		} else {
			in = append(in, c.Key)
		}
	}
	for _, c := range a.Made {
		out = append(out, c.Key)
	}
	var err error
	if r.turning, err = newTurning(p.Target, a); err != nil {
		return nil, err
	}
	if r.in, err = inUnits(p.Input, in); err != nil {
		return nil, err
	}
	if r.out, err = inUnits(p.Target, out); err != nil {
		return nil, err
	}
	if fixed != nil {
		sel, err := inUnits(p.Target, fixed)
		if err != nil {
			return nil, err
		}
		r.fixed = make([]float32, sel.Size())
		if err := r.read(sel, 0, r.fixed); err != nil {
			return nil, err
		}
		for i, key := range fixed {
			if n := len(r.fixed) / len(fixed); allNaN(r.fixed[i*n:][:n]) {
				return nil, fmt.Errorf("%s: variable %s has no value at all; leave it out with --vars", p.Target.Dir(), key)
			}
		}
	}
	own, err := a.grid()
	if err != nil {
		return nil, err
	}
	if r.weights, err = regrid.New(p.Input.Grid(), own, regrid.Bilinear); err != nil {
		return nil, fmt.Errorf("%s: %w", r.name(), err)
	}
	if reached, cells := r.reached(func(f func(int)) {
		for i := range own.Size() {
			f(i)
		}
	}); reached == 0 {
		return nil, fmt.Errorf("%s: their grids do not overlap: the first has centres within %s, the second within %s, none of whose %d cells lies between those; prepare both of one region, the first a row and a column wider",
			r.name(), extentText(p.Input.Grid()), extentText(own), cells)
	}
	r.raw = make([]float32, r.in.Size())
	return r, nil
}

// reached counts the cells that each visits, and those of them that the input's
// grid reaches: nothing is extrapolated beyond its outermost centres.
func (r *fromCoarse) reached(each func(func(cell int))) (reached, cells int) {
	covered := r.weights.Covered()
	each(func(i int) {
		cells++
		if covered[i] >= 0.5 {
			reached++
		}
	})
	return reached, cells
}

func extentText(g *field.Grid) string {
	lat := []float64{g.Lat[0], g.Lat[len(g.Lat)-1]}
	return fmt.Sprintf("latitudes %g to %g and longitudes %g to %g", min(lat[0], lat[1]), max(lat[0], lat[1]), g.Lon[0], g.Lon[len(g.Lon)-1])
}

func (r *fromCoarse) name() string {
	return r.pairs.Input.Dir() + " and " + r.pairs.Target.Dir()
}

func (r *fromCoarse) axis() window.Records { return r.pairs.Records() }

// see takes the valid part of the four centres around a cell where some are
// missing.
func (r *fromCoarse) see(record int, dst []float32) error {
	if err := r.in.Read(r.raw, []int{r.pairs.All[record].Input}); err != nil {
		return err
	}
	brought := len(dst) - len(r.fixed)
	copy(dst[brought:], r.fixed)
	return r.weights.Apply(dst[:brought], r.raw, 0)
}

func (r *fromCoarse) want(record int, dst []float32) error {
	return r.read(r.out, r.pairs.All[record].Target, dst)
}

// ofPairs are the examples of pairs, with the baselines of downscaling.
func ofPairs(ctx context.Context, p *pair.Pairs, a About, c forecast.Config, shape window.Shape, fitting func(done, total int)) (*examples, error) {
	r, err := newFromCoarse(p, &a)
	if err != nil {
		return nil, err
	}
	e, err := newExamples(r, a.Channels, a, c, shape)
	if err != nil {
		return nil, err
	}
	learnt, records := e.learnt()
	done := 0
	want := func(record int, dst []float32) error {
		done++
		fitting(done, 2*records) // it is read twice
		return e.want(record, dst)
	}
	axis := e.axis()
	data := baseline.Data{Calendar: axis.Calendar, Times: axis.Times, Step: axis.Step, Size: len(e.y), Read: want}
	own, err := a.grid()
	if err != nil {
		return nil, err
	}
	fitted, err := baseline.FitCorrected(ctx, data, e.interpolated, learnt, baseline.Options{Kind: a.kind(), Around: baseline.Around(own, p.Input.Grid())})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", e.name(), err)
	}
	e.rivals = &corrected{fitted, e, make([]float32, len(e.y))}
	if a.Target.anomalous() {
		e.frame.climate, e.frame.regress = fitted.Departure, fitted.Regression
	}
	return e, nil
}

// interpolated fills dst with what is seen of the variables that are made, NaN of
// those that are not.
func (e *examples) interpolated(record int, dst []float32) error {
	if err := e.see(record, e.x); err != nil {
		return err
	}
	n := e.frame.cells
	for c, of := range e.frame.of {
		to := dst[c*n:][:n]
		if of < 0 {
			fill(to, nan)
		} else {
			copy(to, e.x[of*n:])
		}
	}
	return nil
}
