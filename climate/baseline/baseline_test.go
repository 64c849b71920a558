package baseline

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/netcdf"
	"github.com/kiban-models/kiban/climate/skill"
	"github.com/kiban-models/kiban/climate/window"
)

// data are records in memory that follow one another.
func data(c netcdf.Calendar, start netcdf.Date, step field.Step, size int, x []float32) Data {
	d := Data{Calendar: c, Step: step, Size: size}
	at := c.Millis(start)
	for i := range len(x) / size {
		if step.Months > 0 {
			month := start.Month - 1 + i*step.Months
			d.Times = append(d.Times, netcdf.Date{Year: start.Year + month/12, Month: month%12 + 1, Day: start.Day})
		} else {
			d.Times = append(d.Times, c.At(at+int64(i)*step.Millis))
		}
	}
	d.Read = func(i int, dst []float32) error { copy(dst, x[i*size:(i+1)*size]); return nil }
	return d
}

func TestNumPy(t *testing.T) {
	var cases []struct {
		Calendar               netcdf.Calendar
		Kind                   Kind
		Hours, N, Window, Lead int
		Correlation            []float64
		Dates                  [][4]int
		At                     []int
		Climatology            [][]float64
	}
	text, err := os.ReadFile("testdata/baselines.json")
	if err == nil {
		err = json.Unmarshal(text, &cases)
	}
	if err != nil {
		t.Fatal(err)
	}
	const cells = 3
	worst, worstR := 0.0, 0.0
	for _, c := range cases {
		x := make([]float32, c.N*cells)
		seed := uint64(c.N + c.Window)
		for i := range x {
			seed = seed*6364136223846793005 + 1442695040888963407
			x[i] = float32(280 + 20*(float64(seed>>40)/(1<<24)-0.5))
		}
		for i := 5; i < c.N; i += 11 {
			x[i*cells+1] = float32(math.NaN())
		}
		d := data(c.Calendar, netcdf.Date{Year: 1999, Month: 2, Day: 10}, field.Step{Millis: int64(c.Hours) * 3_600_000}, cells, x)
		s, err := Fit(context.Background(), d, []window.Stretch{{To: c.N}}, []int{c.Lead}, Options{Kind: c.Kind, Window: c.Window})
		if err != nil {
			t.Fatal(err)
		}
		for k, i := range c.At {
			date := netcdf.Date{Year: c.Dates[k][0], Month: c.Dates[k][1], Day: c.Dates[k][2], Hour: c.Dates[k][3]}
			if d.Times[i] != date {
				t.Fatalf("record %d is at %s, cftime has %s", i, d.Times[i], date)
			}
			m, err := s.Climatology.At(date)
			if err != nil {
				t.Fatal(err)
			}
			for j, want := range c.Climatology[k] {
				diff := math.Abs(float64(m[j]) - want)
				if !(diff < 2e-5) {
					t.Errorf("%s %s: climatology of %s is %g, want %g", c.Calendar, c.Kind, date, m[j], want)
				}
				worst = max(worst, diff)
			}
		}
		r, err := s.Damped.Correlation(c.Lead)
		if err != nil {
			t.Fatal(err)
		}
		for j, want := range c.Correlation {
			diff := math.Abs(float64(r[j]) - want)
			if !(diff < 2e-6) {
				t.Errorf("%s %s: correlation %g, want %g", c.Calendar, c.Kind, r[j], want)
			}
			worstR = max(worstR, diff)
		}
	}
	t.Logf("largest differences from numpy: climatology %.2g of 280, correlation %.2g", worst, worstR)
}

// Of a yearly cycle and a first-order autoregression about it, correlations are
// powers of its coefficient, and damped persistence is better than persistence
// and the climatology at every lead, and as good as theory has it.
func TestDampedIsBest(t *testing.T) {
	const phi, years, rows, columns = 0.8, 60, 4, 8
	r := rand.New(rand.NewPCG(1, 2))
	lat, lon := []float64{-67.5, -22.5, 22.5, 67.5}, make([]float64, columns)
	for i := range lon {
		lon[i] = float64(i) * 45
	}
	g, err := field.NewGrid(lat, lon, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	size := g.Size()
	x := make([]float32, years*12*size)
	for j := range size {
		a := r.NormFloat64()
		for i := range years * 12 {
			a = phi*a + math.Sqrt(1-phi*phi)*r.NormFloat64()
			x[i*size+j] = float32(10 + 5*math.Sin(float64(i)*math.Pi/6+float64(j)) + a)
		}
	}
	d := data(netcdf.NoLeap, netcdf.Date{Year: 1900, Month: 1, Day: 16}, field.Step{Months: 1}, size, x)
	const train = years * 12 * 2 / 3
	read := d.Read
	d.Read = func(i int, dst []float32) error {
		if i >= train {
			t.Errorf("record %d is read, which is not one to train on", i)
		}
		return read(i, dst)
	}
	s, err := Fit(context.Background(), d, []window.Stretch{{To: train, Part: "train"}}, []int{1, 3}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if s.Climatology.Kind() != Monthly {
		t.Errorf("the climatology is %s", s.Climatology.Kind())
	}
	b, err := skill.NewBoard(g, nil, skill.Options{})
	if err != nil {
		t.Fatal(err)
	}
	tas := field.Channel{Name: "tas", Units: "K"}
	for _, lead := range []int{1, 3} {
		for i := train; i+lead < years*12; i++ {
			truth, at := x[(i+lead)*size:][:size], d.Times[i+lead]
			clim, err := s.Climatology.At(at)
			if err != nil {
				t.Fatal(err)
			}
			err = s.Each(x[i*size:][:size], lead, d.Times[i], at, func(name string, f []float32) error {
				return b.Add(name, tas, float64(lead), f, truth, clim)
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		find := func(name string) float64 {
			v, ok := b.Table().Find(name, "tas", 0, "global", float64(lead), "rmse")
			if !ok {
				t.Fatalf("no RMSE of %s", name)
			}
			return v
		}
		p, c, damped := find(PersistenceName), find(ClimatologyName), find(DampedName)
		rho := math.Pow(phi, float64(lead))
		if want := math.Sqrt(1 - rho*rho); !(damped < c && damped < p && math.Abs(damped-want) < 0.05) {
			t.Errorf("lead %d: RMSE %.3f, persistence %.3f, climatology %.3f; theory has %.3f", lead, damped, p, c, want)
		}
		t.Logf("lead %d: RMSE persistence %.3f, climatology %.3f, damped %.3f", lead, p, c, damped)
		correlation, err := s.Damped.Correlation(lead)
		if err != nil {
			t.Fatal(err)
		}
		mean := 0.0
		for _, v := range correlation {
			mean += float64(v) / float64(size)
		}
		if math.Abs(mean-rho) > 0.05 {
			t.Errorf("lead %d: correlation %.3f, want %.3f", lead, mean, rho)
		}
	}
}

// Of what never changes every baseline is right.
func TestConstant(t *testing.T) {
	x := make([]float32, 2*800)
	for i := range x {
		x[i] = 3
	}
	d := data(netcdf.Standard, netcdf.Date{Year: 2000, Month: 1, Day: 1}, field.Step{Millis: 86_400_000}, 2, x)
	s, err := Fit(context.Background(), d, []window.Stretch{{To: 800}}, []int{2}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	err = s.Each(x[:2], 2, netcdf.Date{Year: 2003, Month: 2, Day: 28}, netcdf.Date{Year: 2003, Month: 3, Day: 2}, func(name string, f []float32) error {
		seen++
		if f[0] != 3 || f[1] != 3 {
			t.Errorf("%s forecasts %v", name, f)
		}
		return nil
	})
	if err != nil || seen != 3 {
		t.Errorf("%d forecasts (%v)", seen, err)
	}
}

// Pairs of anomalies do not cross the border of stretches.
func TestPairsStayInStretch(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	x := make([]float32, 240)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	d := data(netcdf.NoLeap, netcdf.Date{Year: 1900, Month: 1, Day: 1}, field.Step{Months: 1}, 1, x)
	s, err := Fit(context.Background(), d, []window.Stretch{{From: 0, To: 100}, {From: 103, To: 240}}, []int{2}, Options{Kind: TimeMean})
	if err != nil {
		t.Fatal(err)
	}
	mean, n := 0.0, 0.0
	for i, v := range x {
		if i < 100 || i >= 103 {
			mean, n = mean+float64(v), n+1
		}
	}
	mean /= n
	var ab, aa, bb float64
	for i := range x {
		if i+2 < 100 || i >= 103 && i+2 < 240 {
			a, b := float64(x[i])-mean, float64(x[i+2])-mean
			ab, aa, bb = ab+a*b, aa+a*a, bb+b*b
		}
	}
	got, err := s.Damped.Correlation(2)
	if want := ab / math.Sqrt(aa*bb); err != nil || math.Abs(float64(got[0])-want) > 1e-6 {
		t.Errorf("correlation %g, want %g (%v)", got[0], want, err)
	}
}

func TestRefuses(t *testing.T) {
	x := make([]float32, 30)
	d := data(netcdf.Standard, netcdf.Date{Year: 2000, Month: 1, Day: 1}, field.Step{Millis: 86_400_000}, 1, x)
	ctx := context.Background()
	all := []window.Stretch{{To: 30}}
	for _, c := range []struct {
		train []window.Stretch
		leads []int
		o     Options
		want  string
	}{
		{nil, nil, Options{}, "no training records"},
		{all, []int{0}, Options{}, "a lead time of 0 steps"},
		{all, []int{30}, Options{}, "30 steps is longer than any stretch"},
		{all, nil, Options{Window: 4}, "wanted an odd number"},
		{all, nil, Options{Kind: "weekly"}, `"weekly" is unknown`},
	} {
		if _, err := Fit(ctx, d, c.train, c.leads, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
	s, err := Fit(ctx, d, all, []int{1}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Climatology.At(netcdf.Date{Year: 2001, Month: 7, Day: 1}); err == nil || !strings.Contains(err.Error(), "no training record is at the time of year of 2001-07-01") {
		t.Error(err)
	}
	if _, err := s.Climatology.At(netcdf.Date{Year: 2001, Month: 2, Day: 29}); err == nil {
		t.Error("there is a February 29 in 2001")
	}
	if _, err := s.Damped.Correlation(2); err == nil || !strings.Contains(err.Error(), "was fitted for [1]") {
		t.Error(err)
	}
	stopped, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := Fit(stopped, d, all, nil, Options{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	d.Read = func(int, []float32) error { return os.ErrNotExist }
	if _, err := Fit(ctx, d, all, nil, Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func TestKindOf(t *testing.T) {
	for s, want := range map[field.Step]Kind{{Months: 1}: Monthly, {Months: 3}: Monthly, {Months: 12}: TimeMean, {Millis: 21_600_000}: DayOfYear, {}: TimeMean} {
		if k := KindOf(s); k != want {
			t.Errorf("%s: %s, want %s", s, k, want)
		}
	}
}
