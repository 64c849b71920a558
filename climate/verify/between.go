package verify

import (
	"context"

	"github.com/kiban-models/kiban/climate/field"
)

// between is some of the times of forecasts.
type between struct {
	Forecasts
	frame    Frame
	from, to int
}

// Between are the forecasts that begin, or fields that are, within a range of
// time. It is an error if there are none.
func Between(f Forecasts, r field.TimeRange) (Forecasts, error) {
	frame := f.Frame()
	from, to, err := r.Span(frame.Calendar, frame.Times)
	if err != nil {
		return nil, err
	}
	if frame.Valid != nil {
		n := len(frame.Leads)
		frame.Valid = frame.Valid[from*n : to*n]
	}
	frame.Times = frame.Times[from:to]
	return &between{f, frame, from, to}, nil
}

// Frame says what is left.
func (b *between) Frame() Frame { return b.frame }

// Each reads all and visits some.
func (b *between) Each(ctx context.Context, visit func(at, lead int, members [][]float32) error) error {
	return b.Forecasts.Each(ctx, func(at, lead int, members [][]float32) error {
		if at < b.from || at >= b.to {
			return nil
		}
		return visit(at-b.from, lead, members)
	})
}
