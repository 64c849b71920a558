package task

import (
	"fmt"
	"slices"

	"github.com/kiban-models/kiban/climate/store"
	"github.com/kiban-models/kiban/climate/window"
)

// records are what examples are made of, in the order in which windows are cut
// from them. Fields are in their units on the model's grid, rows in the order
// that it knows.
type records interface {
	// name is that of the data, in errors.
	name() string
	// axis says when the records are, and which follow one another.
	axis() window.Records
	// see reads the channels that the model sees of a record.
	see(record int, dst []float32) error
	// want reads what the model is to make, at a record.
	want(record int, dst []float32) error
}

// turning reads selections of a store on the model's grid, whose rows may be in
// the reverse order.
type turning struct {
	flip          bool
	rows, columns int
	x             []float32
}

// newTurning compares the grids.
func newTurning(st *store.Store, a *About) (*turning, error) {
	own, err := a.grid()
	if err != nil {
		return nil, err
	}
	t := &turning{rows: own.Rows(), columns: own.Columns()}
	if t.flip, err = turned(own, st.Grid()); err != nil {
		return nil, fmt.Errorf("%s: not the grid of the model: %w", st.Dir(), err)
	}
	return t, nil
}

func (t *turning) read(sel *store.Selection, record int, dst []float32) error {
	if !t.flip {
		return sel.Read(dst, []int{record})
	}
	t.x = slices.Grow(t.x[:0], sel.Size())[:sel.Size()]
	if err := sel.Read(t.x, []int{record}); err != nil {
		return err
	}
	flipped(dst, t.x, t.rows, t.columns)
	return nil
}

// ofStore are the records of one store: forecasts lead from one to another.
type ofStore struct {
	store    *store.Store
	all, out *store.Selection // of the channels that are seen, and forecast, in their units
	*turning
}

// newOfStore finds those channels of a that a store has, and returns them.
func newOfStore(st *store.Store, a *About) (*ofStore, []Channel, error) {
	r := &ofStore{store: st}
	var channels []Channel
	var names, out []string
	for _, ch := range a.Channels {
		if _, err := st.Channel(ch.Key); err != nil {
			continue
		}
		channels = append(channels, ch)
		names = append(names, ch.Key)
		if !ch.Static {
			out = append(out, ch.Key)
		}
	}
	if len(out) == 0 {
		return nil, nil, fmt.Errorf("%s: has none of the chosen variables that change in time", st.Dir())
	}
	var err error
	if r.turning, err = newTurning(st, a); err != nil {
		return nil, nil, err
	}
	if r.all, err = inUnits(st, names); err != nil {
		return nil, nil, err
	}
	if r.out, err = inUnits(st, out); err != nil {
		return nil, nil, err
	}
	return r, channels, nil
}

// inUnits selects channels as they are stored.
func inUnits(st *store.Store, names []string) (*store.Selection, error) {
	raw := make([]store.Norm, len(names))
	for i := range raw {
		raw[i].Std = 1
	}
	return st.Select(names, raw)
}

func (r *ofStore) name() string         { return r.store.Dir() }
func (r *ofStore) axis() window.Records { return r.store.Records() }

func (r *ofStore) see(record int, dst []float32) error  { return r.read(r.all, record, dst) }
func (r *ofStore) want(record int, dst []float32) error { return r.read(r.out, record, dst) }
