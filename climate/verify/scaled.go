package verify

import (
	"context"
	"fmt"
	"math"

	"github.com/kiban-models/kiban/climate/baseline"
	"github.com/kiban-models/kiban/climate/pair"
	"github.com/kiban-models/kiban/climate/store"
	"github.com/kiban-models/kiban/climate/window"
)

// scaled are the rivals of projections, fitted on the training records of all
// scenarios.
type scaled struct {
	*baseline.Scaling
	truth    *view
	forcings [][]float64 // of each record of the truth, nil where there are none
}

// newScaled pairs the store of the truth with that of its forcings.
func newScaled(ctx context.Context, truth *view, forcings *store.Store, data baseline.Data, areas []float64) (rivals, error) {
	of := truth.of
	if of.stored == nil {
		return nil, fmt.Errorf("%s: is the truth of projections; name the directory of kiban climate prepare that has all scenarios, on which pattern scaling is fitted", of.Name)
	}
	if forcings == nil {
		return nil, fmt.Errorf("%s: is the truth of projections, beside which pattern scaling is scored: name the forcings", of.Name)
	}
	pairs, err := pair.Stores(forcings, of.stored)
	if err != nil {
		return nil, err
	}
	globe := newGlobe(forcings)
	r := &scaled{truth: truth, forcings: make([][]float64, len(of.Times))}
	var learnt []window.Stretch
	for i, p := range pairs.All {
		if pairs.Part(i) == store.Train {
			learnt = append(learnt, window.Stretch{From: i, To: i + 1})
		}
		if at := p.Target - of.first; at >= 0 && at < len(of.Times) {
			if r.forcings[at], err = globe.means(p.Input); err != nil {
				return nil, err
			}
		}
	}
	data.Times = nil
	for _, p := range pairs.All {
		data.Times = append(data.Times, of.stored.Times()[p.Target])
	}
	data.Read = func(i int, dst []float32) error { return truth.stored(pairs.All[i].Target, dst) }
	r.Scaling, err = baseline.FitScaling(ctx, data, func(i int) ([]float64, error) { return globe.means(pairs.All[i].Input) }, areas, learnt)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", of.Name, err)
	}
	return r, nil
}

// stored reads a record of the whole store of the source.
func (v *view) stored(record int, dst []float32) error {
	n := len(v.cells)
	whole := v.whole[:v.of.Grid.Size()]
	for i, c := range v.channels {
		if err := v.of.stored.Field(whole, record, c); err != nil {
			return err
		}
		for k, at := range v.cells {
			dst[i*n+k] = whole[at]
		}
	}
	return nil
}

// globe takes global means of what changes in time.
type globe struct {
	store *store.Store
	areas []float64
	x     []float32
}

func newGlobe(s *store.Store) *globe {
	return &globe{s, s.Grid().Areas(), make([]float32, s.Grid().Size())}
}

func (g *globe) means(record int) ([]float64, error) {
	var out []float64
	for c := range g.store.Manifest().Channels {
		if err := g.store.Field(g.x, record, c); err != nil {
			return nil, err
		}
		sum, weight := 0.0, 0.0
		for i, v := range g.x {
			if v == v {
				sum, weight = sum+g.areas[i]*float64(v), weight+g.areas[i]
			}
		}
		out = append(out, sum/max(weight, math.SmallestNonzeroFloat64))
	}
	return out, nil
}

// start is what pattern scaling makes.
func (r *scaled) start(_ context.Context, _, to int, dst []float32) (bool, error) {
	if r.forcings[to] == nil {
		return false, nil
	}
	x, err := r.Fields(r.forcings[to])
	copy(dst, x)
	return true, err
}

func (r *scaled) climatology(to int) ([]float32, error) {
	return r.Climatology.At(r.truth.of.Times[to])
}

func (r *scaled) each(_ []float32, _, _, to int, visit func(name string, fields []float32) error) error {
	return r.Each(r.forcings[to], r.truth.of.Times[to], visit)
}

func (r *scaled) lacks(int) bool { return true }
