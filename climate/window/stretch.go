package window

import (
	"fmt"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/netcdf"
)

// Records are what windows are cut from, in the order of the files.
type Records struct {
	Calendar netcdf.Calendar
	Times    []netcdf.Date
	Step     field.Step
	// Breaks are records that do not go on from the one before, whatever their
	// times say: the first of another member, or of a file that does not fit.
	Breaks []int
	// Unusable tells of records that are to be in no window; nil means none.
	Unusable func(record int) bool
	// Part names what a time is for, as "train": store.Split's Of does so by years,
	// both ends included. Times of "" are in no window. nil makes one part, "all".
	Part func(netcdf.Date) string
	// PartAt does so by record, where times alone do not say it: scenarios have the
	// same years, and one of them may be held out. Part is not asked then.
	PartAt func(record int) string
}

// Stretch is the records From to before To, each a step after the one before,
// all of one part.
type Stretch struct {
	From, To int
	Part     string
}

// Stretches are the longest there are.
func (r Records) Stretches() ([]Stretch, error) {
	if len(r.Times) > 1 && r.Step == (field.Step{}) {
		return nil, fmt.Errorf("window: the %d times have no step; give data with regular times", len(r.Times))
	}
	breaks := map[int]bool{}
	for _, b := range r.Breaks {
		if b < 0 || b >= len(r.Times) {
			return nil, fmt.Errorf("window: break before record %d of %d", b, len(r.Times))
		}
		breaks[b] = true
	}
	var out []Stretch
	open := false // the last of out ends at the record before
	for i, d := range r.Times {
		if !r.Calendar.Valid(d) {
			return nil, fmt.Errorf("window: record %d: the %s calendar has no %s", i, r.Calendar, d)
		}
		part := "all"
		switch {
		case r.PartAt != nil:
			part = r.PartAt(i)
		case r.Part != nil:
			part = r.Part(d)
		}
		if part == "" || r.Unusable != nil && r.Unusable(i) {
			open = false
			continue
		}
		if open && !breaks[i] && out[len(out)-1].Part == part && r.Step.Follows(r.Calendar, r.Times[i-1], d) {
			out[len(out)-1].To++
			continue
		}
		out = append(out, Stretch{i, i + 1, part})
		open = true
	}
	return out, nil
}
