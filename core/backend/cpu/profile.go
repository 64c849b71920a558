package cpu

import (
	"maps"

	"github.com/kiban-models/kiban/core/backend"
)

var _ backend.Profiled = (*Backend)(nil)

// Spent returns the time of every kernel so far, by name. It is empty without
// Options.Profile.
func (b *Backend) Spent() map[string]backend.Spent {
	all := maps.Clone(b.spent)
	for r := range b.runners {
		r.times(all)
	}
	return all
}

// Profile returns the time of every kernel so far, and of the runs.
func (b *Backend) Profile() backend.Profile {
	return backend.Profile{Kernels: b.Spent(), Runs: b.runs, Wall: b.wall}
}
