package field

import (
	"fmt"
	"slices"

	"github.com/kiban-models/kiban/climate/netcdf"
)

// plan is the schema of a Frame and the values of its coordinates.
type plan struct {
	frame       Frame
	schema      netcdf.Schema
	coordinates []coordinate
}

type coordinate struct {
	name   string
	count  []int
	values []float64
}

// mostChunk is how many values a chunk has at most: 4 MiB of floats.
const mostChunk = 1 << 20

func (p *plan) variables(w *Writer) error {
	f := p.frame
	p.schema.Dimensions = []netcdf.Dimension{{Name: "time", Unlimited: true}}
	if f.Leads != nil {
		p.dimension("lead_time", len(f.Leads))
	}
	p.dimension("lat", f.Grid.Rows())
	p.dimension("lon", f.Grid.Columns())
	p.dimension("bnds", 2)
	if err := p.time(); err != nil {
		return err
	}
	p.axis("lat", "latitude", "degrees_north", "Y", f.Grid.Lat, f.Grid.LatBounds)
	p.axis("lon", "longitude", "degrees_east", "X", f.Grid.Lon, f.Grid.LonBounds)
	return p.data(w)
}

func (p *plan) dimension(name string, n int) {
	p.schema.Dimensions = append(p.schema.Dimensions, netcdf.Dimension{Name: name, Size: n})
}

// add defines a coordinate and keeps its values.
func (p *plan) add(v netcdf.NewVariable, count []int, values []float64) {
	v.Type = "double"
	if len(v.Dimensions) > 0 && v.Dimensions[0] == "time" { // the library's own chunks along time are of one value
		v.Chunks = append([]int{512}, count[1:]...)
	}
	p.schema.Variables = append(p.schema.Variables, v)
	p.coordinates = append(p.coordinates, coordinate{v.Name, count, values})
}

func (p *plan) axis(name, standard, units, letter string, x []float64, bounds [][2]float64) {
	v := netcdf.NewVariable{Name: name, Dimensions: []string{name}, Attributes: []netcdf.Attribute{
		netcdf.Text("standard_name", standard), netcdf.Text("long_name", standard), netcdf.Text("units", units), netcdf.Text("axis", letter)}}
	flat := make([]float64, 0, 2*len(bounds))
	width := false
	for _, b := range bounds {
		flat = append(flat, b[0], b[1])
		width = width || b[0] != b[1]
	}
	if width { // one row that nobody gave edges has none
		v.Attributes = append(v.Attributes, netcdf.Text("bounds", name+"_bnds"))
	}
	p.add(v, []int{len(x)}, x)
	if width {
		p.add(netcdf.NewVariable{Name: name + "_bnds", Dimensions: []string{name, "bnds"}}, []int{len(x), 2}, flat)
	}
}

// time counts days from the beginning of the first year; milliseconds survive
// that.
func (p *plan) time() error {
	f := p.frame
	units := fmt.Sprintf("days since %04d-01-01 00:00:00", max(1, f.Times[0].Year)) // year 0 is in few calendars
	u, err := netcdf.ParseTimeUnits(units, string(f.Calendar))
	if err != nil {
		return err
	}
	number := func(dates []netcdf.Date) []float64 {
		out := make([]float64, len(dates))
		for i, d := range dates {
			out[i] = u.Value(d)
		}
		return out
	}
	standard, long := "time", "time"
	if f.Leads != nil {
		standard, long = "forecast_reference_time", "time at which the forecast begins"
	}
	v := netcdf.NewVariable{Name: "time", Dimensions: []string{"time"}, Attributes: []netcdf.Attribute{
		netcdf.Text("standard_name", standard), netcdf.Text("long_name", long), netcdf.Text("units", units),
		netcdf.Text("calendar", string(f.Calendar)), netcdf.Text("axis", "T")}}
	if f.Bounds != nil {
		v.Attributes = append(v.Attributes, netcdf.Text("bounds", "time_bnds"))
	}
	p.add(v, []int{len(f.Times)}, number(f.Times))
	if f.Bounds != nil {
		var flat []netcdf.Date
		for _, b := range f.Bounds {
			flat = append(flat, b[0], b[1])
		}
		p.add(netcdf.NewVariable{Name: "time_bnds", Dimensions: []string{"time", "bnds"}}, []int{len(f.Times), 2}, number(flat))
	}
	if f.Leads == nil {
		return nil
	}
	if !slices.Contains([]string{"hours", "days", "months"}, f.LeadUnits) {
		return fmt.Errorf("leads are in %q; wanted hours, days or months", f.LeadUnits)
	}
	p.add(netcdf.NewVariable{Name: "lead_time", Dimensions: []string{"lead_time"}, Attributes: []netcdf.Attribute{
		netcdf.Text("standard_name", "forecast_period"), netcdf.Text("long_name", "time since the forecast began"), netcdf.Text("units", f.LeadUnits)}},
		[]int{len(f.Leads)}, f.Leads)
	if f.Valid != nil {
		p.add(netcdf.NewVariable{Name: "valid_time", Dimensions: []string{"time", "lead_time"}, Attributes: []netcdf.Attribute{
			netcdf.Text("standard_name", "time"), netcdf.Text("long_name", "time that the forecast is of"), netcdf.Text("units", units),
			netcdf.Text("calendar", string(f.Calendar))}}, []int{len(f.Times), len(f.Leads)}, number(f.Valid))
	}
	return nil
}

// data defines a variable for each name, its levels along plev; variables with
// other levels have a plev of their own. With leads each level is a variable,
// zg_500, and its pressure a scalar coordinate: CDO reads no five dimensions.
func (p *plan) data(w *Writer) error {
	f := p.frame
	if f.Leads != nil {
		return p.flat(w)
	}
	levels := map[string][]float64{}
	var order []string
	for _, c := range f.Channels {
		have, ok := levels[c.Name]
		if !ok {
			order = append(order, c.Name)
		}
		if ok && (c.Level == 0 || slices.Contains(have, c.Level) || len(have) == 0) {
			return fmt.Errorf("variable %s is there twice", c)
		}
		if c.Level != 0 {
			have = append(have, c.Level)
		}
		levels[c.Name] = have
		w.slots = append(w.slots, slot{c.Name, len(have) - 1})
	}
	var axes [][]float64
	for _, name := range order {
		c := f.Channels[slices.IndexFunc(f.Channels, func(c Channel) bool { return c.Name == name })]
		dims, chunks := []string{"time"}, []int{1}
		if l := levels[name]; len(l) > 0 {
			i := slices.IndexFunc(axes, func(a []float64) bool { return slices.Equal(a, l) })
			if i < 0 {
				i = len(axes)
				axes = append(axes, l)
				p.pressure(pressureName(i), []string{pressureName(i)}, l)
			}
			dims, chunks = append(dims, pressureName(i)), append(chunks, 1)
		}
		p.variable(name, c, dims, chunks, "")
	}
	return nil
}

func (p *plan) variable(name string, c Channel, dims []string, chunks []int, coordinates string) {
	columns := p.frame.Grid.Columns()
	v := netcdf.NewVariable{Name: name, Type: "float", Deflate: 4, Dimensions: append(dims, "lat", "lon"),
		Chunks: append(chunks, max(1, min(p.frame.Grid.Rows(), mostChunk/columns)), columns)}
	for _, a := range []struct{ name, value string }{{"standard_name", c.StandardName}, {"long_name", c.LongName}, {"units", c.Units},
		{"cell_methods", c.CellMethods}, {"coordinates", coordinates}} {
		if a.value != "" {
			v.Attributes = append(v.Attributes, netcdf.Text(a.name, a.value))
		}
	}
	v.Attributes = append(v.Attributes, netcdf.Attribute{Name: "_FillValue", Value: []float32{Fill}}, netcdf.Attribute{Name: "missing_value", Value: []float32{Fill}})
	p.schema.Variables = append(p.schema.Variables, v)
}

func (p *plan) flat(w *Writer) error {
	seen := map[string]bool{}
	for _, c := range p.frame.Channels {
		name, level := c.Name, ""
		if c.Level != 0 {
			name, level = fmt.Sprintf("%s_%g", c.Name, c.Level/100), fmt.Sprintf("p%g", c.Level/100)
		}
		if seen[name] {
			return fmt.Errorf("variable %s is there twice", c)
		}
		if seen[name] = true; level != "" && !seen[level] {
			seen[level] = true
			p.pressure(level, nil, []float64{c.Level})
		}
		w.slots = append(w.slots, slot{name, -1})
		p.variable(name, c, []string{"time", "lead_time"}, []int{1, 1}, level)
	}
	return nil
}

func pressureName(i int) string {
	if i == 0 {
		return "plev"
	}
	return fmt.Sprintf("plev_%d", i+1)
}

// pressure is along a dimension, or a scalar.
func (p *plan) pressure(name string, dims []string, levels []float64) {
	count := []int{}
	if dims != nil {
		p.dimension(name, len(levels))
		count = []int{len(levels)}
	}
	p.add(netcdf.NewVariable{Name: name, Dimensions: dims, Attributes: []netcdf.Attribute{
		netcdf.Text("standard_name", "air_pressure"), netcdf.Text("long_name", "pressure"), netcdf.Text("units", "Pa"),
		netcdf.Text("positive", "down"), netcdf.Text("axis", "Z")}}, count, levels)
}
