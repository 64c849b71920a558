package field

import (
	"context"
	"fmt"

	"github.com/kiban-models/kiban/climate/netcdf"
)

// Series is fields of some channels on one grid at a row of times.
type Series struct {
	Dataset  Dataset // what the files say that they are of; empty in memory
	Grid     *Grid
	Channels []Channel
	Calendar netcdf.Calendar
	Times    []netcdf.Date      // strictly ascending
	Bounds   [][2]netcdf.Date   // of the time cells; nil when the files have none
	Step     Step               // between most neighbours
	Global   []netcdf.Attribute // of the first file: title, institution, history
	Notes    []string           // what was converted or turned, for stderr
	Files    []File             // that it was opened from

	read  readTimes
	close func() error
	// within is for Within; nil in memory.
	within func(rows, columns [2]int) (*Grid, readTimes)
}

type readTimes func(ctx context.Context, at, n int, dst []float32) error

// File is one that fields come from.
type File struct {
	Path       string
	TrackingID string // of CMIP6
}

// Memory is a series of values: times x channels x lat x lon.
func Memory(g *Grid, c netcdf.Calendar, times []netcdf.Date, channels []Channel, values []float32) (*Series, error) {
	n := len(channels) * g.Size()
	if len(values) != len(times)*n {
		return nil, fmt.Errorf("field: %d values, wanted %d times x %d channels x %d cells", len(values), len(times), len(channels), g.Size())
	}
	s := &Series{Grid: g, Channels: channels, Calendar: c, Times: times}
	if err := s.order(); err != nil {
		return nil, err
	}
	s.read = func(_ context.Context, at, times int, dst []float32) error {
		copy(dst, values[at*n:(at+times)*n])
		return nil
	}
	return s, nil
}

// order checks the times and finds their step.
func (s *Series) order() error {
	for i := 1; i < len(s.Times); i++ {
		if s.Calendar.Compare(s.Times[i-1], s.Times[i]) >= 0 {
			return fmt.Errorf("field: time value %d is %s after %s; wanted strictly ascending", i, s.Times[i], s.Times[i-1])
		}
	}
	s.Step = StepOf(s.Calendar, s.Times)
	return nil
}

// Size is the number of values of one time: channels x lat x lon.
func (s *Series) Size() int { return len(s.Channels) * s.Grid.Size() }

// Read fills dst, of Size values, with the fields of one time: channel by
// channel, row by row, missing values NaN. Calls may come from several
// goroutines.
func (s *Series) Read(ctx context.Context, at int, dst []float32) error {
	return s.ReadTimes(ctx, at, 1, dst)
}

// ReadTimes is Read of several times in a row, one behind the other in dst: the
// faster way through files, whose chunks often hold many times.
func (s *Series) ReadTimes(ctx context.Context, at, n int, dst []float32) error {
	switch {
	case at < 0 || n < 0 || at > len(s.Times)-n:
		return fmt.Errorf("field: times %d to %d of %d", at, at+n, len(s.Times))
	case len(dst) != n*s.Size():
		return fmt.Errorf("field: room for %d values, wanted %d", len(dst), n*s.Size())
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.read(ctx, at, n, dst)
}

// Gaps are the times that do not follow the one before by the step.
func (s *Series) Gaps() []int {
	var out []int
	for i := 1; i < len(s.Times); i++ {
		if !s.Step.Follows(s.Calendar, s.Times[i-1], s.Times[i]) {
			out = append(out, i)
		}
	}
	return out
}

// Slice is the part of the series from one time to before another; it shares
// the files, and closing it does nothing.
func (s *Series) Slice(from, to int) *Series {
	part := *s
	part.Times = s.Times[from:to]
	if s.Bounds != nil {
		part.Bounds = s.Bounds[from:to]
	}
	part.read = func(ctx context.Context, at, n int, dst []float32) error { return s.read(ctx, at+from, n, dst) }
	if s.within != nil {
		part.within = func(rows, columns [2]int) (*Grid, readTimes) {
			g, read := s.within(rows, columns)
			return g, func(ctx context.Context, at, n int, dst []float32) error { return read(ctx, at+from, n, dst) }
		}
	}
	part.close = nil
	return &part
}

// Within is the series on some rows and columns of its grid, from the first of
// each to before the second: no more is read. It shares the files, and closing
// it does nothing. ok is false for a series in memory.
func (s *Series) Within(rows, columns [2]int) (part *Series, ok bool) {
	if s.within == nil {
		return nil, false
	}
	narrow := *s
	narrow.Grid, narrow.read = s.within(rows, columns)
	narrow.within, narrow.close = nil, nil
	return &narrow, true
}

// Close closes the files of the series.
func (s *Series) Close() error {
	if s.close == nil {
		return nil
	}
	return s.close()
}
