package store

import "fmt"

// Norm is the mean and the deviation that a channel is normalised with, in its
// units.
type Norm struct{ Mean, Std float64 }

// Selection reads some channels of a store, normalised: (x - mean) / std. It is
// safe for concurrent use.
type Selection struct {
	store    *Store
	channels []int
	mean     []float64
	scale    []float64 // 1 / std
}

// Select chooses channels by name, in the order of a batch. norm has a Norm for
// each; nil means the statistics of the store. For values in their units, give
// Norm{0, 1}.
func (s *Store) Select(names []string, norm []Norm) (*Selection, error) {
	if norm != nil && len(norm) != len(names) {
		return nil, fmt.Errorf("store: normalisation of %d channels, wanted %d", len(norm), len(names))
	}
	sel := &Selection{store: s}
	all := s.Channels()
	for i, name := range names {
		at, err := s.Channel(name)
		if err != nil {
			return nil, err
		}
		n := Norm{all[at].Mean, all[at].Std}
		if norm != nil {
			n = norm[i]
		}
		if n.Std == 0 { // a channel that never changes
			n.Std = 1
		}
		if !finite(n.Mean) || !finite(1/n.Std) {
			return nil, fmt.Errorf("store: variable %s: mean %v and deviation %v; wanted finite numbers", name, n.Mean, n.Std)
		}
		sel.channels = append(sel.channels, at)
		sel.mean = append(sel.mean, n.Mean)
		sel.scale = append(sel.scale, 1/n.Std)
	}
	return sel, nil
}

// Size is the number of values of a record: channels x latitudes x longitudes.
func (sel *Selection) Size() int { return len(sel.channels) * sel.store.cells }

// Read fills dst with a batch, [record][channel][latitude][longitude], missing
// values as NaN. It does not allocate.
func (sel *Selection) Read(dst []float32, records []int) error {
	s, n := sel.store, sel.store.cells
	if len(dst) != len(records)*sel.Size() {
		return fmt.Errorf("store: room for %d values, wanted %d records of %d", len(dst), len(records), sel.Size())
	}
	for _, r := range records {
		if r < 0 || r >= s.manifest.Records {
			return fmt.Errorf("store: %s: record %d of %d", s.dir, r, s.manifest.Records)
		}
		for i, c := range sel.channels {
			in := s.field(r, c)
			out := dst[:len(in)]
			mean, scale := sel.mean[i], sel.scale[i]
			for k, x := range in {
				out[k] = float32((float64(x) - mean) * scale)
			}
			dst = dst[n:]
		}
	}
	return nil
}

// Restore turns the values of a record that Read gave, or a model made, back
// into their units.
func (sel *Selection) Restore(x []float32) error {
	if len(x) != sel.Size() {
		return fmt.Errorf("store: %d values, wanted %d", len(x), sel.Size())
	}
	n := sel.store.cells
	for i, mean := range sel.mean {
		std := 1 / sel.scale[i]
		for k := range x[i*n:][:n] {
			x[i*n+k] = float32(float64(x[i*n+k])*std + mean)
		}
	}
	return nil
}
