package encoder

import (
	"context"
	"errors"
	"slices"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/plan"
)

// Programs are those of one model, loaded when a batch of their shape comes.
// Each has a T, the room for the inputs of its batches. Programs are for one
// goroutine.
type Programs[T any] struct {
	Backend backend.Backend
	Context int // the longest padded length
	// Keep is how many stay loaded, those used last: each has memory of its own
	// on some devices. Batches of Run come by length, so few are used in turn.
	Keep    int
	Compile func(lim plan.Limits, rows, length int) (*plan.Program, error)
	Room    func(rows, length int) T
	loaded  []program[T] // the last used first
}

type program[T any] struct {
	runner       backend.Runner
	rows, length int
	room         T
}

// Load returns the program of a shape with its room.
func (s *Programs[T]) Load(rows, length int) (backend.Runner, T, error) {
	var none T
	if i := slices.IndexFunc(s.loaded, func(p program[T]) bool { return p.rows == rows && p.length == length }); i >= 0 {
		p := s.loaded[i]
		s.loaded = slices.Insert(slices.Delete(s.loaded, i, i+1), 0, p)
		return p.runner, p.room, nil
	}
	if n := len(s.loaded); n == s.Keep {
		last := s.loaded[n-1]
		s.loaded = s.loaded[:n-1]
		if err := last.runner.Close(); err != nil {
			return nil, none, err
		}
	}
	compiled, err := s.Compile(s.Backend.Limits(), rows, length)
	if err != nil {
		return nil, none, err
	}
	r, err := s.Backend.Load(compiled)
	if err != nil {
		return nil, none, err
	}
	p := program[T]{r, rows, length, s.Room(rows, length)}
	s.loaded = slices.Insert(s.loaded, 0, p)
	return r, p.room, nil
}

// Run calls batch for each of Groups over texts of the given lengths, with the
// program of its shape. It ends early with ctx.
func (s *Programs[T]) Run(ctx context.Context, lengths []int, batch func(g Group, r backend.Runner, room T) error) error {
	for _, g := range Groups(lengths, s.Context) {
		if err := ctx.Err(); err != nil {
			return err
		}
		r, room, err := s.Load(g.Rows, g.Length)
		if err != nil {
			return err
		}
		if err := batch(g, r, room); err != nil {
			return err
		}
	}
	return nil
}

// Close frees the programs. Load and Run may be called again.
func (s *Programs[T]) Close() error {
	var errs []error
	for _, p := range s.loaded {
		errs = append(errs, p.runner.Close())
	}
	s.loaded = nil
	return errors.Join(errs...)
}
