package store

import (
	"errors"
	"fmt"
)

// Set is several stores used together, each with the variables that it has: what
// a model is pretrained on.
type Set struct {
	Stores    []*Store
	Variables []string // keys of all stores, each once, in the order in which they come
}

// Together opens stores for use together. Their grids must be the same; times,
// calendars and variables need not be. A variable has the same units in all.
func Together(dirs []string, opts OpenOptions) (*Set, error) {
	s := &Set{}
	units := map[string]Channel{}
	from := map[string]string{}
	for _, dir := range dirs {
		st, err := Open(dir, opts)
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
		s.Stores = append(s.Stores, st)
		if err := s.Stores[0].grid.Same(st.grid); err != nil {
			return nil, errors.Join(fmt.Errorf("%s and %s: mixed grids: %w; prepare them with the same --grid", dirs[0], dir, err), s.Close())
		}
		for _, c := range st.Channels() {
			known, ok := units[c.Key]
			if !ok {
				units[c.Key], from[c.Key] = c, dir
				s.Variables = append(s.Variables, c.Key)
			} else if known.Units != c.Units {
				return nil, errors.Join(fmt.Errorf("%s: variable %s is in %s, in %s in %s; prepare them in the same units", dir, c.Key, c.Units, known.Units, from[c.Key]), s.Close())
			}
		}
	}
	return s, nil
}

// Index gives for each channel of a store, in the order of Channels, its place
// in Variables.
func (s *Set) Index(store int) []int {
	place := make(map[string]int, len(s.Variables))
	for i, v := range s.Variables {
		place[v] = i
	}
	var out []int
	for _, c := range s.Stores[store].Channels() {
		out = append(out, place[c.Key])
	}
	return out
}

// Close closes the stores.
func (s *Set) Close() error {
	var errs []error
	for _, st := range s.Stores {
		errs = append(errs, st.Close())
	}
	return errors.Join(errs...)
}
