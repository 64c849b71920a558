package field

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/kiban-models/kiban/climate/netcdf"
)

// Frame is what a file of fields is to hold. Its variables have the dimensions
// time, plev where there are levels, lat and lon. With leads they are time,
// lead_time, lat and lon, and each level is a variable such as zg_500.
type Frame struct {
	Grid     *Grid
	Channels []Channel
	Calendar netcdf.Calendar
	Times    []netcdf.Date    // of the fields; with leads, when the forecasts begin
	Bounds   [][2]netcdf.Date // of the time cells, nil for none; not with leads
	// Leads are the distances from the beginning of a forecast to what it is of,
	// in LeadUnits: hours, days or months.
	Leads     []float64
	LeadUnits string
	// Valid are the times that forecasts are of: Times x Leads. They say exactly
	// what leads in months do not.
	Valid []netcdf.Date
}

// About is what a file says of itself.
type About struct {
	Title, Institution, Source, References string
	// Inherited are the attributes of the input: its title and institution stand
	// where none are given, and its history under the new line.
	Inherited []netcdf.Attribute
	Extra     []netcdf.Attribute // such as kiban_model_sha256
	Command   string             // for the history
	Now       time.Time          // of the history; the zero one is the present
	NoHistory bool
}

// Fill stands for missing values in files, as in CMIP6.
const Fill = float32(1e20)

// Writer writes a Frame as CF-1.8 in NetCDF-4, time by time.
type Writer struct {
	w      *netcdf.Writer
	frame  Frame
	slots  []slot
	put    []bool
	buffer []float32
	path   string
}

type slot struct {
	variable string
	level    int // index; -1 without levels
}

// Create begins a file, which has its name only after Commit.
func Create(path string, f Frame, a About) (*Writer, error) {
	if len(f.Channels) == 0 || len(f.Times) == 0 {
		return nil, fmt.Errorf("%s: %d variables and %d times make no file", path, len(f.Channels), len(f.Times))
	}
	if f.Bounds != nil && (len(f.Bounds) != len(f.Times) || f.Leads != nil) || f.Valid != nil && len(f.Valid) != len(f.Times)*len(f.Leads) {
		return nil, fmt.Errorf("%s: %d bounds and %d valid times of %d times and %d leads", path, len(f.Bounds), len(f.Valid), len(f.Times), len(f.Leads))
	}
	for i := 1; i < len(f.Times); i++ {
		if f.Calendar.Compare(f.Times[i-1], f.Times[i]) >= 0 {
			return nil, fmt.Errorf("%s: time value %d is %s after %s; wanted ascending times", path, i, f.Times[i], f.Times[i-1])
		}
	}
	w := &Writer{frame: f, path: path, put: make([]bool, len(f.Times)*max(1, len(f.Leads))), buffer: make([]float32, f.Grid.Size())}
	p := plan{frame: f}
	if err := p.variables(w); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	p.schema.Attributes = a.attributes()
	var err error
	if w.w, err = netcdf.Create(path, p.schema); err != nil {
		return nil, err
	}
	for _, c := range p.coordinates {
		if err := w.w.Put(c.name, make([]int, len(c.count)), c.count, c.values); err != nil {
			return nil, errors.Join(err, w.w.Abort())
		}
	}
	return w, nil
}

// Put writes the fields of one time, and of one of its leads (0 where there are
// none): channel by channel, row by row. NaN becomes the fill value.
func (w *Writer) Put(at, lead int, values []float32) error {
	leads, size := max(1, len(w.frame.Leads)), w.frame.Grid.Size()
	if at < 0 || at >= len(w.frame.Times) || lead < 0 || lead >= leads || len(values) != size*len(w.slots) {
		return fmt.Errorf("%s: time %d, lead %d, %d values; wanted below %d and %d, and %d", w.path, at, lead, len(values), len(w.frame.Times), leads, size*len(w.slots))
	}
	for i, s := range w.slots {
		for k, x := range values[i*size : (i+1)*size] {
			switch {
			case x != x:
				x = Fill
			case math.IsInf(float64(x), 0):
				return fmt.Errorf("%s: variable %s: is %v at time %d, cell %d; wanted finite numbers or NaN", w.path, s.variable, x, at, k)
			}
			w.buffer[k] = x
		}
		start, count := []int{at}, []int{1}
		if w.frame.Leads != nil {
			start, count = append(start, lead), append(count, 1)
		}
		if s.level >= 0 {
			start, count = append(start, s.level), append(count, 1)
		}
		start, count = append(start, 0, 0), append(count, w.frame.Grid.Rows(), w.frame.Grid.Columns())
		if err := w.w.Put(s.variable, start, count, w.buffer); err != nil {
			return err
		}
	}
	w.put[at*leads+lead] = true
	return nil
}

// Commit finishes the file. Fields that were never put are an error, and there
// is no file then.
func (w *Writer) Commit() error {
	for i, ok := range w.put {
		if !ok {
			leads := max(1, len(w.frame.Leads))
			return errors.Join(fmt.Errorf("%s: the fields of time %d (%s), lead %d were not written", w.path, i/leads, w.frame.Times[i/leads], i%leads), w.w.Abort())
		}
	}
	return w.w.Commit()
}

// Abort throws the file away; after Commit it does nothing.
func (w *Writer) Abort() error { return w.w.Abort() }

// attributes are those of the file, in the order of the CF conventions.
func (a About) attributes() []netcdf.Attribute {
	of := netcdf.Group{Attributes: a.Inherited}
	or := func(s, name string) string {
		if s == "" {
			return of.Text(name)
		}
		return s
	}
	out := []netcdf.Attribute{netcdf.Text("Conventions", "CF-1.8")}
	add := func(name, value string) {
		if value != "" {
			out = append(out, netcdf.Text(name, value))
		}
	}
	add("title", or(a.Title, "title"))
	add("institution", or(a.Institution, "institution"))
	add("source", or(a.Source, "source"))
	add("references", or(a.References, "references"))
	history := of.Text("history")
	if !a.NoHistory && a.Command != "" {
		now := a.Now
		if now.IsZero() {
			now = time.Now()
		}
		line := now.Format(time.ANSIC) + ": " + strings.Join(strings.Fields(a.Command), " ")
		history = strings.TrimSpace(line + "\n" + history)
	}
	add("history", history)
	return append(out, a.Extra...)
}
