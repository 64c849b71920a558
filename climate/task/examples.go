package task

import (
	"fmt"

	"github.com/kiban-models/kiban/climate/forecast"
	"github.com/kiban-models/kiban/climate/netcdf"
	"github.com/kiban-models/kiban/climate/store"
	"github.com/kiban-models/kiban/climate/window"
)

// examples are those of one source of records.
type examples struct {
	records
	about     About // with the source's own channels and calendar
	frame     *frame
	times     []netcdf.Date   // of the records
	windows   *window.Windows // of the training years
	stretches []window.Stretch
	variables []int32 // the model's numbers of what is seen
	made      []int32 // and of what is forecast
	x, y      []float32
	rivals    rivals
}

// newExamples are those of some records; channels are what is seen of them.
func newExamples(r records, channels []Channel, a About, c forecast.Config, shape window.Shape) (*examples, error) {
	axis := r.axis()
	e := &examples{records: r, about: a, times: axis.Times}
	e.about.Calendar, e.about.Channels = axis.Calendar, channels
	cells := len(a.Grid.Lat) * len(a.Grid.Lon)
	e.x, e.y = make([]float32, a.years()*len(channels)*cells), make([]float32, len(e.about.Out())*cells)
	var err error
	if e.variables, e.made, _, err = e.about.places(c); err != nil {
		return nil, err
	}
	if e.stretches, err = axis.Stretches(); err != nil {
		return nil, fmt.Errorf("%s: %w", e.name(), err)
	}
	if e.windows, err = window.New(e.stretches, string(store.Train), shape); err != nil {
		return nil, fmt.Errorf("%s: %w", e.name(), err)
	}
	e.frame = newFrame(&e.about, cells, nil, nil)
	return e, nil
}

// learnt are the training records.
func (e *examples) learnt() (all []window.Stretch, records int) {
	for _, s := range e.stretches {
		if s.Part == string(store.Train) {
			all = append(all, s)
			records += s.To - s.From
		}
	}
	return all, records
}

func (e *examples) time(record int) netcdf.Date { return e.times[record] }

func (e *examples) hours(steps int) float64 {
	return window.Hours(e.about.Calendar, e.about.Step(), steps)
}

// example fills see and teach with the numbers of window i in an epoch, and
// returns its lead time.
func (e *examples) example(see, teach []float32, seed uint64, epoch, i int) (hours float64, err error) {
	steps, target := e.windows.Lead(seed, epoch, i)
	anchor := e.windows.Anchor(i)
	if err := e.see(anchor, e.x); err != nil {
		return 0, err
	}
	if err := e.want(target, e.y); err != nil {
		return 0, err
	}
	when, valid := e.time(anchor), e.time(target)
	if err := e.frame.see(see, e.x, when, valid); err != nil {
		return 0, err
	}
	return e.hours(steps), e.frame.teach(teach, e.y, see, steps, valid)
}
