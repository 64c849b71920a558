package pair

import (
	"fmt"
	"strings"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/netcdf"
	"github.com/kiban-models/kiban/climate/store"
)

// Axis is when the records of some data are.
type Axis struct {
	Name     string // in errors
	Calendar netcdf.Calendar
	Step     field.Step
	Times    []netcdf.Date
	Runs     []store.Run // of members, in which times ascend; nil means a single one
}

// Pair are two records of the same time.
type Pair struct{ Input, Target int }

// Match pairs the records of two axes, member by member of the target and within
// such in order. Members of the same name belong together; all belong with those
// of an axis that has a single member of another name.
//
// It is an error if the intervals differ, if the calendars have days that are
// not the same, or if less than half of the times match in the years that both
// have.
func Match(input, target Axis) ([]Pair, error) {
	both := fmt.Sprintf("%s and %s", input.Name, target.Name)
	step, err := common(input, target)
	if err != nil {
		return nil, err
	}
	if step.Months == 0 && !sameDays(input.Calendar, target.Calendar) {
		return nil, fmt.Errorf("%s: a day of the calendar %s is no day of %s; pair months, which cdo monmean makes of days", both, input.Calendar, target.Calendar)
	}
	runs, err := members(input, target)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", both, err)
	}
	var all []Pair
	missed := missing{}
	for _, r := range runs {
		of := map[netcdf.Date]int{}
		for i := r[0].From; i < r[0].To; i++ {
			m := moment(input.Calendar, step, input.Times[i])
			if j, twice := of[m]; twice {
				return nil, twiceIn(input, step, j, i)
			}
			of[m] = i
		}
		before := netcdf.Date{}
		for i := r[1].From; i < r[1].To; i++ {
			m := moment(target.Calendar, step, target.Times[i])
			if i > r[1].From && m == before {
				return nil, twiceIn(target, step, i-1, i)
			}
			before = m
			if at, ok := of[m]; ok {
				all = append(all, Pair{at, i})
			}
		}
		missed.count(input, target, step, r, of)
	}
	if len(all) == 0 && missed.possible == 0 {
		return nil, fmt.Errorf("%s: have no time in common: the one has %s, the other %s; prepare both for the same years", both, input.span(), target.span())
	}
	if 2*len(all) < missed.possible {
		return nil, fmt.Errorf("%s: only %d of %d times match in the years that both have; %s of %s has no partner: take both from data with the same times of day and no gaps",
			both, len(all), missed.possible, missed.first, target.Name)
	}
	return all, nil
}

// common is the interval of both. A single time has none and takes the other's.
func common(input, target Axis) (field.Step, error) {
	a, b := input.Step, target.Step
	switch {
	case a == b || b == field.Step{}:
		return a, nil
	case a == field.Step{}:
		return b, nil
	}
	means := "averages of one interval, as cdo monmean, daymean and yearmean make"
	return a, fmt.Errorf("%s and %s: the times of the one are %s apart, those of the other %s; pair data of one interval, such as %s", input.Name, target.Name, a, b, means)
}

// members are the runs that belong together.
func members(input, target Axis) (both [][2]store.Run, err error) {
	whole := func(a Axis) []store.Run {
		if a.Runs == nil {
			return []store.Run{{To: len(a.Times)}}
		}
		return a.Runs
	}
	in, out := whole(input), whole(target)
	for _, t := range out {
		for _, i := range in {
			if i.Member == t.Member {
				both = append(both, [2]store.Run{i, t})
			}
		}
	}
	if len(both) > 0 {
		return both, nil
	}
	if len(in) > 1 && len(out) > 1 {
		return nil, fmt.Errorf("none of the members %s is one of %s; prepare the same --members of both, or one of one of them", names(in), names(out))
	}
	for _, t := range out {
		for _, i := range in {
			both = append(both, [2]store.Run{i, t})
		}
	}
	return both, nil
}

func names(runs []store.Run) string {
	var all []string
	for _, r := range runs {
		all = append(all, r.Member)
	}
	return strings.Join(all, " ")
}

func twiceIn(a Axis, step field.Step, i, j int) error {
	return fmt.Errorf("%s: %s and %s are of the same time, its interval being %s; prepare data with one record of each", a.Name, a.Times[i], a.Times[j], step)
}

// span is the first and the last time, for people.
func (a Axis) span() string {
	first, last := a.Times[0], a.Times[0]
	for _, d := range a.Times {
		if a.Calendar.Compare(d, first) < 0 {
			first = d
		}
		if a.Calendar.Compare(d, last) > 0 {
			last = d
		}
	}
	return fmt.Sprintf("%s to %s", first, last)
}

// missing counts what could have matched: the times of the one that has fewer in
// the span that both have.
type missing struct {
	possible int
	first    netcdf.Date // of the target without a partner
	any      bool
}

func (m *missing) count(input, target Axis, step field.Step, runs [2]store.Run, of map[netcdf.Date]int) {
	x, y := input.Times[runs[0].From:runs[0].To], target.Times[runs[1].From:runs[1].To]
	in := func(d netcdf.Date) netcdf.Date { return moment(input.Calendar, step, d) }
	out := func(d netcdf.Date) netcdf.Date { return moment(target.Calendar, step, d) }
	from, to := in(x[0]), in(x[len(x)-1])
	if first := out(y[0]); compare(from, first) < 0 {
		from = first
	}
	if last := out(y[len(y)-1]); compare(last, to) < 0 {
		to = last
	}
	within := func(d netcdf.Date) bool { return compare(d, from) >= 0 && compare(d, to) <= 0 }
	inputs, targets := 0, 0
	for _, d := range x {
		if within(in(d)) {
			inputs++
		}
	}
	for _, d := range y {
		if !within(out(d)) {
			continue
		}
		targets++
		if _, ok := of[out(d)]; !ok && !m.any {
			m.first, m.any = d, true
		}
	}
	m.possible += min(inputs, targets)
}
