package pair_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/netcdf"
	"github.com/kiban-models/kiban/climate/pair"
	"github.com/kiban-models/kiban/climate/store"
)

// member is months counted from January 2000.
type member struct {
	name    string
	from, n int
	without []int
}

func prepared(t *testing.T, c netcdf.Calendar, split store.Split, all ...member) *store.Store {
	t.Helper()
	g, err := field.NewGrid([]float64{-45, 45}, []float64{0, 90, 180, 270}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	o := store.Options{Out: filepath.Join(t.TempDir(), "data"), Split: split}
	for _, m := range all {
		var times []netcdf.Date
		for k := m.from; k < m.from+m.n; k++ {
			if !slices.Contains(m.without, k) {
				times = append(times, netcdf.Date{Year: 2000 + k/12, Month: 1 + k%12, Day: 1 + k%28})
			}
		}
		s, err := field.Memory(g, c, times, []field.Channel{{Name: "tas", Key: "2m_temperature", Units: "K"}}, make([]float32, len(times)*g.Size()))
		if err != nil {
			t.Fatal(err)
		}
		o.Inputs = append(o.Inputs, store.Input{Member: m.name, Series: s})
	}
	p, err := store.NewPlan(o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Write(t.Context()); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(o.Out, store.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// TestStretches: none goes over a gap of either store, from one member to the
// next, or over the border of the target's split; all pairs are in one.
func TestStretches(t *testing.T) {
	split := store.Split{Test: store.Years{From: 2003, To: 2003}}
	in := prepared(t, netcdf.Days360, split, member{"r1", 0, 48, []int{7}}, member{"r2", 3, 45, nil})
	out := prepared(t, netcdf.Standard, split, member{"", 2, 46, []int{20, 21, 30}})
	p, err := pair.Stores(in, out)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.All) != (46-3-1)+(45-3) {
		t.Errorf("%d pairs", len(p.All))
	}
	stretches, err := p.Records().Stretches()
	if err != nil {
		t.Fatal(err)
	}
	month := func(d netcdf.Date) int { return 12*(d.Year-2000) + d.Month - 1 }
	run := func(record int) int {
		return slices.IndexFunc(in.Manifest().Time.Runs, func(r store.Run) bool { return record >= r.From && record < r.To })
	}
	held := 0
	for _, s := range stretches {
		held += s.To - s.From
		for i := s.From; i < s.To; i++ {
			x := p.All[i]
			a, b := month(in.Times()[x.Input]), month(out.Times()[x.Target])
			if a != b || string(out.Part(x.Target)) != s.Part || p.Part(i) != out.Part(x.Target) {
				t.Fatalf("pair %d of months %d and %d, of part %s in %s", i, a, b, out.Part(x.Target), s.Part)
			}
			if i > s.From && (b != month(out.Times()[p.All[i-1].Target])+1 || run(x.Input) != run(p.All[i-1].Input)) {
				t.Fatalf("pair %d of month %d does not follow the one before", i, b)
			}
		}
	}
	// r1: 2-6, 8-19, 22-29, 31-35 | 36-47; r2 likewise without the gap at 7.
	if held != len(p.All) || len(stretches) != 5+4 {
		t.Errorf("%d of %d pairs in %d stretches", held, len(p.All), len(stretches))
	}
}

// TestYearsAside refuses an input whose statistics know the target's test years.
func TestYearsAside(t *testing.T) {
	in := prepared(t, netcdf.Standard, store.Split{}, member{"", 0, 48, nil})
	out := prepared(t, netcdf.Standard, store.Split{Test: store.Years{From: 2002, To: 2003}}, member{"", 0, 48, nil})
	_, err := pair.Stores(in, out)
	if err == nil || !strings.Contains(err.Error(), "2002/2003 are test years") || !strings.Contains(err.Error(), in.Dir()) || !strings.Contains(err.Error(), out.Dir()) {
		t.Error(err)
	}
	if _, err := pair.Stores(out, in); err != nil {
		t.Error(err)
	}
}
