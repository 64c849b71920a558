package verify

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/kiban-models/kiban/climate/baseline"
	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/pair"
	"github.com/kiban-models/kiban/climate/window"
)

// rivals are what fields are scored beside, fitted on the truth's training
// records. Records are the truth's.
type rivals interface {
	// start reads what is there before a forecast is: cells where it has no value
	// are not scored. ok is false where there is nothing at that time.
	start(ctx context.Context, from, to int, dst []float32) (ok bool, err error)
	// climatology is that of a record.
	climatology(to int) ([]float32, error)
	// each visits what the rivals make of a start.
	each(start []float32, steps, from, to int, visit func(name string, fields []float32) error) error
	// lacks tells that a channel has no start, without which it is scored, too.
	lacks(channel int) bool
}

// persistent are the rivals of forecasts.
type persistent struct {
	*baseline.Set
	truth *view
}

func newPersistent(ctx context.Context, truth *view, data baseline.Data, steps []int, o baseline.Options) (rivals, error) {
	set, err := baseline.Fit(ctx, data, truth.of.Train, steps, o)
	return &persistent{set, truth}, err
}

func (p *persistent) start(ctx context.Context, from, _ int, dst []float32) (bool, error) {
	return true, p.truth.read(ctx, from, dst)
}

func (p *persistent) climatology(to int) ([]float32, error) {
	return p.Climatology.At(p.truth.of.Times[to])
}

func (p *persistent) each(start []float32, steps, from, to int, visit func(name string, fields []float32) error) error {
	return p.Each(start, steps, p.truth.of.Times[from], p.truth.of.Times[to], visit)
}

func (p *persistent) lacks(int) bool { return false }

// interpolated are the rivals of downscaling.
type interpolated struct {
	*baseline.Corrected
	truth    *view
	coarse   *Source // on the grid of what is scored
	channels []int   // its own, -1 for none
	records  []int   // its own of each of the truth's, -1 for none
}

// newInterpolated brings a coarse source to the grid of a frame and pairs its
// records with those of the truth.
func newInterpolated(ctx context.Context, frame Frame, truth *view, coarse *Source, data baseline.Data, o baseline.Options) (rivals, error) {
	if coarse == nil {
		return nil, fmt.Errorf("%s: is the truth of downscaled fields, of which interpolation must be scored, too: name what they were made of", truth.of.Name)
	}
	r := &interpolated{truth: truth}
	var err error
	if r.coarse, err = coarse.On(frame.Grid); err != nil {
		return nil, err
	}
	for _, c := range frame.Channels {
		i := slices.IndexFunc(coarse.Channels, func(x field.Channel) bool { return x.Key == c.Key && !x.Constant })
		if i >= 0 && coarse.Channels[i].Units != c.Units {
			return nil, fmt.Errorf("%s: variable %s: is in %q, the downscaled one in %q; convert one of them, or assert its units", coarse.Name, c, coarse.Channels[i].Units, c.Units)
		}
		r.channels = append(r.channels, i)
	}
	axis := func(s *Source) pair.Axis {
		return pair.Axis{Name: s.Name, Calendar: s.Calendar, Step: s.Step, Times: s.Times}
	}
	pairs, err := pair.Match(axis(coarse), axis(truth.of))
	if err != nil {
		return nil, err
	}
	r.records = slices.Repeat([]int{-1}, len(truth.of.Times))
	for _, p := range pairs {
		r.records[p.Target] = p.Input
	}
	var learnt []window.Stretch
	for _, s := range truth.of.Train {
		for i := s.From; i < s.To; i++ {
			if r.records[i] >= 0 {
				learnt = append(learnt, window.Stretch{From: i, To: i + 1, Part: s.Part})
			}
		}
	}
	if len(learnt) == 0 {
		return nil, fmt.Errorf("%s: has none of the training years %s of %s, on which its correction is fitted; give it those, too", coarse.Name, truth.of.Years, truth.of.Name)
	}
	read := func(record int, dst []float32) error {
		_, err := r.start(ctx, record, record, dst)
		return err
	}
	o.Around = baseline.Around(frame.Grid, coarse.Grid)
	r.Corrected, err = baseline.FitCorrected(ctx, data, read, learnt, o)
	return r, err
}

func (r *interpolated) start(ctx context.Context, _, to int, dst []float32) (bool, error) {
	record := r.records[to]
	if record < 0 {
		return false, nil
	}
	n := r.coarse.Grid.Size()
	for c, i := range r.channels {
		part := dst[c*n:][:n]
		if i >= 0 {
			if err := r.coarse.Read(ctx, record, []int{i}, part); err != nil {
				return false, err
			}
			continue
		}
		for k := range part {
			part[k] = float32(math.NaN())
		}
	}
	return true, nil
}

func (r *interpolated) climatology(to int) ([]float32, error) {
	return r.Climatology.At(r.truth.of.Times[to])
}

func (r *interpolated) each(start []float32, _, _, to int, visit func(name string, fields []float32) error) error {
	return r.Each(start, r.truth.of.Times[to], visit)
}

func (r *interpolated) lacks(channel int) bool { return r.channels[channel] < 0 }
