package window

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/netcdf"
)

var calendars = []netcdf.Calendar{netcdf.Standard, netcdf.Proleptic, netcdf.Julian, netcdf.NoLeap, netcdf.AllLeap, netcdf.Days360}

// series is random: any calendar, hours or months, gaps, members, records that
// cannot be used, years in parts that touch or lie apart.
func series(r *rand.Rand) (Records, func(i int) bool) {
	c := calendars[r.IntN(len(calendars))]
	rec := Records{Calendar: c, Step: field.Step{Millis: 21_600_000}}
	if r.IntN(2) == 0 {
		rec.Step = field.Step{Months: 1 + r.IntN(2)*11}
	}
	members := 1 + r.IntN(3)
	for m := range members {
		if m > 0 {
			rec.Breaks = append(rec.Breaks, len(rec.Times))
		}
		d := netcdf.Date{Year: 1998 + r.IntN(3), Month: 1 + r.IntN(12), Day: 15}
		at := c.Millis(d)
		for range 20 + r.IntN(1500/(1+rec.Step.Months)) {
			skip := 1
			if r.IntN(40) == 0 {
				skip += 1 + r.IntN(5) // a gap
			}
			if rec.Step.Months > 0 {
				month := 12*d.Year + d.Month - 1 + skip*rec.Step.Months
				d = netcdf.Date{Year: month / 12, Month: month%12 + 1, Day: 1 + r.IntN(28)}
			} else {
				at += int64(skip) * rec.Step.Millis
				d = c.At(at)
			}
			rec.Times = append(rec.Times, d)
		}
	}
	bad := map[int]bool{}
	for range r.IntN(4) {
		bad[r.IntN(len(rec.Times))] = true
	}
	rec.Unusable = func(i int) bool { return bad[i] }
	border := 1999 + r.IntN(3)
	apart := r.IntN(2)
	rec.Part = func(d netcdf.Date) string {
		switch {
		case d.Year < border:
			return "train"
		case d.Year >= border+apart:
			return "test"
		}
		return ""
	}
	return rec, rec.Unusable
}

// whole tells, from the times alone, whether the records from first to last are
// one after another: the test's own words for what a window may be.
func whole(rec Records, bad func(int) bool, first, last int) bool {
	if first < 0 || last >= len(rec.Times) {
		return false
	}
	for i := first; i <= last; i++ {
		d := rec.Times[i]
		if bad(i) || rec.Part(d) != rec.Part(rec.Times[first]) || rec.Part(d) == "" {
			return false
		}
		if i == first {
			continue
		}
		before := rec.Times[i-1]
		if slices.Contains(rec.Breaks, i) {
			return false
		}
		if rec.Step.Months > 0 && 12*d.Year+d.Month != 12*before.Year+before.Month+rec.Step.Months {
			return false
		}
		if rec.Step.Months == 0 && rec.Calendar.Millis(d)-rec.Calendar.Millis(before) != rec.Step.Millis {
			return false
		}
	}
	return true
}

// Windows are just those that lie within records that follow one another.
func TestWindowsNeverCross(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	found, refused := 0, 0
	for range 120 {
		rec, bad := series(r)
		stretches, err := rec.Stretches()
		if err != nil {
			t.Fatal(err)
		}
		lead := 1 + r.IntN(12)
		shape := []Shape{Direct(lead), Iterative(1+lead/3, 1+r.IntN(4)), Continuous(1, lead, false), Continuous(1, lead+1, true)}[r.IntN(4)].WithHistory(1+r.IntN(4), 1+r.IntN(3))
		for _, part := range []string{"train", "test"} {
			var want []int
			reach := max(shape.Reach, shape.Leads[len(shape.Leads)-1])
			for a := range rec.Times {
				if rec.Part(rec.Times[a]) == part && whole(rec, bad, a+shape.History[0], a+reach) {
					want = append(want, a)
				}
			}
			w, err := New(stretches, part, shape)
			if err != nil {
				if len(want) > 0 {
					t.Fatalf("%v, but there are %d windows", err, len(want))
				}
				refused++
				continue
			}
			if w.Len() != len(want) {
				t.Fatalf("%s: %d windows, want %d", part, w.Len(), len(want))
			}
			for i, a := range want {
				in, out := w.Inputs(nil, i), w.Targets(nil, i)
				all := append(slices.Clone(in), out...)
				if w.Anchor(i) != a || in[len(in)-1] != a || !whole(rec, bad, slices.Min(all), slices.Max(all)) {
					t.Fatalf("%s: window %d at record %d has %v and %v", part, i, w.Anchor(i), in, out)
				}
				steps, record := w.Lead(7, 3, i)
				if !slices.Contains(out, record) || !slices.Contains(shape.Leads, steps) || record != a+steps {
					t.Fatalf("window %d leads %d steps to record %d; targets are %v", i, steps, record, out)
				}
				found++
			}
		}
	}
	if found < 10000 || refused == 0 {
		t.Errorf("%d windows, %d series without any: too few to mean anything", found, refused)
	}
	t.Logf("%d windows, %d parts without any", found, refused)
}

// Drawn lead times are even, both ends included; as published the last is not.
func TestLeadIsEven(t *testing.T) {
	for _, published := range []bool{false, true} {
		w, err := New([]Stretch{{0, 30000, "all"}}, "all", Continuous(6, 10, published))
		if err != nil {
			t.Fatal(err)
		}
		count := map[int]int{}
		for i := range w.Len() {
			steps, _ := w.Lead(42, 1, i)
			count[steps]++
		}
		leads := 5
		if published {
			leads = 4
		}
		if len(count) != leads || (count[10] == 0) != published {
			t.Errorf("published %v: %v", published, count)
		}
		for steps, n := range count {
			if want := float64(w.Len()) / float64(leads); math.Abs(float64(n)-want) > 5*math.Sqrt(want) {
				t.Errorf("%d steps are drawn %d times, want about %.0f", steps, n, want)
			}
		}
		a, _ := w.Lead(42, 1, 5)
		same, differ := 0, 0
		for e := range 50 {
			if b, _ := w.Lead(42, e, 5); b == a {
				same++
			} else {
				differ++
			}
		}
		if again, _ := w.Lead(42, 1, 5); again != a || same == 0 || differ == 0 {
			t.Error("a lead time depends on more than seed, epoch and window, or on less")
		}
	}
}

func TestRefuses(t *testing.T) {
	short := []Stretch{{0, 8, "train"}, {8, 13, "train"}}
	for _, x := range []struct {
		part  string
		shape Shape
		want  string
	}{
		{"train", Direct(6).WithHistory(3, 1), "a history of 2 steps and a lead time of 6 need 9 records in a row, but train has at most 8 (of 13)"},
		{"test", Direct(1), "no records for test"},
		{"train", Direct(-1), "lead times of [-1] steps; wanted at least 0"},
		{"train", Shape{}, "lead times of [] steps"},
		{"train", Shape{Leads: []int{1}, History: []int{-2, -1}}, "ascend to 0"},
		{"train", Shape{Leads: []int{1, 5}, Reach: 4}, "only 4 are asked for"},
		{"train", Continuous(5, 3, false), "lead times of [] steps"},
	} {
		if _, err := New(short, x.part, x.shape); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%+v: %v, want %s", x.shape, err, x.want)
		}
	}
	day := netcdf.Date{Year: 2000, Month: 2, Day: 29}
	if _, err := (Records{Calendar: netcdf.NoLeap, Times: []netcdf.Date{day}}).Stretches(); err == nil || !strings.Contains(err.Error(), "the noleap calendar has no 2000-02-29") {
		t.Error(err)
	}
	if _, err := (Records{Calendar: netcdf.Standard, Times: []netcdf.Date{day, day}}).Stretches(); err == nil || !strings.Contains(err.Error(), "no step") {
		t.Error(err)
	}
	if _, err := (Records{Calendar: netcdf.Standard, Times: []netcdf.Date{day}, Breaks: []int{1}}).Stretches(); err == nil {
		t.Error("a break after the end was taken")
	}
}

func TestParseLead(t *testing.T) {
	six, day, month, year := field.Step{Millis: 21_600_000}, field.Step{Millis: 86_400_000}, field.Step{Months: 1}, field.Step{Months: 12}
	for _, x := range []struct {
		in    string
		step  field.Step
		steps int
		hours float64
	}{
		{"72h", six, 12, 72}, {"3d", six, 12, 72}, {" 1.5 days ", six, 6, 36}, {"2w", day, 14, 336},
		{"1mo", month, 1, 730.485}, {"2y", month, 24, 17531.64}, {"10 years", year, 10, 87658.2},
	} {
		n, err := ParseLead(x.in, x.step)
		if err != nil || n != x.steps || math.Abs(Hours(netcdf.Standard, x.step, n)-x.hours) > 1e-9 {
			t.Errorf("%q: %d steps of %s, %g hours (%v)", x.in, n, x.step, Hours(netcdf.Standard, x.step, n), err)
		}
	}
	for in, want := range map[string]string{
		"7h": "lead time 7h is no multiple of the data's interval, 6 hours", "1mo": "no multiple", "0h": "cannot be read", "h": "cannot be read",
		"": "cannot be read", "-6h": "cannot be read", "6": `unit ""`, "6 fortnights": "is unknown", "1e99h": "no multiple", "1.2.3h": "cannot be read",
	} {
		if n, err := ParseLead(in, six); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %d (%v), want %s", in, n, err, want)
		}
	}
	if _, err := ParseLead("72h", month); err == nil || !strings.Contains(err.Error(), "the data's interval, 1 month") {
		t.Error(err)
	}
}

func FuzzParseLead(f *testing.F) {
	for _, s := range []string{"72h", "1mo", "10 years", "1e3d", ".5w", "1.2.3h", "٣h"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, step := range []field.Step{{Millis: 21_600_000}, {Months: 1}} {
			if n, err := ParseLead(s, step); err == nil && (n < 1 || Hours(netcdf.Standard, step, n) <= 0) {
				t.Errorf("%q: %d steps of %s", s, n, step)
			}
		}
	})
}

// Forecasts of one month from two, in a year with a month missing.
func Example() {
	var times []netcdf.Date
	for _, month := range []int{1, 2, 3, 4, 6, 7, 8, 9} {
		times = append(times, netcdf.Date{Year: 2001, Month: month, Day: 16})
	}
	r := Records{Calendar: netcdf.NoLeap, Times: times, Step: field.StepOf(netcdf.NoLeap, times)}
	stretches, err := r.Stretches()
	if err != nil {
		fmt.Println(err)
		return
	}
	w, err := New(stretches, "all", Direct(1).WithHistory(2, 1))
	if err != nil {
		fmt.Println(err)
		return
	}
	for i := range w.Len() {
		fmt.Println(w.Inputs(nil, i), w.Targets(nil, i))
	}
	// Output:
	// [0 1] [2]
	// [1 2] [3]
	// [4 5] [6]
	// [5 6] [7]
}
