//go:build cgo && !nonetcdf

package netcdf

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

type xarraySummary struct {
	Shape                     []int
	Missing                   int
	Mean, Min, Max, Size, Sum float64
	First, Last               *float64
	Times                     []string
}

// Every file that xarray opens gives the same values and coordinates, and its
// description the same ends of axes and times.
func TestRealFilesEqualXarray(t *testing.T) {
	data := climateData(t)
	b, err := os.ReadFile("testdata/xarray.json")
	must(t, err)
	var want struct{ Files map[string]json.RawMessage }
	must(t, json.Unmarshal(b, &want))
	variables, times := 0, 0
	for name, raw := range want.Files {
		var refused struct{ Error string }
		path := filepath.Join(data, filepath.FromSlash(name))
		if json.Unmarshal(raw, &refused) == nil && refused.Error != "" {
			continue
		}
		var of map[string]xarraySummary
		must(t, json.Unmarshal(raw, &of))
		f, err := Open(path)
		if err != nil {
			t.Error(err)
			continue
		}
		d, err := f.Describe()
		must(t, err)
		for variable, x := range of {
			v, ok := d.Variable(variable)
			if !ok {
				t.Errorf("%s: has no %s", name, variable)
				continue
			}
			variables++
			times += len(x.Times) / 2
			compareXarray(t, f, name, v, x)
		}
		must(t, f.Close())
	}
	if len(want.Files) < 50 || variables < 200 || times < 40 {
		t.Errorf("%d files, %d variables and %d times were compared", len(want.Files), variables, times)
	}
	t.Logf("%d files, %d variables, %d pairs of times", len(want.Files), variables, times)
}

func compareXarray(t *testing.T, f *File, name string, v Variable, x xarraySummary) {
	t.Helper()
	values, err := f.ReadFloat64(v.Name, nil, nil)
	if err != nil {
		t.Error(err)
		return
	}
	missing, n := 0, 0
	sum, mean, weights, size, low, high := 0.0, 0.0, 0.0, 0.0, math.Inf(1), math.Inf(-1)
	for i, y := range values {
		if math.IsNaN(y) || math.IsInf(y, 0) {
			missing++
			continue
		}
		w := float64(i%1009 + 1)
		n, sum, mean, weights, size, low, high = n+1, sum+w*y, mean+y, weights+w, size+math.Abs(y), min(low, y), max(high, y)
	}
	if !slices.Equal(v.Shape, x.Shape) || missing != x.Missing {
		t.Errorf("%s: %s: shape %v, %d missing; xarray has %v, %d", name, v.Name, v.Shape, missing, x.Shape, x.Missing)
		return
	}
	if n == 0 {
		return
	}
	// xarray unpacks to float32.
	near := func(what string, got, want float64) {
		if math.Abs(got-want) > 2e-6*max(x.Size, math.Abs(want)) {
			t.Errorf("%s: %s: %s is %v, of xarray %v", name, v.Name, what, got, want)
		}
	}
	near("mean", mean/float64(n), x.Mean)
	near("least", low, x.Min)
	near("most", high, x.Max)
	near("ordered sum", sum/weights, x.Sum)
	if v.Axis != nil {
		near("least of the axis", v.Axis.Min, x.Min)
		near("most of the axis", v.Axis.Max, x.Max)
		if x.First != nil && x.Last != nil {
			near("first of the axis", v.Axis.First, *x.First)
			near("last of the axis", v.Axis.Last, *x.Last)
		}
	}
	if len(x.Times) == 2 && v.Time != nil {
		for i, got := range []Date{v.Time.First, v.Time.Last} {
			s := got.String()
			if got.Millisecond == 0 {
				s += ".000"
			}
			if want := strings.TrimSpace(x.Times[i]); s != want {
				t.Errorf("%s: %s: time is %s, of xarray %s", name, v.Name, s, want)
			}
		}
	} else if len(x.Times) == 2 && v.Role == RoleCoordinate {
		t.Errorf("%s: %s: is not decoded; xarray has %v", name, v.Name, x.Times)
	}
}
