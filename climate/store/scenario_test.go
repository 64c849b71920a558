package store

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/netcdf"
)

// yearly is a run whose values are one number.
func yearly(t *testing.T, g *field.Grid, from, to int, value float32) *field.Series {
	t.Helper()
	var times []netcdf.Date
	for y := from; y <= to; y++ {
		times = append(times, netcdf.Date{Year: y, Month: 7, Day: 1})
	}
	values := make([]float32, len(times)*g.Size())
	for i := range values {
		values[i] = value + float32(i%2)
	}
	s, err := field.Memory(g, netcdf.Standard, times, []field.Channel{{Name: "CO2", Key: "CO2"}}, values)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A run that is held out is so in all of its years, whatever the split says of
// them, and no statistics know it.
func TestScenarios(t *testing.T) {
	g := world(t, 6, false)
	o := Options{Out: filepath.Join(t.TempDir(), "d"), Split: Split{Train: Years{2000, 2020}, Validation: Years{2021, 2022}}, Inputs: []Input{
		{Member: "historical", Series: yearly(t, g, 2000, 2014, 1)}, {Member: "ssp126", Series: yearly(t, g, 2015, 2022, 3), After: "historical"},
		{Member: "ssp245", Series: yearly(t, g, 2015, 2022, 100), After: "historical", Part: Test}}}
	st := prepare(t, o)
	count := map[Part]int{}
	for i := range st.Len() {
		count[st.Part(i)]++
	}
	if count[Train] != 15+6 || count[Validation] != 2 || count[Test] != 8 {
		t.Errorf("parts %v", count)
	}
	c := st.Channels()[0]
	if want := (15*1.5 + 6*3.5) / 21; c.Max != 4 || c.Mean < want-1e-9 || c.Mean > want+1e-9 {
		t.Errorf("mean %g, wanted %g; at most %g", c.Mean, want, c.Max)
	}
	stretches, err := st.Records().Stretches()
	if err != nil {
		t.Fatal(err)
	}
	if len(stretches) != 4 { // historical, ssp126 in two parts, ssp245
		t.Errorf("%v", stretches)
	}
	runs := st.Manifest().Time.Runs
	if runs[1].After != "historical" || runs[2].Part != Test || runs[0].After != "" {
		t.Errorf("%+v", runs)
	}

	// A manifest that says what cannot be is refused.
	path := filepath.Join(o.Out, ManifestFile)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*Manifest){
		`run 1 goes on from "piControl", which is none`: func(m *Manifest) { m.Time.Runs[1].After = "piControl" },
		`run 1 goes on from "ssp126"`:                   func(m *Manifest) { m.Time.Runs[1].After = "ssp126" },
		`run 2 is for "show"`:                           func(m *Manifest) { m.Time.Runs[2].Part = "show" },
	} {
		var m Manifest
		if err := json.Unmarshal(good, &m); err != nil {
			t.Fatal(err)
		}
		change(&m)
		b, err := json.Marshal(m)
		if err == nil {
			err = os.WriteFile(path, b, 0o666)
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Open(o.Out, OpenOptions{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, wanted %s", err, want)
		}
	}
	for i := range o.Inputs {
		o.Inputs[i].Part = Test
	}
	if _, err := NewPlan(o); err == nil || !strings.Contains(err.Error(), "have no time in the data") && !strings.Contains(err.Error(), "all times are held out") {
		t.Error(err)
	}
}
