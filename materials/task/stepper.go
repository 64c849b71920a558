package task

import (
	"context"
	"slices"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/train"
)

// Stepper runs the steps of a training one by one.
type Stepper struct {
	t       *Training
	trainer *train.Trainer
	room    map[int]*batch // by length
	rows    []Row          // of a micro-batch
	seed    train.Seed
}

// Stepper loads the programs. The weights must have been put.
func (t *Training) Stepper(b backend.Backend) (*Stepper, error) {
	trainer, err := t.Plan.Load(b)
	if err != nil {
		return nil, err
	}
	return &Stepper{t: t, trainer: trainer, room: map[int]*batch{}}, nil
}

// Step runs one optimizer step, counted from 0.
func (s *Stepper) Step(ctx context.Context, step int) (train.Result, error) {
	return s.trainer.Step(ctx, step, func(micro int, r backend.Runner) error {
		_, err := s.feed(step, micro, r)
		return err
	})
}

// feed writes a micro-batch and returns the number of its tokens.
func (s *Stepper) feed(step, micro int, r backend.Runner) (int, error) {
	o := &s.t.opt
	accum := max(1, o.Optimizer.Accum)
	n := step*accum + micro
	length := s.t.length(n)
	s.rows = slices.AppendSeq(s.rows[:0], s.t.batches.at(n))
	x := s.room[length]
	if x == nil {
		x = newBatch(o.Head, o.Config.Pad, o.BatchSize, length)
		s.room[length] = x
	}
	x.fill(s.rows)
	x.teach(s.rows, 1/float32(accum))
	if o.Config.Drops() {
		if err := s.seed.Write(r, int64(n), o.Seed); err != nil {
			return 0, err
		}
	}
	tokens := 0
	for _, row := range s.rows {
		tokens += len(row.IDs)
	}
	return tokens, x.write(r, true)
}

// Close frees the programs.
func (s *Stepper) Close() error { return s.trainer.Close() }
