package window

import (
	"fmt"

	"github.com/kiban-models/kiban/climate/netcdf"
)

// Part is what the times of an interval are for.
type Part struct {
	Name string
	Interval
}

// Split gives times to parts, as Records.Part wants. Parts that have a time in
// common are an error: what is tested on must not have been trained on.
func Split(c netcdf.Calendar, parts ...Part) (func(netcdf.Date) string, error) {
	for i, a := range parts {
		for _, b := range parts[:i] {
			if c.Compare(a.From, b.To) <= 0 && c.Compare(b.From, a.To) <= 0 {
				return nil, fmt.Errorf("window: %s (%s) and %s (%s) have times in common; a time is in one part only", b.Name, b.Interval, a.Name, a.Interval)
			}
		}
	}
	return func(d netcdf.Date) string {
		for _, p := range parts {
			if p.Has(c, d) {
				return p.Name
			}
		}
		return ""
	}, nil
}
