package rollout

import (
	"fmt"

	"github.com/kiban-models/kiban/climate/task"
	"github.com/kiban-models/kiban/climate/verify"
)

// Seen is a source as a model sees it: a forecaster's as it is, a downscaler's
// brought to the grid of what it makes. That must be from the grid on which its
// input was when it was trained.
func Seen(m *task.Model, s *verify.Source) (*verify.Source, error) {
	if err := m.Runs(); err != nil {
		return nil, err
	}
	a := m.About
	if a.Task != task.Downscale {
		return s, nil
	}
	coarse, err := a.Coarse.Field()
	if err != nil {
		return nil, err
	}
	fine, err := a.Grid.Field()
	if err != nil {
		return nil, err
	}
	of := s.Grid
	if of.NorthFirst() != coarse.NorthFirst() {
		of = of.Reversed()
	}
	if err := coarse.Same(of); err != nil {
		return nil, fmt.Errorf("%s: the grid of the model's input is not that of the data: %w; bring the data to it: kiban climate prepare --grid %dx%d, as the model's input was", m.Path, err, coarse.Rows(), coarse.Columns())
	}
	return s.On(fine)
}

func sameGrid(a, b *task.About) bool {
	x, err := a.Grid.Field()
	if err != nil {
		return false
	}
	y, err := b.Grid.Field()
	return err == nil && x.Same(y) == nil
}
