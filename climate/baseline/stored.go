package baseline

import (
	"fmt"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/netcdf"
)

// Fields are the mean fields of all slots of the year, in order, nil for one
// without any record; not to be changed. FromFields makes the climatology anew.
func (c *Climatology) Fields() [][]float32 { return c.mean }

// FromFields is the climatology whose Fields these are, of data with the same
// calendar and step.
func FromFields(c netcdf.Calendar, k Kind, step field.Step, fields [][]float32) (*Climatology, error) {
	s, err := newSlots(c, k, step)
	if err != nil {
		return nil, err
	}
	if len(fields) != s.count() {
		return nil, fmt.Errorf("baseline: %d fields of a %s climatology, wanted %d", len(fields), k, s.count())
	}
	return &Climatology{slots: s, mean: fields}, nil
}
