package store

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/netcdf"
	"github.com/kiban-models/kiban/climate/regrid"
	"github.com/kiban-models/kiban/climate/stats"
)

// world is a global grid of rows x 2 rows; north says which row is first.
func world(t testing.TB, rows int, north bool) *field.Grid {
	t.Helper()
	g, err := regrid.ParseTarget(fmt.Sprintf("%dx%d", rows, 2*rows))
	if err != nil {
		t.Fatal(err)
	}
	if north {
		lat := slices.Clone(g.Lat)
		slices.Reverse(lat)
		if g, err = field.NewGrid(lat, g.Lon, nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	return g
}

// every counts times from a date, step hours apart.
func every(c netcdf.Calendar, first netcdf.Date, hours, n int) []netcdf.Date {
	out := make([]netcdf.Date, n)
	for i := range out {
		out[i] = c.At(c.Millis(first) + int64(i*hours)*3_600_000)
	}
	return out
}

var someChannels = []field.Channel{
	{Name: "tas", Key: "2m_temperature", Units: "K"},
	{Name: "zg", Key: "geopotential_500", Units: "m2 s-2", Level: 50000},
	{Name: "orog", Key: "orography", Units: "m", Constant: true},
}

// series is of random values, the constant channel the same at all times, some
// values missing.
func series(t testing.TB, rnd *rand.Rand, g *field.Grid, c netcdf.Calendar, times []netcdf.Date) (*field.Series, []float32) {
	t.Helper()
	n := g.Size()
	x := make([]float32, len(times)*len(someChannels)*n)
	for i := range x {
		switch channel := i / n % len(someChannels); channel {
		case 2:
			x[i] = float32(i % n)
		case 1:
			x[i] = float32(50000 + 3000*rnd.NormFloat64())
		default:
			x[i] = float32(280 + 10*rnd.NormFloat64())
			if rnd.IntN(20) == 0 {
				x[i] = float32(math.NaN())
			}
		}
	}
	s, err := field.Memory(g, c, times, someChannels, x)
	if err != nil {
		t.Fatal(err)
	}
	return s, x
}

func prepare(t testing.TB, o Options) *Store {
	t.Helper()
	p, err := NewPlan(o)
	if err != nil {
		t.Fatal(err)
	}
	m, err := p.Write(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(o.Out, OpenOptions{Verify: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if m.Records != s.Len() {
		t.Errorf("Write says %d records, there are %d", m.Records, s.Len())
	}
	return s
}

func same(a, b float32) bool { return a == b || a != a && b != b }

// What a batch holds is what the series holds, brought to the grid of the store
// and normalised, bit for bit: for random grids, channels, members, shards,
// regions and batches.
func TestBatchesEqualTheSource(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for round := range 12 {
		g := world(t, 4+rnd.IntN(5), rnd.IntN(2) == 0)
		c := []netcdf.Calendar{netcdf.Standard, netcdf.NoLeap, netcdf.Days360}[rnd.IntN(3)]
		o := Options{Out: filepath.Join(t.TempDir(), "data"), ShardBytes: int64(1 + rnd.IntN(40000)), Latitude: rnd.IntN(2) == 0, MinValid: 0.5}
		var sources [][]float32
		var counts []int
		for member := range 1 + rnd.IntN(3) {
			n := 30 + rnd.IntN(40)
			s, x := series(t, rnd, g, c, every(c, netcdf.Date{Year: 2000 + rnd.IntN(3), Month: 1, Day: 1}, 6*(1+round%3), n))
			o.Inputs = append(o.Inputs, Input{Member: fmt.Sprintf("r%di1p1f1", member+1), Series: s})
			sources, counts = append(sources, x), append(counts, n)
		}
		if rnd.IntN(2) == 0 {
			o.Target = world(t, 3+rnd.IntN(6), false)
			o.Method = []regrid.Method{regrid.Bilinear, regrid.Conservative, regrid.Nearest}[rnd.IntN(3)]
		}
		if rnd.IntN(2) == 0 {
			r, err := field.ParseRegion("-40,130,-50,60", "")
			if err != nil {
				t.Fatal(err)
			}
			o.Region = &r
		}
		s := prepare(t, o)

		// The same once more, by other means: one field at a time.
		whole := g
		if o.Target != nil {
			whole = o.Target
		}
		onto := func(x []float32) []float32 {
			y := make([]float32, whole.Size())
			if whole == g {
				copy(y, x)
			} else {
				w, err := regrid.New(g, whole, o.Method)
				if err == nil {
					err = w.Apply(y, x, 0.5)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			var out []float32
			for i, v := range y {
				if o.Region == nil || o.Region.Contains(whole.Lat[i/len(whole.Lon)], whole.Lon[i%len(whole.Lon)]) {
					out = append(out, v)
				}
			}
			return out
		}
		names := []string{"orography", "geopotential_500", "tas"}
		places := []int{2, 1, 0}
		sel, err := s.Select(names, nil)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := s.Select(names, []Norm{{0, 1}, {0, 1}, {0, 1}})
		if err != nil {
			t.Fatal(err)
		}
		records := []int{rnd.IntN(s.Len()), rnd.IntN(s.Len()), s.Len() - 1, 0}
		got, plain := make([]float32, len(records)*sel.Size()), make([]float32, len(records)*sel.Size())
		if err := errors.Join(sel.Read(got, records), raw.Read(plain, records)); err != nil {
			t.Fatal(err)
		}
		cells := s.Grid().Size()
		for b, r := range records {
			member := 0
			for r >= counts[member] {
				r -= counts[member]
				member++
			}
			for k, place := range places {
				want := onto(sources[member][(r*len(someChannels)+place)*g.Size():][:g.Size()])
				if o.Region != nil && len(s.Grid().Lon) > 1 && g.Lon[0] == 0 {
					want = turned(s.Grid(), want)
				}
				at, err := s.Channel(names[k])
				if err != nil {
					t.Fatal(err)
				}
				ch := s.Channels()[at]
				for i := range cells {
					j := (b*len(places)+k)*cells + i
					if place == 2 && member > 0 { // the first member's
						continue
					}
					if normal := float32((float64(want[i]) - ch.Mean) * (1 / ch.Std)); !same(plain[j], want[i]) || !same(got[j], normal) {
						t.Fatalf("round %d, record %d, %s, cell %d: %v and %v, want %v and %v", round, r, names[k], i, plain[j], got[j], want[i], normal)
					}
				}
			}
		}
		back := slices.Clone(got[:sel.Size()])
		if err := sel.Restore(back); err != nil {
			t.Fatal(err)
		}
		for i, v := range back {
			if w := plain[i]; !same(v, w) && !(math.Abs(float64(v-w)) <= 2e-6*math.Abs(float64(w))+1e-4) {
				t.Fatalf("restored %v, was %v", v, w)
			}
		}
	}
}

// turned puts columns, picked from west to east of a file that begins at
// Greenwich, into the order of a grid that crosses it.
func turned(g *field.Grid, x []float32) []float32 {
	n := len(g.Lon)
	west := 0
	for _, lon := range g.Lon {
		if lon < 0 {
			west++
		}
	}
	out := make([]float32, 0, len(x))
	for r := range len(x) / n {
		row := x[r*n:][:n]
		out = append(append(out, row[n-west:]...), row[:n-west]...)
	}
	return out
}

// stretches are the records that windows of a part lie within.
func stretches(t *testing.T, s *Store, p Part) [][2]int {
	t.Helper()
	all, err := s.Records().Stretches()
	if err != nil {
		t.Fatal(err)
	}
	var out [][2]int
	for _, x := range all {
		if x.Part == string(p) {
			out = append(out, [2]int{x.From, x.To})
		}
	}
	return out
}

func TestStretches(t *testing.T) {
	g := world(t, 4, false)
	c := netcdf.Standard
	times := every(c, netcdf.Date{Year: 1999, Month: 12, Day: 30}, 24, 800) // two leap days are near: 2000 has one
	times = slices.Delete(times, 100, 103)
	s, _ := series(t, rand.New(rand.NewPCG(1, 1)), g, c, times)
	for _, x := range []struct {
		leap LeapDays
		n    int
		want string
	}{
		{KeepLeapDays, 797, "[[0 100] [100 365]] [[365 730]]"},
		{DropFebruary29, 796, "[[0 61] [61 99] [99 364]] [[364 729]]"},
		{DropAsPublished, 796, "[[0 100] [100 364]] [[364 729]]"},
	} {
		st := prepare(t, Options{Inputs: []Input{{Member: "", Series: s}}, Out: filepath.Join(t.TempDir(), "d"), LeapDays: x.leap,
			Split: Split{Train: Years{1999, 2000}, Validation: Years{2001, 2001}}})
		if got := fmt.Sprint(stretches(t, st, Train), stretches(t, st, Validation)); got != x.want || st.Len() != x.n {
			t.Errorf("%s: %d records, %s, want %d, %s", x.leap, st.Len(), got, x.n, x.want)
		}
		if x.leap == DropFebruary29 && !slices.Contains(st.Manifest().Conversions, "left out 1 times of the 29th of February") {
			t.Error(st.Manifest().Conversions)
		}
		for i, d := range st.Times() {
			if x.leap == KeepLeapDays && d != times[i] {
				t.Fatalf("time %d is %s, want %s", i, d, times[i])
			}
			if x.leap == DropAsPublished && d.Year == 2000 && d.Month == 12 && d.Day == 31 {
				t.Error("the last day of 2000 is there")
			}
		}
	}
}

// Two members on the same times are two runs, and nothing crosses from one to
// the other.
func TestMembers(t *testing.T) {
	st := prepare(t, resumeOptions(t, filepath.Join(t.TempDir(), "d")))
	if got := fmt.Sprint(stretches(t, st, Train), stretches(t, st, Validation), stretches(t, st, Test)); got != "[[0 365] [500 865]] [[365 500] [865 900]] []" {
		t.Error(got)
	}
	for i, r := range st.Manifest().Time.Runs {
		if want := []Run{{Member: "r1", To: 500}, {Member: "r2", From: 500, To: 900}}[i]; r != want {
			t.Errorf("%v, want %v", r, want)
		}
	}
}

// Only training years have a part in the statistics, each value once; as
// published, only the last of them in those of a variable on levels.
func TestStatistics(t *testing.T) {
	g := world(t, 4, false)
	c := netcdf.NoLeap
	s, x := series(t, rand.New(rand.NewPCG(9, 9)), g, c, every(c, netcdf.Date{Year: 2000, Month: 1, Day: 1}, 24*5, 73*4))
	n := g.Size()
	moments := func(channel, from, to int) (mean, std float64) {
		sum, squares, k := 0.0, 0.0, 0.0
		for r := from; r < to; r++ {
			for _, v := range x[(r*3+channel)*n:][:n] {
				if v == v {
					sum += float64(v)
					k++
				}
			}
		}
		for r := from; r < to; r++ {
			for _, v := range x[(r*3+channel)*n:][:n] {
				if v == v {
					squares += (float64(v) - sum/k) * (float64(v) - sum/k)
				}
			}
		}
		return sum / k, math.Sqrt(squares / k)
	}
	near := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 1e-12*math.Abs(want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	split := Split{Train: Years{2000, 2001}, Test: Years{2003, 2003}}
	st := prepare(t, Options{Inputs: []Input{{Member: "", Series: s}}, Out: filepath.Join(t.TempDir(), "d"), Split: split})
	for channel := range 2 {
		mean, std := moments(channel, 0, 146)
		near("mean", st.Channels()[channel].Mean, mean)
		near("deviation", st.Channels()[channel].Std, std)
	}
	near("static mean", st.Channels()[2].Mean, float64(n-1)/2)
	if a, z := st.Channels()[0], st.Channels()[1]; a.Mask != VaryingMask || a.Missing == 0 || z.Mask != NoMask || z.Missing != 0 {
		t.Errorf("masks %+v, %+v", a, z)
	}
	if p := []Part{st.Part(0), st.Part(145), st.Part(146), st.Part(219)}; fmt.Sprint(p) != "[train train  test]" {
		t.Error(p)
	}

	st = prepare(t, Options{Inputs: []Input{{Member: "", Series: s}}, Out: filepath.Join(t.TempDir(), "d"), Split: split, Statistics: stats.AsPublished})
	mean, std := moments(1, 73, 146)
	near("published mean on a level", st.Channels()[1].Mean, mean)
	near("published deviation on a level", st.Channels()[1].Std, std)
	a, sa := moments(0, 0, 73)
	b, sb := moments(0, 73, 146)
	near("published mean", st.Channels()[0].Mean, (a+b)/2)
	near("published deviation", st.Channels()[0].Std, math.Sqrt((sa*sa+sb*sb)/2+(a-b)*(a-b)/4))
}

func TestReadDoesNotAllocate(t *testing.T) {
	st := prepare(t, resumeOptions(t, filepath.Join(t.TempDir(), "d")))
	sel, err := st.Select([]string{"2m_temperature", "orography"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	records := []int{5, 700, 12}
	dst := make([]float32, len(records)*sel.Size())
	if n := testing.AllocsPerRun(20, func() {
		if err := sel.Read(dst, records); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Whatever is cut off, exchanged or left out, the store is refused with the name
// of the file.
func TestDamage(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	if err := prepare(t, resumeOptions(t, dir)).Close(); err != nil {
		t.Fatal(err)
	}
	replace := func(old, new string) func(b []byte) []byte {
		return func(b []byte) []byte {
			if !strings.Contains(string(b), old) {
				t.Errorf("no %q in it", old)
			}
			return []byte(strings.Replace(string(b), old, new, 1))
		}
	}
	for _, x := range []struct {
		name   string
		change func(b []byte) []byte
		want   string
	}{
		{"fields-00003.bin", func(b []byte) []byte { return b[:len(b)-4] }, "want 36864; the file is damaged or incomplete"},
		{"fields-00003.bin", func(b []byte) []byte { return nil }, "is 0 bytes long"},
		{"fields-00003.bin", func(b []byte) []byte { b[77] ^= 1; return b }, "SHA-256 is"},
		{"static.bin", func(b []byte) []byte { return append(b, 0) }, "bytes long"},
		{"manifest.json", func(b []byte) []byte { return b[:len(b)/2] }, "unexpected end of JSON input; prepare the data again"},
		{"manifest.json", replace(`"version": 1`, `"version": 2`), "version 2, want"},
		{"manifest.json", replace(`"records": 64`, `"records": 63`), "shards hold 899 records, want 900"},
		{"manifest.json", replace(`fields-00001.bin`, `../fields-00001.bin`), "is not a plain file name"},
		{"manifest.json", replace(`"to": 500`, `"to": 400`), "want from 400"},
		{"manifest.json", replace(`"key": "geopotential_500"`, `"key": "2m_temperature"`), "is there twice"},
		{"manifest.json", replace(`"units": "days since`, `"units": "fortnights since`), `time unit "fortnights"`},
	} {
		path := filepath.Join(dir, x.name)
		old, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, x.change(slices.Clone(old)), 0o666); err != nil {
			t.Fatal(err)
		}
		if s, err := Open(dir, OpenOptions{Verify: true}); err == nil || !strings.Contains(err.Error(), x.want) || !strings.Contains(err.Error(), x.name) {
			t.Errorf("%s: %v, want %s", x.name, err, x.want)
			if s != nil {
				s.Close()
			}
		}
		if err := os.WriteFile(path, old, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(filepath.Join(dir, "manifest.json")); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, OpenOptions{}); err == nil || !strings.Contains(err.Error(), "no manifest.json in it; name a directory that prepare has written") {
		t.Error(err)
	}
}

func TestPlanRefuses(t *testing.T) {
	g := world(t, 4, false)
	c := netcdf.NoLeap
	rnd := rand.New(rand.NewPCG(1, 1))
	make1 := func(g *field.Grid, c netcdf.Calendar, hours int) *field.Series {
		s, _ := series(t, rnd, g, c, every(c, netcdf.Date{Year: 2000, Month: 1, Day: 1}, hours, 40))
		return s
	}
	base := make1(g, c, 24)
	other := *base
	other.Channels = slices.Clone(base.Channels)
	other.Channels[1].Units = "m"
	fewer := *base
	fewer.Channels = base.Channels[:1]
	fixed := *base
	fixed.Channels = []field.Channel{someChannels[2]}
	europe := field.Region{Name: "x", Boxes: []field.Box{{West: 1, East: 2, South: 1, North: 2}}}
	small, err := field.NewGrid([]float64{10, 12}, []float64{20, 22}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for want, o := range map[string]Options{
		"mixed calendars: 360_day, and noleap in member a":                          {Inputs: []Input{{Member: "a", Series: base}, {Member: "b", Series: make1(g, netcdf.Days360, 24)}}},
		"mixed grids: 4 and 8 values of latitude":                                   {Inputs: []Input{{Member: "a", Series: base}, {Member: "b", Series: make1(world(t, 8, false), c, 24)}}},
		"are 6 hours apart, those of member a 1 day":                                {Inputs: []Input{{Member: "a", Series: base}, {Member: "b", Series: make1(g, c, 6)}}},
		"zg@500 is in m, in member a in m2 s-2":                                     {Inputs: []Input{{Member: "a", Series: base}, {Member: "b", Series: &other}}},
		"has 1 variables and levels, member a 3":                                    {Inputs: []Input{{Member: "a", Series: base}, {Member: "b", Series: &fewer}}},
		`member "a" is there twice`:                                                 {Inputs: []Input{{Member: "a", Series: base}, {Member: "a", Series: base}}},
		"none of the variables changes in time: orog":                               {Inputs: []Input{{Member: "a", Series: &fixed}}},
		"train years 1990/1995 have no time in the data, which have 2000":           {Inputs: []Input{{Member: "a", Series: base}}, Split: Split{Train: Years{1990, 1995}}},
		"no years are left to train on before those of validation (2000)":           {Inputs: []Input{{Member: "a", Series: base}}, Split: Split{Validation: Years{2000, 2000}}},
		"train years 1990/2000 and test years 2000/2005 have 2000 in common":        {Inputs: []Input{{Member: "a", Series: base}}, Split: Split{Train: Years{1990, 2000}, Test: Years{2000, 2005}}},
		"no cell has its centre in":                                                 {Inputs: []Input{{Member: "a", Series: base}}, Region: &europe},
		"the data do not reach any of the 4 cells of the grid; they have latitudes": {Inputs: []Input{{Member: "a", Series: &field.Series{Grid: small, Channels: base.Channels, Calendar: c, Times: base.Times}}}, Target: farGrid(t)},
		`leap days: "no" is unknown; wanted keep or feb-29 or as-published`:         {Inputs: []Input{{Member: "a", Series: base}}, LeapDays: "no"},
		"no series given": {},
	} {
		o.Out = filepath.Join(t.TempDir(), "d")
		if _, err := NewPlan(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func farGrid(t *testing.T) *field.Grid {
	g, err := field.NewGrid([]float64{-40, -38}, []float64{120, 122}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// A field without a value is an error that says which and when, or a gap.
func TestEmptyFields(t *testing.T) {
	g := world(t, 4, false)
	times := every(netcdf.NoLeap, netcdf.Date{Year: 2000, Month: 1, Day: 1}, 24, 30)
	s, x := series(t, rand.New(rand.NewPCG(2, 2)), g, netcdf.NoLeap, times)
	for _, r := range []int{7, 8, 29} {
		for i := range g.Size() {
			x[(r*3+1)*g.Size()+i] = float32(math.NaN())
		}
	}
	o := Options{Inputs: []Input{{Member: "", Series: s}}, Out: filepath.Join(t.TempDir(), "d"), ShardBytes: 5 * 4 * 2 * 32}
	p, err := NewPlan(o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Write(t.Context()); err == nil || !strings.Contains(err.Error(), "variable zg@500 has no value at time 7 (2000-01-08 00:00:00)") {
		t.Error(err)
	}
	if entries, _ := os.ReadDir(filepath.Dir(o.Out)); len(entries) != 0 {
		t.Errorf("left behind: %v", entries)
	}
	o.Empty = DropEmpty
	st := prepare(t, o)
	if got := fmt.Sprint(st.Len(), stretches(t, st, Train), st.Manifest().Time.Gaps); got != "27 [[0 7] [7 27]] [7]" {
		t.Error(got)
	}
	if !slices.Contains(st.Manifest().Conversions, "left out 3 times at which a variable has no value") {
		t.Error(st.Manifest().Conversions)
	}
	y := make([]float32, g.Size())
	if err := st.Field(y, 7, 1); err != nil {
		t.Fatal(err)
	}
	if want := x[(9*3+1)*g.Size():][:g.Size()]; !slices.Equal(y, want) || st.Times()[7] != times[9] {
		t.Error("record 7 is not that of day 10")
	}
}

func TestTogether(t *testing.T) {
	dir := t.TempDir()
	g := world(t, 4, false)
	rnd := rand.New(rand.NewPCG(1, 1))
	times := every(netcdf.NoLeap, netcdf.Date{Year: 2000, Month: 1, Day: 1}, 24, 30)
	a, _ := series(t, rnd, g, netcdf.NoLeap, times)
	channels := []field.Channel{{Name: "pr", Key: "precipitation_flux", Units: "kg m-2 s-1"}, {Name: "tas", Key: "2m_temperature", Units: "K"}}
	x := make([]float32, 10*2*g.Size())
	for i := range x {
		x[i] = float32(i % 17)
	}
	b, err := field.Memory(g, netcdf.Days360, every(netcdf.Days360, netcdf.Date{Year: 1, Month: 1, Day: 30}, 6, 10), channels, x)
	if err != nil {
		t.Fatal(err)
	}
	one, two := filepath.Join(dir, "one"), filepath.Join(dir, "two")
	prepare(t, Options{Inputs: []Input{{Member: "", Series: a}}, Out: one})
	prepare(t, Options{Inputs: []Input{{Member: "", Series: b}}, Out: two})
	set, err := Together([]string{one, two}, OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	if got := fmt.Sprint(set.Variables, set.Index(0), set.Index(1)); got != "[2m_temperature geopotential_500 orography precipitation_flux] [0 1 2] [3 0]" {
		t.Error(got)
	}
	three := filepath.Join(dir, "three")
	prepare(t, Options{Inputs: []Input{{Member: "", Series: b}}, Out: three, Target: world(t, 6, false)})
	if _, err := Together([]string{one, three}, OpenOptions{}); err == nil || !strings.Contains(err.Error(), "mixed grids: 4 and 6 values of latitude; prepare them with the same --grid") {
		t.Error(err)
	}
	channels[1].Units = "degC"
	four := filepath.Join(dir, "four")
	prepare(t, Options{Inputs: []Input{{Member: "", Series: b}}, Out: four})
	if _, err := Together([]string{one, four}, OpenOptions{}); err == nil || !strings.Contains(err.Error(), "variable 2m_temperature is in degC, in K in ") {
		t.Error(err)
	}
}

func TestTimesAreKept(t *testing.T) {
	at := func(y, m, d, hour, minute, second, millis int) netcdf.Date {
		return netcdf.Date{Year: y, Month: m, Day: d, Hour: hour, Minute: minute, Second: second, Millisecond: millis}
	}
	for _, x := range []struct {
		c     netcdf.Calendar
		dates []netcdf.Date
		units string
	}{
		{netcdf.Days360, []netcdf.Date{at(2000, 2, 30, 0, 0, 0, 0), at(2000, 3, 1, 0, 0, 0, 0)}, "days since 2000-02-30 00:00:00"},
		{netcdf.Standard, []netcdf.Date{at(1582, 10, 4, 12, 0, 0, 0), at(1582, 10, 15, 12, 0, 0, 0)}, "hours since 1582-10-04 00:00:00"},
		{netcdf.NoLeap, []netcdf.Date{at(1, 1, 1, 0, 0, 0, 250), at(9999, 12, 31, 23, 59, 59, 999)}, "milliseconds since 0001-01-01 00:00:00"},
		{netcdf.Standard, []netcdf.Date{at(1982, 1, 16, 20, 0, 0, 0), at(1982, 2, 16, 6, 30, 0, 0)}, "minutes since 1982-01-16 00:00:00"},
	} {
		units, values := encodeTimes(x.c, x.dates)
		got, err := Time{Calendar: x.c, Units: units, Values: values}.Dates()
		if err != nil || units != x.units || !slices.Equal(got, x.dates) {
			t.Errorf("%v: %s, %v, %v", x.dates, units, got, err)
		}
	}
}

func FuzzManifest(f *testing.F) {
	dir := filepath.Join(f.TempDir(), "d")
	prepare(f, resumeOptions(f, dir))
	b, err := os.ReadFile(filepath.Join(dir, ManifestFile))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"format":"kiban-fields","version":1,"records":9223372036854775807,"channels":[{"key":"a"}],"grid":{"lat":[0],"lon":[0],"lat_bounds":[[0,1]],"lon_bounds":[[0,1]]}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, ManifestFile), b, 0o666); err != nil {
			t.Fatal(err)
		}
		if s, err := Open(dir, OpenOptions{}); err == nil {
			s.Close()
			t.Error("a manifest without its files opens")
		}
	})
}
