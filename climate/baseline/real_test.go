//go:build cgo && !nonetcdf

package baseline

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/netcdf"
	"github.com/kiban-models/kiban/climate/skill"
	"github.com/kiban-models/kiban/climate/window"
)

// Nine years of real monthly winds over North America: fitted on seven of them,
// damped persistence is better than persistence in the last two, as it must be of
// anything that forgets.
func TestNavyWinds(t *testing.T) {
	path := filepath.Join("..", "..", "..", "shared", "data", "climate", "navy_winds_north_america_open.nc")
	if _, err := os.Stat(path); err != nil {
		t.Skipf("the real file is not here: %v", err)
	}
	ctx := context.Background()
	s, err := field.Open([]string{path}, field.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r := window.Records{Calendar: s.Calendar, Times: s.Times, Step: s.Step, Part: func(d netcdf.Date) string {
		if d.Year < s.Times[0].Year+7 {
			return "train"
		}
		return "test"
	}}
	stretches, err := r.Stretches()
	if err != nil {
		t.Fatal(err)
	}
	var train []window.Stretch
	for _, x := range stretches {
		if x.Part == "train" {
			train = append(train, x)
		}
	}
	read := func(i int, dst []float32) error { return s.Read(ctx, i, dst) }
	leads := []int{1, 3, 6}
	b, err := Fit(ctx, Data{Calendar: s.Calendar, Times: s.Times, Step: s.Step, Size: s.Size(), Read: read}, train, leads, Options{})
	if err != nil {
		t.Fatal(err)
	}
	board, err := skill.NewBoard(s.Grid, nil, skill.Options{})
	if err != nil {
		t.Fatal(err)
	}
	n := s.Grid.Size()
	x, truth := make([]float32, s.Size()), make([]float32, s.Size())
	for _, lead := range leads {
		w, err := window.New(stretches, "test", window.Direct(lead))
		if err != nil {
			t.Fatal(err)
		}
		hours := window.Hours(s.Calendar, s.Step, lead)
		for i := range w.Len() {
			from, to := w.Anchor(i), w.Targets(nil, i)[0]
			if err := read(from, x); err != nil {
				t.Fatal(err)
			}
			if err := read(to, truth); err != nil {
				t.Fatal(err)
			}
			clim, err := b.Climatology.At(s.Times[to])
			if err != nil {
				t.Fatal(err)
			}
			err = b.Each(x, lead, s.Times[from], s.Times[to], func(name string, f []float32) error {
				for c, channel := range s.Channels {
					part := func(x []float32) []float32 { return x[c*n : (c+1)*n] }
					if err := board.Add(name, channel, hours, part(f), part(truth), part(clim)); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		table := board.Table()
		for _, c := range s.Channels {
			rmse := map[string]float64{}
			for _, name := range []string{PersistenceName, ClimatologyName, DampedName} {
				v, ok := table.Find(name, c.Name, 0, "global", hours, "rmse")
				if !ok || !(v > 0) {
					t.Fatalf("%s of %s: %v", name, c.Name, v)
				}
				rmse[name] = v
			}
			if rmse[DampedName] >= rmse[PersistenceName] {
				t.Errorf("%s after %d months: damped persistence %.3f, persistence %.3f", c.Name, lead, rmse[DampedName], rmse[PersistenceName])
			}
			t.Logf("%s after %s x %d, %d forecasts: RMSE in %s: %v", c.Name, s.Step, lead, w.Len(), c.Units, rmse)
		}
	}
}
