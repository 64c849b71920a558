package pair

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/netcdf"
	"github.com/kiban-models/kiban/climate/store"
)

// scenario is a run for a test: its years but for those that are skipped.
type scenario struct {
	name, after string
	from, to    int
	skip        map[int]bool
	part        store.Part
}

func (s scenario) input(t *testing.T) store.Input {
	t.Helper()
	g, err := field.NewGrid([]float64{-45, 45}, []float64{0, 180}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	var times []netcdf.Date
	for y := s.from; y <= s.to; y++ {
		if !s.skip[y] {
			times = append(times, netcdf.Date{Year: y, Month: 7, Day: 1})
		}
	}
	values := make([]float32, 4*len(times))
	for i := range values {
		values[i] = float32(times[i/4].Year)
	}
	m, err := field.Memory(g, netcdf.Standard, times, []field.Channel{{Name: "CO2", Key: "CO2"}}, values)
	if err != nil {
		t.Fatal(err)
	}
	m.Step = field.Step{Months: 12}
	return store.Input{Member: s.name, Series: m, After: s.after, Part: s.part}
}

func prepared(t *testing.T, name string, all []scenario) *store.Store {
	t.Helper()
	o := store.Options{Out: filepath.Join(t.TempDir(), name)}
	for _, s := range all {
		o.Inputs = append(o.Inputs, s.input(t))
	}
	p, err := store.NewPlan(o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Write(context.Background()); err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(o.Out, store.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

// Histories are the n years up to a target, without a gap, of its scenario or of
// the one that it goes on from, and all of these there are.
func TestHistories(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	found, reached, refused := 0, 0, 0
	for round := range 40 {
		skip := func(from, to int) map[int]bool {
			out := map[int]bool{}
			for range r.IntN(3) {
				out[from+1+r.IntN(to-from-1)] = true
			}
			return out
		}
		// historical may reach into the scenarios, as some models' do.
		end := 2014 + r.IntN(4)
		inputs := []scenario{{name: "historical", from: 1990, to: end, skip: skip(1990, end)}, {name: "hist-GHG", from: 1990, to: 2014}}
		for i := range 3 {
			inputs = append(inputs, scenario{name: fmt.Sprint("ssp", i), after: "historical", from: 2015, to: 2030 + r.IntN(20), skip: skip(2015, 2030)})
		}
		targets := append([]scenario{}, inputs...)
		for i := range targets {
			targets[i].skip = skip(targets[i].from, targets[i].to)
		}
		n := 1 + r.IntN(12)
		in, out := prepared(t, "in", inputs), prepared(t, "out", targets)
		p, err := Stores(in, out)
		if err != nil {
			t.Fatal(err)
		}
		all, err := p.Histories(n)
		if err != nil {
			refused++
			continue
		}
		// In the test's own words: the years that inputs have.
		has := func(s scenario, year int) bool { return year >= s.from && year <= s.to && !s.skip[year] }
		want := map[string]bool{}
		for k, s := range inputs {
			for y := targets[k].from; y <= targets[k].to; y++ {
				if targets[k].skip[y] {
					continue
				}
				whole := true
				for back := range n {
					year := y - back
					if year >= s.from {
						whole = whole && has(s, year)
					} else {
						whole = whole && s.after != "" && has(inputs[0], year)
					}
				}
				if whole {
					want[fmt.Sprint(s.name, y)] = true
				}
			}
		}
		runs := in.Manifest().Time.Runs
		name := func(runs []store.Run, record int) string { return runs[runOf(runs, record)].Member }
		for _, h := range all {
			member, year := name(out.Manifest().Time.Runs, h.Target), out.Times()[h.Target].Year
			key := fmt.Sprint(member, year)
			if !want[key] || len(h.Inputs) != n {
				t.Fatalf("round %d: a history of %d for %s, which has none", round, len(h.Inputs), key)
			}
			delete(want, key)
			for i, record := range h.Inputs {
				of, wanted := name(runs, record), year-n+1+i
				if got := in.Times()[record].Year; got != wanted {
					t.Fatalf("%s: year %d of the history is %d, wanted %d", key, i, got, wanted)
				}
				if historical := strings.HasPrefix(member, "ssp") && wanted < 2015; of != member && !(historical && of == "historical") || historical && of != "historical" {
					t.Fatalf("%s: year %d is of %s", key, wanted, of)
				}
				if of != member {
					reached++
				}
			}
			found++
		}
		if len(want) > 0 {
			t.Fatalf("round %d: no histories of %d for %v", round, n, want)
		}
		// Of one store they are the same.
		alone := Histories(in, n)
		for _, h := range all {
			last := h.Inputs[n-1]
			if got := alone[last]; fmt.Sprint(got) != fmt.Sprint(h.Inputs) {
				t.Fatalf("record %d has %v alone and %v paired", last, got, h.Inputs)
			}
		}
	}
	t.Log(found, "histories,", reached, "years of them in what comes before;", refused, "refused")
	if found < 2000 || reached < 1000 {
		t.Error("these show little")
	}
}

func TestHistoryRefusals(t *testing.T) {
	hist := scenario{name: "historical", from: 2000, to: 2014}
	ssp := func(name string, part store.Part) scenario {
		return scenario{name: name, after: "historical", from: 2015, to: 2020, part: part}
	}
	in := prepared(t, "in", []scenario{hist, ssp("ssp126", ""), ssp("ssp245", "")})
	for _, x := range []struct {
		n    int
		want string
		of   []scenario
	}{
		{3, `the second has "ssp370", of which the first has nothing: it has historical ssp126 ssp245`, []scenario{hist, ssp("ssp126", ""), ssp("ssp370", "")}},
		{22, "a history of 22 records, each 1 year after the one before, is longer than any of the first up to a time of the second, which have at most 21", []scenario{hist, ssp("ssp126", "")}},
		{0, "a history of 0 records", []scenario{hist}},
		{3, `2015-07-01 00:00:00 of "ssp245" is for test in the second and to train on in the first`, []scenario{hist, ssp("ssp245", store.Test)}},
	} {
		p, err := Stores(in, prepared(t, "out", x.of))
		if err == nil {
			_, err = p.Histories(x.n)
		}
		if err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%v, wanted %s", err, x.want)
		}
	}
	if all := Histories(in, 22); len(all) != in.Len() || all[0] != nil {
		t.Error(all)
	}
}
