package task

import (
	"context"

	"github.com/kiban-models/kiban/climate/forecast"
	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/train"
)

// Stepper runs the steps of a training one by one.
type Stepper struct {
	t       *Training
	trainer *train.Trainer
	room    []*room // of each store
	chosen  []int
	seed    train.Seed
}

// room is what a batch of one store is filled into.
type room struct {
	batch *forecast.Batch
	see   []float32
	teach [][]float32
}

// Stepper loads the programs. The weights must have been put.
func (t *Training) Stepper(b backend.Backend) (*Stepper, error) {
	trainer, err := t.Plan.Load(b)
	if err != nil {
		return nil, err
	}
	s := &Stepper{t: t, trainer: trainer}
	for _, e := range t.examples {
		r := &room{see: make([]float32, e.frame.size())}
		if r.batch, err = forecast.NewBatch(t.opt.Config, t.opt.BatchSize*e.frame.years, e.variables, t.patches); err == nil {
			err = t.weigh(r.batch)
			r.batch.WeighVariables(e.made, e.frame.weights())
		}
		if err != nil {
			trainer.Close()
			return nil, err
		}
		for range t.opt.BatchSize {
			r.teach = append(r.teach, make([]float32, len(e.y)))
		}
		s.room = append(s.room, r)
	}
	return s, nil
}

// weigh says what cells count in the loss: as published what their latitude says,
// and of projections, whose grids have rows at the poles, their area.
func (t *Training) weigh(b *forecast.Batch) error {
	a := &t.opt.About
	switch {
	case a.Even:
		return b.Weigh(nil)
	case a.Task == Project:
		g, err := a.grid()
		if err != nil {
			return err
		}
		areas, rows := g.Areas(), make([]float64, g.Rows())
		for i := range rows {
			rows[i] = areas[i*g.Columns()]
		}
		return b.WeighRows(rows)
	}
	return b.Weigh(a.Grid.Lat)
}

// Step runs one optimizer step, counted from 0.
func (s *Stepper) Step(ctx context.Context, step int) (train.Result, error) {
	return s.trainer.Step(ctx, step, func(micro int, r backend.Runner) error {
		_, err := s.feed(step, micro, r)
		return err
	})
}

// feed writes a micro-batch and returns the number of its examples.
func (s *Stepper) feed(step, micro int, to backend.Runner) (int, error) {
	t := s.t
	n := step*t.accum() + micro
	chosen, which, epoch := t.batches.at(s.chosen[:0], n)
	s.chosen = chosen
	e, r := t.examples[which], s.room[which]
	for i, w := range chosen {
		hours, err := e.example(r.see, r.teach[i], t.opt.Seed, epoch, w)
		if err != nil {
			return 0, err
		}
		if _, err := e.frame.give(r.batch, i, r.see, hours); err != nil {
			return 0, err
		}
	}
	if _, err := r.batch.SetTargets(e.made, r.teach); err != nil {
		return 0, err
	}
	if t.net.drops() {
		if err := s.seed.Write(to, int64(n), t.opt.Seed); err != nil {
			return 0, err
		}
	}
	return len(chosen), r.batch.Write(to)
}

// Close frees the programs.
func (s *Stepper) Close() error { return s.trainer.Close() }
