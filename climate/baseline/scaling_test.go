package baseline

import (
	"context"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/netcdf"
	"github.com/kiban-models/kiban/climate/window"
)

// linear is years of two channels on four cells that answer two forcings in
// straight lines, with chance beside, and values that are missing.
type linear struct {
	force [][]float64
	areas []float64
	noise float64
	r     *rand.Rand
}

func (l linear) data() Data {
	d := Data{Calendar: netcdf.Standard, Step: field.Step{Months: 12}, Size: 8}
	for i := range l.force {
		d.Times = append(d.Times, netcdf.Date{Year: 1900 + i, Month: 7, Day: 1})
	}
	d.Read = func(record int, dst []float32) error {
		copy(dst, l.truth(record))
		for i := range dst {
			dst[i] += float32(l.noise * l.r.NormFloat64())
		}
		if record%7 == 0 {
			dst[2], dst[5] = nan32, nan32
		}
		return nil
	}
	return d
}

var nan32 = float32(math.NaN())

func (l linear) truth(record int) []float32 {
	f := l.force[record]
	out := make([]float32, 8)
	for c := range 2 {
		globe := 0.5 + float64(1-3*c)*1.2e-3*f[0] - 4e10*f[1]
		for k := range 4 {
			pattern := []float64{0.4, 0.8, 1.0, 1.8}[k]
			out[4*c+k] = float32(float64(k) + pattern*globe)
		}
	}
	return out
}

// It finds straight lines again, whatever the sizes of the forcings, and goes on
// along them where no record was.
func TestScaling(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	l := linear{areas: []float64{1, 2, 3, 1}, r: r}
	for i := range 120 {
		l.force = append(l.force, []float64{10 * float64(i), 1e-11 * (1 + math.Sin(float64(i)/9)), 7}) // the last never changes
	}
	train := []window.Stretch{{From: 0, To: 60, Part: "train"}, {From: 70, To: 90, Part: "train"}}
	for _, x := range []struct{ noise, most float64 }{{0, 2e-5}, {0.05, 0.08}} {
		l.noise = x.noise
		s, err := FitScaling(context.Background(), l.data(), func(i int) ([]float64, error) { return l.force[i], nil }, l.areas, train)
		if err != nil {
			t.Fatal(err)
		}
		worst := 0.0
		for i := 90; i < 120; i++ {
			var names []string
			err := s.Each(l.force[i], netcdf.Date{Year: 2000, Month: 7, Day: 1}, func(name string, fields []float32) error {
				names = append(names, name)
				for k, want := range l.truth(i) {
					if d := math.Abs(float64(fields[k] - want)); name == ScalingName {
						worst = max(worst, d)
					} else if i == 119 && d < 0.05 {
						t.Errorf("the climatology is as good, %g", d)
					}
				}
				return nil
			})
			if err != nil || strings.Join(names, " ") != "pattern_scaling climatology" {
				t.Fatal(names, err)
			}
		}
		t.Logf("noise %g: off by at most %.2g", x.noise, worst)
		if !(worst < x.most) {
			t.Errorf("noise %g: off by %g", x.noise, worst)
		}
	}
	if _, err := (&Scaling{forcings: make([]moment, 2)}).Fields([]float64{1}); err == nil {
		t.Error("one forcing for two was taken")
	}
	if _, err := FitScaling(context.Background(), l.data(), func(i int) ([]float64, error) { return l.force[i], nil }, l.areas, []window.Stretch{{From: 0, To: 2}}); err == nil || !strings.Contains(err.Error(), "2 training records; a line over") {
		t.Error(err)
	}
}
