package field

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/kiban-models/kiban/climate/netcdf"
)

// source is a file with what is wanted of it.
type source struct {
	path    string
	dataset Dataset
	global  []netcdf.Attribute
	has     []found
	notes   []string
}

// found is a channel in a file.
type found struct {
	wanted  int // which of the requests it answers
	channel Channel
	layout  layout
	at      int // the level
	grid    *Grid
	times   *timeline // nil for a channel without time
	change  change
}

// timeline is the times of a file.
type timeline struct {
	calendar netcdf.Calendar
	dates    []netcdf.Date
	bounds   [][2]netcdf.Date
}

// scan opens a file and finds the channels that are wanted of it, all that can
// be read when none are named.
func scan(path string, wanted []request, o Options) (s source, err error) {
	s.path = path
	f, err := netcdf.Open(path)
	if err != nil {
		return s, err
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
	}()
	d, err := f.Describe()
	if err != nil {
		return s, err
	}
	s.global = d.Attributes
	s.dataset, s.notes = datasetOf(path, d.Group)
	all := variablesOf(d.Group, nil, nil)
	in := scanner{f: f, o: o, s: &s, grids: map[string]*Grid{}, lines: map[string]*timeline{}}
	if len(wanted) > 0 {
		for i, r := range wanted {
			in.wanted = i
			if err := in.request(r, all); err != nil {
				return s, err
			}
		}
		return s, nil
	}
	var refused error
	var placeless []string
	for _, v := range all {
		if v.placeless() && v.v.Unsupported == "" && v.v.Type != "char" && v.v.Type != "string" {
			placeless = append(placeless, v.path)
		}
		if len(v.v.Shape) < 2 {
			continue
		}
		if err := in.variable(request{text: v.v.Name, name: v.v.Name}, v, nil); err != nil && refused == nil {
			refused = err
		}
	}
	if len(s.has) == 0 {
		if refused == nil {
			refused = fmt.Errorf("%s: has no field of latitude and longitude; kiban climate inspect says what it holds", path)
		}
		return s, refused
	}
	if n := len(placeless); n > 0 {
		in.note("%s: left out, having a time and no place; name them with --vars to have them in all cells", strings.Join(placeless[:min(n, 5)], ", "))
	}
	return s, nil
}

type scanner struct {
	f      *netcdf.File
	o      Options
	s      *source
	wanted int // which of the requests is looked for
	grids  map[string]*Grid
	lines  map[string]*timeline
}

// request finds the variable that is meant: of that very name, of one of its
// other names, or of its standard_name where one variable has it. A file that
// lacks it is no error yet: another may have it.
func (in *scanner) request(r request, all []scoped) error {
	name, known := LookUp(r.name)
	pick := func(is func(scoped) bool) *scoped {
		if i := slices.IndexFunc(all, is); i >= 0 {
			return &all[i]
		}
		return nil
	}
	called := func(s string) *scoped {
		if s == "" {
			return nil
		}
		return pick(func(v scoped) bool { return v.v.Name == s || v.path == s })
	}
	if r.file != "" {
		if v := called(r.file); v != nil {
			return in.variable(r, *v, &name)
		}
		return nil
	}
	if v := called(r.name); v != nil {
		if !known {
			return in.variable(r, *v, nil)
		}
		return in.variable(r, *v, &name)
	}
	if !known {
		return nil
	}
	for _, s := range []string{name.CMIP, name.Short, name.Long, name.MadeOf} {
		if v := called(s); v != nil {
			return in.variable(r, *v, &name)
		}
	}
	// Temperatures at 2 m and on levels share a standard_name: it must be one
	// variable's, and of the right kind.
	q := name.quantityOf(r.name)
	var same []scoped
	for _, v := range all {
		std := v.v.Text("standard_name")
		if std == "" || std != q.standardName && std != name.StandardName && std != name.CMIPStandard {
			continue
		}
		if _, other := LookUp(v.v.Name); other {
			continue
		}
		if l, err := layoutOf(v, in.o.Pick); err == nil && (l.levels != nil) == name.Levels {
			same = append(same, v)
		}
	}
	if len(same) > 1 {
		return fmt.Errorf("%s: variables %s and %s both are %s; say which is wanted, as %s=%s", in.s.path, same[0].path, same[1].path, q.standardName, r.text, same[0].path)
	}
	if len(same) == 1 {
		return in.variable(r, same[0], &name)
	}
	return nil
}

// variable adds the channels of a variable: the level that is wanted, or all.
func (in *scanner) variable(r request, v scoped, name *Name) error {
	fail := func(err error) error { return fmt.Errorf("%s: variable %s: %w", in.s.path, v.path, err) }
	l, err := layoutOf(v, in.o.Pick)
	if err != nil {
		return fail(err)
	}
	var g *Grid // that of the others, of a variable without a place
	if l.everywhere() {
		in.note("variable %s: has a time and no place; it is the same in all cells", v.path)
	} else if g, err = in.grid(v, l); err != nil {
		return err
	}
	t, err := in.timeline(v, l)
	if err != nil {
		return err
	}
	have := quantity{v.v.Text("standard_name"), v.v.Text("units")}
	if said, ok := in.o.Units[v.v.Name]; ok {
		if have.units != "" && have.units != said {
			in.s.notes = append(in.s.notes, fmt.Sprintf("%s: variable %s: units are %q in the file; %q is asserted", in.s.path, v.path, have.units, said))
		}
		have.units = said
	}
	want := have
	if name == nil {
		if n, ok := LookUp(v.v.Name); ok && in.o.Model {
			name = &n
			r.name = n.Long
		}
	}
	c := change{scale: 1}
	if name != nil && name.Long != "" {
		want = name.quantityOf(r.name)
		if in.o.Model {
			want = quantity{name.StandardName, name.Units}
		}
		if r.file != "" && have.standardName == "" {
			have.standardName = want.standardName // that it is what is wanted was said
		}
		if c, err = conversion(have, want, in.o.Accumulate); err != nil {
			return fail(fmt.Errorf("%w; wanted %s in %s: %s", err, r.text, want.units, remedy(err, v.v.Name, want.units)))
		}
		if c.note != "" {
			in.s.notes = append(in.s.notes, fmt.Sprintf("variable %s: %s", v.path, c.note))
		}
	}
	ch := Channel{Name: v.v.Name, StandardName: want.standardName, LongName: v.v.Text("long_name"), Units: want.units, CellMethods: v.v.Text("cell_methods")}
	if want.standardName != have.standardName && have.standardName != "" { // another quantity has another name
		ch.LongName = strings.ReplaceAll(want.standardName, "_", " ")
		if ch.Name = name.CMIP; want.standardName == name.StandardName && name.Short != "" {
			ch.Name = name.Short
		}
	}
	base := v.v.Name
	if name != nil && name.Long != "" {
		if base = name.Long; want.standardName == name.CMIPStandard && name.CMIPStandard != "" {
			base = name.CMIPStandard
		}
	} else if n, ok := LookUp(base); ok {
		if base = n.Long; have.standardName == n.CMIPStandard && n.CMIPStandard != "" {
			base = n.CMIPStandard
		}
	}
	add := func(at int, level float64) {
		x := found{wanted: in.wanted, channel: ch, layout: l, at: at, grid: g, times: t, change: c}
		x.channel.Level, x.channel.Key = level, base
		if level != 0 && !(name == nil && l.level < 0) {
			x.channel.Key = fmt.Sprintf("%s_%g", base, level/100)
		}
		in.s.has = append(in.s.has, x)
	}
	levels := in.o.Levels
	if r.level != 0 {
		levels = []float64{r.level / 100}
	}
	if l.levels == nil {
		if r.level != 0 {
			return fail(fmt.Errorf("has no pressure levels; wanted %s", r.text))
		}
		add(0, 0)
		return nil
	}
	if len(levels) == 0 {
		for i, x := range l.levels {
			add(i, x)
		}
		return nil
	}
	for _, hpa := range levels {
		i := l.levelIndex(hpa * 100)
		if i < 0 {
			return fail(fmt.Errorf("has no level of %g hPa; there are %s", hpa, inHPa(l.levels)))
		}
		add(i, l.levels[i])
	}
	return nil
}

// remedy is what helps against a refused conversion.
func remedy(err error, variable, units string) string {
	switch s := err.Error(); {
	case strings.Contains(s, "is a rate"):
		return "--accumulate multiplies it by the length of its time cells"
	case strings.Contains(s, "is wanted"):
		return "name another variable"
	}
	return fmt.Sprintf("if you know them, say --units %s=%s", variable, units)
}

func inHPa(levels []float64) string {
	words := make([]string, len(levels))
	for i, x := range levels {
		words[i] = fmt.Sprintf("%g", x/100)
	}
	return strings.Join(words, ", ")
}

func (in *scanner) grid(v scoped, l layout) (*Grid, error) {
	key := l.latVar + "\x00" + l.lonVar
	if g, ok := in.grids[key]; ok {
		return g, nil
	}
	lat, latB, err := in.axis(v, l.latVar)
	if err != nil {
		return nil, err
	}
	lon, lonB, err := in.axis(v, l.lonVar)
	if err != nil {
		return nil, err
	}
	g, err := NewGrid(lat, lon, latB, lonB)
	if err != nil && (latB != nil || lonB != nil) { // real files have bounds that were never written
		if bare, err2 := NewGrid(lat, lon, nil, nil); err2 == nil {
			in.s.notes = append(in.s.notes, in.gridError(l, err).Error()+"; edges half-way between neighbours are taken")
			g, err = bare, nil
		}
	}
	if err != nil {
		return nil, in.gridError(l, err)
	}
	in.grids[key] = g
	return g, nil
}

func (in *scanner) gridError(l layout, err error) error {
	text := strings.TrimPrefix(err.Error(), "field: ")
	at := l.latVar
	if strings.HasPrefix(text, "longitude") {
		at = l.lonVar
	}
	return fmt.Errorf("%s: variable %s: %s", in.s.path, at, text)
}

// axis reads a coordinate and its bounds; bounds of another shape, or that hold
// no numbers, are passed over with a note.
func (in *scanner) axis(v scoped, path string) ([]float64, [][2]float64, error) {
	x, err := in.f.ReadFloat64(path, nil, nil)
	if err != nil {
		return nil, nil, err
	}
	for i, a := range x {
		if math.IsNaN(a) || math.IsInf(a, 0) {
			return nil, nil, fmt.Errorf("%s: variable %s: value %d is %v; a coordinate may miss none", in.s.path, path, i, a)
		}
	}
	b, err := in.bounds(v, path, len(x), "edges half-way between neighbours are taken")
	return x, b, err
}

func (in *scanner) bounds(v scoped, path string, n int, instead string) ([][2]float64, error) {
	_, c, _ := v.find(path[strings.LastIndex(path, "/")+1:])
	name := c.Text("bounds")
	if name == "" {
		return nil, nil
	}
	at, b, ok := v.find(name)
	if !ok || len(b.Shape) != 2 || b.Shape[0] != n || b.Shape[1] != 2 {
		in.s.notes = append(in.s.notes, fmt.Sprintf("%s: variable %s: its bounds %s are not there as %d x 2 numbers; %s", in.s.path, path, name, n, instead))
		return nil, nil
	}
	flat, err := in.f.ReadFloat64(at, nil, nil)
	if err != nil {
		return nil, err
	}
	out := make([][2]float64, n)
	for i := range out {
		out[i] = [2]float64{flat[2*i], flat[2*i+1]}
		if math.IsNaN(out[i][0]) || math.IsNaN(out[i][1]) {
			in.s.notes = append(in.s.notes, fmt.Sprintf("%s: variable %s: bounds of value %d are missing; %s", in.s.path, at, i, instead))
			return nil, nil
		}
	}
	return out, nil
}

// timeline reads and checks the times of a variable.
func (in *scanner) timeline(v scoped, l layout) (*timeline, error) {
	if l.timeAt == "" {
		return nil, nil
	}
	if t, ok := in.lines[l.timeAt]; ok {
		return t, nil
	}
	fail := func(format string, args ...any) error {
		return fmt.Errorf("%s: variable %s: %s", in.s.path, l.timeAt, fmt.Sprintf(format, args...))
	}
	if l.timeV.Time != nil && l.timeV.Time.Unit == "year" {
		if t, err := in.years(l); t != nil || err != nil {
			return t, err
		}
	}
	units, err := netcdf.ParseTimeUnits(l.timeV.Text("units"), l.timeV.Text("calendar"))
	if err != nil {
		return nil, fail("%s", strings.TrimPrefix(err.Error(), "netcdf: "))
	}
	x, err := in.f.ReadFloat64(l.timeAt, nil, nil)
	if err != nil {
		return nil, err
	}
	t := &timeline{calendar: units.Calendar, dates: make([]netcdf.Date, len(x))}
	for i, a := range x {
		if math.IsNaN(a) {
			return nil, fail("value %d is missing; a coordinate may miss none", i)
		}
		if t.dates[i], err = units.Date(a); err != nil {
			return nil, fail("value %d: %s", i, strings.TrimPrefix(err.Error(), "netcdf: "))
		}
		if i == 0 {
			continue
		}
		switch c := t.calendar.Compare(t.dates[i-1], t.dates[i]); {
		case c == 0:
			return nil, fail("values %d and %d are both %s; wanted each time once, as cdo -seltimestep or ncks -d leaves it", i-1, i, t.dates[i])
		case c > 0:
			return nil, fail("value %d is %s after %s; wanted ascending times, as cdo -sorttimestamp makes them", i, t.dates[i], t.dates[i-1])
		}
	}
	b, err := in.bounds(v, l.timeAt, len(x), "none are taken")
	if err != nil {
		return nil, err
	}
	for i := range b {
		first, err1 := units.Date(b[i][0])
		last, err2 := units.Date(b[i][1])
		if err1 != nil || err2 != nil || t.calendar.Compare(first, last) > 0 {
			in.s.notes = append(in.s.notes, fmt.Sprintf("%s: variable %s: bounds of value %d are no stretch of time; none are taken", in.s.path, l.timeAt, i))
			t.bounds = nil
			break
		}
		t.bounds = append(t.bounds, [2]netcdf.Date{first, last})
	}
	in.lines[l.timeAt] = t
	return t, nil
}

// years reads a time coordinate that counts years as they are; nil means that it
// does not.
func (in *scanner) years(l layout) (*timeline, error) {
	x, err := in.f.ReadFloat64(l.timeAt, nil, nil)
	if err != nil {
		return nil, err
	}
	dates, bounds, ok := netcdf.PlainYears(l.timeV, x)
	if !ok {
		return nil, nil
	}
	in.note("variable %s: has no units; its numbers are taken for years", l.timeAt)
	t := &timeline{calendar: l.timeV.Time.Calendar, dates: dates, bounds: bounds}
	in.lines[l.timeAt] = t
	return t, nil
}

func (in *scanner) note(format string, args ...any) {
	in.s.notes = append(in.s.notes, fmt.Sprintf(format, args...))
}
