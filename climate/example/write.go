package example

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/kiban-models/kiban/climate/netcdf"
)

// Options say what files are made.
type Options struct {
	Rows, Columns int      // of the grid; 0 means 8 and 16. ClimateBench has 96 and 144
	First         int      // year of the historical ones; 0 means 1950. ClimateBench has 1850
	Scenarios     []string // nil means all
}

// Write makes the files of scenarios in a directory, which exists.
func Write(dir string, o Options) error {
	if o.Rows == 0 && o.Columns == 0 {
		o.Rows, o.Columns = 8, 16
	}
	if o.First == 0 {
		o.First = 1950
	}
	if o.Scenarios == nil {
		o.Scenarios = Scenarios
	}
	if o.Rows < 2 || o.Columns < 2 || o.First < ever || o.First > last {
		return fmt.Errorf("example: a grid of %dx%d from the year %d; wanted at least 2x2, and %d to %d", o.Rows, o.Columns, o.First, ever, last)
	}
	lat, lon := make([]float64, o.Rows), make([]float64, o.Columns)
	for i := range lat { // from pole to pole, as in NorESM2
		lat[i] = -90 + 180*float64(i)/float64(o.Rows-1)
	}
	for i := range lon {
		lon[i] = 360 * float64(i) / float64(o.Columns)
	}
	for _, s := range o.Scenarios {
		n := slices.Index(Scenarios, s)
		if n < 0 {
			return fmt.Errorf("example: no scenario %q; there are %v", s, Scenarios)
		}
		w := writing{dir: dir, scenario: s, lat: lat, lon: lon, first: o.First, last: last, noise: noise{scenario: uint32(n)}, places: places(lat, lon)}
		if _, future := pathways[s]; future {
			w.first, w.last = last+1, end
		}
		if err := errors.Join(w.inputs(), w.outputs()); err != nil {
			return err
		}
	}
	return nil
}

type writing struct {
	dir, scenario string
	lat, lon      []float64
	first, last   int
	noise         noise
	places        []place
}

func (w *writing) years() []float64 {
	var all []float64
	for y := w.first; y <= w.last; y++ {
		all = append(all, float64(y))
	}
	return all
}

// missing is the attribute that xarray gives numbers with a point.
func missing(kind string) netcdf.Attribute {
	if kind == "float" {
		return netcdf.Attribute{Name: "_FillValue", Value: []float32{float32(math.NaN())}}
	}
	return netcdf.Attribute{Name: "_FillValue", Value: []float64{math.NaN()}}
}

// put writes variables of a file, each whole.
func (w *writing) put(name string, s netcdf.Schema, values map[string]any) error {
	f, err := netcdf.Create(filepath.Join(w.dir, name), s)
	if err != nil {
		return err
	}
	sizes := map[string]int{}
	for _, d := range s.Dimensions {
		sizes[d.Name] = d.Size
	}
	for _, v := range s.Variables {
		start, count := make([]int, len(v.Dimensions)), []int{}
		for _, d := range v.Dimensions {
			count = append(count, sizes[d])
		}
		if err := f.Put(v.Name, start, count, values[v.Name]); err != nil {
			return errors.Join(err, f.Abort())
		}
	}
	return f.Commit()
}

// inputs has CO2 emitted since 1850 in Gt, CH4 emitted in the year in Gt, SO2 and
// BC in kg m-2 s-1. What stays as in 1850 is 0, as in ClimateBench.
func (w *writing) inputs() error {
	_, cumulative, e := forcing(w.scenario, w.last)
	values := map[string]any{"time": w.years(), "latitude": w.lat, "longitude": w.lon}
	var co2, ch4, so2, bc []float64
	for y := w.first; y <= w.last; y++ {
		t := y - ever
		methane := e[t].ch4
		if w.scenario == "hist-aer" {
			methane = 0
		}
		co2, ch4 = append(co2, cumulative[t]), append(ch4, methane)
		for _, p := range w.places {
			s, b := p.emits(e[t])
			if w.scenario == "hist-GHG" {
				s, b = 0, 0
			}
			so2, bc = append(so2, s), append(bc, b)
		}
	}
	values["CO2"], values["CH4"], values["SO2"], values["BC"] = co2, ch4, so2, bc
	s := netcdf.Schema{Dimensions: []netcdf.Dimension{{Name: "time", Size: len(co2)}, {Name: "latitude", Size: len(w.lat)}, {Name: "longitude", Size: len(w.lon)}}}
	add := func(name, kind string, dims ...string) {
		v := netcdf.NewVariable{Name: name, Type: kind, Dimensions: dims}
		if kind != "int64" {
			v.Attributes = []netcdf.Attribute{missing(kind)}
		}
		if name == "latitude" && w.scenario != "hist-GHG" {
			v.Attributes = append(v.Attributes, netcdf.Text("units", "degrees"))
		}
		s.Variables = append(s.Variables, v)
	}
	add("CO2", "double", "time")
	add("SO2", "double", "time", "latitude", "longitude")
	add("CH4", "double", "time")
	add("BC", "double", "time", "latitude", "longitude")
	add("time", "int64", "time")
	add("latitude", "double", "latitude")
	add("longitude", "double", "longitude")
	return w.put("inputs_"+w.scenario+".nc", s, values)
}

// outputs has the changes since 1850 of the temperature and of its range in a day
// in K, of the mean rain and of that of the wettest tenth of days in kg m-2 s-1.
func (w *writing) outputs() error {
	all := answer(w.scenario, w.last, w.places)[w.first-ever:]
	n := members[w.scenario]
	var tas, dtr, pr, pr90, number []float64
	for m := range n {
		number = append(number, float64(m+1))
		w.noise.member = uint32(m)
		swings := w.noise.swings(len(all))
		for t, r := range all {
			for i, p := range w.places {
				other := swings[t] * p.swing()
				tas = append(tas, r.tas[i]+other+0.2*w.noise.normal(1, t, i))
				dtr = append(dtr, r.dtr[i]-0.2*other+0.08*w.noise.normal(2, t, i))
				rain := r.pr[i] + (0.2*other+0.06*p.rain*w.noise.normal(3, t, i))/86400
				pr = append(pr, rain)
				pr90 = append(pr90, 2.3*rain+0.08*p.rain*w.noise.normal(4, t, i)/86400)
			}
		}
	}
	if w.scenario == "historical" { // as in ClimateBench, where the range of its first member misses some
		for i := range w.places {
			dtr[i] = math.NaN()
		}
	}
	s := netcdf.Schema{Dimensions: []netcdf.Dimension{{Name: "member", Size: n}, {Name: "time", Size: len(all)}, {Name: "lat", Size: len(w.lat)}, {Name: "lon", Size: len(w.lon)}}}
	for _, name := range []string{"diurnal_temperature_range", "tas", "pr", "pr90"} {
		v := netcdf.NewVariable{Name: name, Type: "float", Dimensions: []string{"member", "time", "lat", "lon"}, Attributes: []netcdf.Attribute{missing("float")}, Deflate: 1}
		if name == "pr90" {
			v.Attributes = append(v.Attributes, netcdf.Text("coordinates", "quantile"))
		}
		s.Variables = append(s.Variables, v)
	}
	for _, v := range []string{"time", "member"} {
		s.Variables = append(s.Variables, netcdf.NewVariable{Name: v, Type: "int64", Dimensions: []string{v}})
	}
	for _, v := range []string{"lat", "lon"} {
		s.Variables = append(s.Variables, netcdf.NewVariable{Name: v, Type: "double", Dimensions: []string{v}, Attributes: []netcdf.Attribute{missing("double")}})
	}
	s.Variables = append(s.Variables, netcdf.NewVariable{Name: "quantile", Type: "double", Attributes: []netcdf.Attribute{missing("double")}})
	return w.put("outputs_"+w.scenario+".nc", s, map[string]any{
		"diurnal_temperature_range": dtr, "tas": tas, "pr": pr, "pr90": pr90, "time": w.years(), "member": number,
		"lat": w.lat, "lon": w.lon, "quantile": []float64{0.9},
	})
}

// WriteReadme says in README.md what the files are.
func WriteReadme(dir string) error {
	return os.WriteFile(filepath.Join(dir, "README.md"), []byte(readme), 0o666)
}
