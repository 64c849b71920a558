package pair

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/netcdf"
	"github.com/kiban-models/kiban/climate/store"
)

var steps = []field.Step{{Months: 1}, {Months: 12}, {Millis: day}, {Millis: day / 4}}

// random is an axis of a step: members, gaps, and stamps anywhere in their month,
// year or day.
func random(r *rand.Rand, name string, c netcdf.Calendar, s field.Step, members []string) Axis {
	a := Axis{Name: name, Calendar: c, Step: s}
	start, length := r.IntN(12), 20+r.IntN(40)
	for _, m := range members {
		from := len(a.Times)
		for k := start; k < start+length; k++ {
			if r.IntN(15) == 0 {
				continue
			}
			d := netcdf.Date{Year: 1999, Month: 1 + r.IntN(12), Day: 1 + r.IntN(28), Hour: r.IntN(24)}
			switch {
			case s.Months == 12:
				d.Year += k
			case s.Months == 1:
				d.Year, d.Month = 1999+k/12, 1+k%12
			default:
				first := c.Millis(netcdf.Date{Year: 2000, Month: 2, Day: 10}) // over the end of February
				d = c.At(first + int64(k)*s.Millis)
				if s.Millis == day {
					d.Hour = r.IntN(24)
				} else {
					d = c.At(c.Millis(d) + int64(r.IntN(401)-200)) // as float32 days round
				}
			}
			a.Times = append(a.Times, d)
		}
		a.Runs = append(a.Runs, store.Run{Member: m, From: from, To: len(a.Times)})
	}
	return a
}

// together tells, from the dates alone, whether two are of the same time: the
// test's own words.
func together(s field.Step, a, b netcdf.Date, ca, cb netcdf.Calendar) bool {
	switch {
	case s.Months == 12:
		return a.Year == b.Year
	case s.Months == 1:
		return a.Year == b.Year && a.Month == b.Month
	case s.Millis == day:
		return a.Year == b.Year && a.Month == b.Month && a.Day == b.Day
	}
	// Counted in a calendar that has all days of both.
	d := netcdf.AllLeap.Millis(a) - netcdf.AllLeap.Millis(b)
	return d > -1000 && d < 1000
}

func (a Axis) member(i int) string {
	for _, r := range a.Runs {
		if i >= r.From && i < r.To {
			return r.Member
		}
	}
	return "?"
}

// Pairs are just those records that are of the same time and belong together.
func TestMatch(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	western := []netcdf.Calendar{netcdf.Standard, netcdf.Proleptic, netcdf.NoLeap, netcdf.AllLeap}
	ensembles := [][2][]string{{{""}, {""}}, {{"r1"}, {""}}, {{"r1", "r2", "r3"}, {""}}, {{""}, {"r1", "r2"}}, {{"r1", "r2"}, {"r2", "r3", "r1"}}}
	pairs, refused := 0, 0
	for range 400 {
		s := steps[r.IntN(len(steps))]
		ca, cb := western[r.IntN(4)], western[r.IntN(4)]
		if s.Months > 0 && r.IntN(2) == 0 {
			ca = netcdf.Days360
		}
		e := ensembles[r.IntN(len(ensembles))]
		a, b := random(r, "in", ca, s, e[0]), random(r, "out", cb, s, e[1])
		all, err := Match(a, b)
		var want []Pair
		for j := range b.Times {
			for i := range a.Times {
				named := slices.Contains(e[0], e[1][0])
				if together(s, a.Times[i], b.Times[j], ca, cb) && (!named || a.member(i) == b.member(j)) {
					want = append(want, Pair{i, j})
				}
			}
		}
		if err != nil {
			if refused++; len(want) > 0 && !strings.Contains(err.Error(), "match in the years") {
				t.Fatal(err)
			}
			continue
		}
		got := slices.Clone(all)
		slices.SortFunc(got, func(x, y Pair) int {
			if x.Target != y.Target {
				return x.Target - y.Target
			}
			return x.Input - y.Input
		})
		if !slices.Equal(got, want) {
			t.Fatalf("%v, %s and %s, %v: %d pairs, wanted %d", s, ca, cb, e, len(got), len(want))
		}
		// The other way round it is the same pairs.
		back, err := Match(b, a)
		if err != nil || len(back) != len(all) {
			t.Fatal(len(back), len(all), err)
		}
		for _, p := range back {
			if !slices.Contains(all, Pair{p.Target, p.Input}) {
				t.Fatal("the other way round there is", p)
			}
		}
		pairs += len(all)
	}
	t.Log(pairs, "pairs,", refused, "refused")
	if pairs < 5000 || refused > 100 {
		t.Error("these data show little:", pairs, refused)
	}
}

func months(name string, year, n int, c netcdf.Calendar) Axis {
	a := Axis{Name: name, Calendar: c, Step: field.Step{Months: 1}}
	for i := range n {
		a.Times = append(a.Times, netcdf.Date{Year: year + i/12, Month: 1 + i%12, Day: 16})
	}
	return a
}

func TestRefusals(t *testing.T) {
	hours := func(name string, hour, every, n int, c netcdf.Calendar) Axis {
		a := Axis{Name: name, Calendar: c, Step: field.Step{Millis: int64(every) * 3_600_000}}
		for i := range n {
			a.Times = append(a.Times, c.At(c.Millis(netcdf.Date{Year: 2000, Month: 1, Day: 1, Hour: hour})+int64(i)*a.Step.Millis))
		}
		return a
	}
	runs := func(a Axis, names ...string) Axis {
		for i, m := range names {
			a.Runs = append(a.Runs, store.Run{Member: m, From: i * len(a.Times) / len(names), To: (i + 1) * len(a.Times) / len(names)})
		}
		return a
	}
	twice := months("fine", 2000, 12, netcdf.Standard)
	twice.Times[5].Month = 5
	gappy := months("fine", 2000, 24, netcdf.Standard)
	gappy.Step = field.Step{Months: 1}
	var some []netcdf.Date
	for i, d := range gappy.Times {
		if i%2 == 0 || i == 23 {
			some = append(some, d)
		}
	}
	odd := months("coarse", 2000, 24, netcdf.Standard)
	odd.Times = slices.DeleteFunc(odd.Times, func(d netcdf.Date) bool { return d.Month%2 == 1 && d.Month > 1 })
	gappy.Times = some
	for want, x := range map[string][2]Axis{
		"the one has 1900-01-16 00:00:00 to 1900-12-16 00:00:00, the other 2000-01-16": {months("coarse", 1900, 12, netcdf.NoLeap), months("fine", 2000, 12, netcdf.Standard)},
		"of the one are 1 month apart, those of the other 6 hours":                     {months("coarse", 2000, 12, netcdf.NoLeap), hours("fine", 0, 6, 40, netcdf.Standard)},
		"a day of the calendar 360_day is no day of standard":                          {hours("coarse", 0, 24, 40, netcdf.Days360), hours("fine", 0, 24, 40, netcdf.Standard)},
		"only 0 of 39 times match":                                                     {hours("coarse", 3, 6, 40, netcdf.Standard), hours("fine", 0, 6, 40, netcdf.Standard)},
		"none of the members r1 r2 is one of a b":                                      {runs(months("coarse", 2000, 24, netcdf.NoLeap), "r1", "r2"), runs(months("fine", 2000, 24, netcdf.NoLeap), "a", "b")},
		"2000-05-16 00:00:00 and 2000-05-16 00:00:00 are of the same time":             {months("coarse", 2000, 12, netcdf.NoLeap), twice},
		"only 3 of 13 times match in the years that both have; 2000-03-16 00:00:00":    {odd, gappy},
	} {
		_, err := Match(x[0], x[1])
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "fine") {
			t.Errorf("%v, wanted %q", err, want)
		}
	}
	// A part in common is enough, and a single time has no interval.
	if all, err := Match(months("in", 1950, 600, netcdf.NoLeap), months("out", 1990, 1200, netcdf.Days360)); err != nil || len(all) != 120 {
		t.Error(len(all), err)
	}
	one := months("in", 2000, 1, netcdf.Standard)
	one.Step = field.Step{}
	if all, err := Match(one, months("out", 1990, 1200, netcdf.Standard)); err != nil || len(all) != 1 || all[0] != (Pair{0, 120}) {
		t.Error(all, err)
	}
}
