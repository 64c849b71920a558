package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/forecast"
	"github.com/kiban-models/kiban/climate/netcdf"
	"github.com/kiban-models/kiban/climate/regrid"
	stores "github.com/kiban-models/kiban/climate/store"
	"github.com/kiban-models/kiban/climate/task"
)

// climateFiles are a year of a NetCDF file a year, a store of them, and models.
type climateFiles struct{ dir, files, store, model, region, drops string }

// someClimate makes five years of monthly fields, north first, and models with
// random weights.
func someClimate(t *testing.T) climateFiles {
	t.Helper()
	if netcdf.LibraryVersion() == "" {
		t.Skip("this build has no NetCDF library")
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	x := climateFiles{dir, filepath.Join(dir, "files"), filepath.Join(dir, "data"), filepath.Join(dir, "model"), filepath.Join(dir, "region"), filepath.Join(dir, "drops")}
	g, err := regrid.ParseTarget("8x16")
	must(err)
	lat := slices.Clone(g.Lat)
	slices.Reverse(lat)
	north, err := field.NewGrid(lat, g.Lon, nil, nil)
	must(err)
	channels := []field.Channel{{Name: "tas", Key: "2m_temperature", StandardName: "air_temperature", LongName: "Near-Surface Air Temperature", Units: "K"},
		{Name: "uas", Key: "10m_u_component_of_wind", StandardName: "eastward_wind", Units: "m s-1"}}
	must(os.Mkdir(x.files, 0o777))
	for year := range 5 {
		f := field.Frame{Grid: north, Channels: channels, Calendar: netcdf.NoLeap}
		for month := range 12 {
			f.Times = append(f.Times, netcdf.Date{Year: 1990 + year, Month: month + 1, Day: 16})
		}
		w, err := field.Create(filepath.Join(x.files, fmt.Sprintf("%d.nc", 1990+year)), f, field.About{Title: "A made climate", Command: "by hand"})
		must(err)
		for month := range 12 {
			m := float64(12*year + month)
			var values []float32
			for c := range channels {
				for i, lat := range north.Lat {
					for j, lon := range north.Lon {
						v := math.Sin(m*math.Pi/6+lon/50+float64(c))*math.Cos(lat/60) + 0.3*math.Sin(m*m+float64(7*i+j))
						values = append(values, float32(float64(280*(1-c))+8*v))
					}
				}
			}
			must(w.Put(month, 0, values))
		}
		must(w.Commit())
	}
	if code, _, said := kibanSays("climate", "prepare", x.files, "-o", x.store, "--train", "1990/1992", "--val", "1993", "--test", "1994", "-q"); code != 0 {
		t.Fatal(said)
	}
	model := func(path, region string, seed uint64) {
		a := task.About{Format: 1, Task: task.Forecast, Season: true, Target: task.Fields, Calendar: netcdf.NoLeap, StepMonths: 1, Leads: []int{1, 2, 3},
			Grid:  stores.Grid{Kind: g.Kind(), Lat: g.Lat, Lon: g.Lon, LatBounds: g.LatBounds, LonBounds: g.LonBounds},
			Split: stores.Split{Train: stores.Years{From: 1990, To: 1992}}}
		for i, c := range channels {
			a.Channels = append(a.Channels, task.Channel{Key: c.Key, Name: c.Name, StandardName: c.StandardName, Units: c.Units, Mean: 280 * float64(1-i), Std: 6})
		}
		a.Channels = append(a.Channels, task.Channel{Key: stores.LatitudeKey, Name: stores.LatitudeKey, Units: "degrees_north", Std: 50, Static: true})
		if region != "" {
			r, err := field.ParseRegion(region, "")
			must(err)
			a.SetRegion(r, false)
		}
		must(os.Mkdir(path, 0o777))
		config := forecast.NewConfig(a.Variables(), 8, 16, 2, 16, 1, 2)
		must(task.WriteModel(path, config, forecast.NewFresh(config, seed), a, nil))
	}
	model(x.model, "", 1)
	model(x.region, "200,340,-10,80", 2)
	model(x.drops, "", 3)
	return x
}

// kibanSays runs a command line.
func kibanSays(args ...string) (code int, stdout, stderr string) {
	var out, said bytes.Buffer
	code = run(append([]string{"kiban"}, args...), strings.NewReader(""), &out, &said)
	return code, out.String(), said.String()
}

// A forecast is the same from a store and from the files that it was made of;
// scored from its file and from the model the table is the same, and the rows of
// the file are in the order of the input.
func TestClimateForecast(t *testing.T) {
	x := someClimate(t)
	ok := func(args ...string) (string, string) {
		t.Helper()
		code, out, said := kibanSays(args...)
		if code != 0 {
			t.Fatalf("%q: code %d\n%s", args, code, said)
		}
		return out, said
	}
	from := func(name string) string { return filepath.Join(x.dir, name) }
	ok("climate", "forecast", x.store, "-m", x.model, "--lead", "1mo,3mo", "-o", from("a.nc"))
	ok("climate", "forecast", x.files, "-m", x.model, "--lead", "3mo,1mo", "--time", "1994", "-o", from("b.nc"), "--batch", "1")
	read := func(name, variable string) []float32 {
		t.Helper()
		f, err := netcdf.Open(from(name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		v, err := f.ReadFloat32(variable, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, v := range []string{"tas", "uas", "lat", "time", "lead_time", "valid_time"} {
		a, b := read("a.nc", v), read("b.nc", v)
		if len(a) == 0 || !slices.Equal(a, b) {
			t.Errorf("%s: %d values from the store, %d from files, or they differ", v, len(a), len(b))
		}
	}
	if lat := read("a.nc", "lat"); lat[0] < lat[7] {
		t.Errorf("latitudes %v; the input begins in the north", lat)
	}
	attributes := func(name string) map[string]string {
		t.Helper()
		d, err := describeNetCDF(from(name))
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]string{}
		for _, a := range d.Attributes {
			out[a.Name], _ = a.Text()
		}
		return out
	}
	b := attributes("b.nc")
	if lines := strings.Split(b["history"], "\n"); len(lines) != 2 || !strings.HasSuffix(lines[1], "by hand") || b["title"] != "A made climate" ||
		len(b["kiban_model_sha256"]) != 64 || b["kiban_training_years"] != "1990/1992" || !strings.HasPrefix(b["source"], "kiban ") || b["Conventions"] != "CF-1.8" {
		t.Errorf("attributes %q", b)
	}
	if text, _ := ok("climate", "inspect", from("a.nc")); !strings.Contains(text, "\n    lat and lon: regular 8x16, global, north first\n") || !strings.Contains(text, "to models 2m_temperature") {
		t.Errorf("inspect says\n%s", text)
	}
	fileTable, said := ok("climate", "evaluate", from("a.nc"), "--truth", x.store, "-o", from("skill"), "--regions", "wb2:tropics,climax:Global", "--regions", "20,350,0,90")
	if !strings.Contains(said, "4 forecasts are of times that the truth does not have") {
		t.Errorf("said %q", said)
	}
	modelTable, _ := ok("climate", "evaluate", x.store, "-m", x.model, "--lead", "1mo,3mo", "--regions", "wb2:tropics,climax:Global", "--regions", "20,350,0,90")
	filesTable, _ := ok("climate", "evaluate", from("b.nc"), "--truth", x.files, "--regions", "wb2:tropics,climax:Global", "--regions", "20,350,0,90")
	if fileTable != modelTable || fileTable != filesTable {
		t.Errorf("the file gives\n%s\nthe model\n%s\nthe files\n%s", fileTable, modelTable, filesTable)
	}
	if rows := strings.Count(fileTable, "\n"); rows != 1+2*2*3*4 {
		t.Errorf("%d lines", rows)
	}
	scoreFiles(t, from("skill"))
	if code, _, said := kibanSays("climate", "forecast", x.store, "-m", x.model, "--lead", "1mo", "-o", from("a.nc")); code != exitFailed || !strings.Contains(said, "exists already") {
		t.Errorf("code %d, %s", code, said)
	}
	ok("climate", "forecast", x.store, "-m", x.region, "--lead", "1mo,2mo", "--iterative", "-o", from("region.nc"))
	if n := len(read("region.nc", "lat")) * len(read("region.nc", "lon")); n == 0 || n >= 128 {
		t.Errorf("a region of %d cells", n)
	}
	table, _ := ok("climate", "evaluate", from("region.nc"), "--truth", x.store, "--metrics", "rmse", "--json")
	var rows []map[string]any
	if err := json.Unmarshal([]byte(table), &rows); err != nil || len(rows) != 4 || rows[0]["region"] != "200,340,-10,80" || rows[0]["metric"] != "rmse" {
		t.Errorf("%v, %s", err, table)
	}
	ok("climate", "forecast", x.store, "-m", x.drops, "-m", x.model, "--ensemble", "2", "--lead", "1mo", "--out-vars", "tas", "-o", from("e.nc"))
	table, _ = ok("climate", "evaluate", from("e_m01.nc"), from("e_m02.nc"), from("e_m03.nc"), from("e_m04.nc"), "--truth", x.store)
	if again, _ := ok("climate", "evaluate", x.store, "-m", x.drops+","+x.model, "--ensemble", "2", "--lead", "1mo", "--out-vars", "tas"); again != table || !strings.Contains(table, "\tcrps\t") {
		t.Errorf("the files give\n%s\nthe models\n%s", table, again)
	}
	ok("climate", "forecast", x.store, "-m", x.model, "--lead", "2mo", "--valid-time", "-o", from("v.nc"))
	d, err := describeNetCDF(from("v.nc"))
	v, _ := d.Variable("time")
	if err != nil || v.Time == nil || v.Time.First.String() != "1994-03-16 00:00:00" {
		t.Errorf("%v, %+v", err, v.Time)
	}
	if _, err := exec.LookPath("cdo"); err == nil {
		for _, name := range []string{"a.nc", "region.nc", "v.nc", "e_m01.nc"} {
			cmd := exec.Command("cdo", "-s", "sinfo", from(name))
			var said bytes.Buffer
			cmd.Stderr = &said
			if out, err := cmd.Output(); err != nil || said.Len() > 0 || strings.Contains(strings.ToLower(string(out)), "warning") {
				t.Errorf("cdo sinfo %s: %v\n%s%s", name, err, said.String(), out)
			}
		}
	}
	plots(t, x, from)
}

// scoreFiles checks what evaluate leaves in a directory.
func scoreFiles(t *testing.T, dir string) {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, "skill.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) != 1+2*2*3*4*4 {
		t.Errorf("%d rows (%v)", len(rows), err)
	}
	var r skillResults
	if err := readJSONFile(filepath.Join(dir, "results.json"), &r); err != nil || r.Scored != 20 || r.NoTruth != 4 || r.Train != "1990/1992" || len(r.Scores) != len(rows)-1 || r.Of != 12 {
		t.Errorf("%v, %+v", err, r)
	}
	d, err := describeNetCDF(filepath.Join(dir, "skill.nc"))
	if v, ok := d.Variable("rmse_tas"); err != nil || !ok || !slices.Equal(v.Shape, []int{4, 3, 2}) {
		t.Errorf("%v, %+v", err, v)
	}
	page, err := os.ReadFile(filepath.Join(dir, "report.html"))
	if err != nil || !strings.Contains(string(page), "damped persistence") {
		t.Errorf("%v", err)
	}
	for _, name := range []string{"rmse_by_lead_tas_wb2_tropics.svg", "acc_by_lead_uas_climax_global.png", "bias_tas_3mo.svg", "forecast_uas_19940916t00.png"} {
		if _, err := os.Stat(filepath.Join(dir, "figures", name)); err != nil {
			t.Error(err)
		}
	}
}

// plots draws one of each kind.
func plots(t *testing.T, x climateFiles, from func(string) string) {
	t.Helper()
	for i, args := range [][]string{
		{filepath.Join(x.files, "1991.nc"), "--var", "tas", "--time", "1991-07", "--region", "climax:Europe", "-o", "o.png"},
		{x.files, "--var", "uas", "--projection", "robinson", "--robust", "-o", "o.svg"},
		{x.store, "--var", "2m_temperature", "--vmin", "270", "--levels", "270,275,280", "--cmap", "viridis", "-o", "o.svg"},
		{from("a.nc"), "--var", "uas", "--lead", "3mo", "--time", "1994-02", "-o", "o.csv"},
		{from("a.nc"), "--var", "uas", "--lead", "0.25y", "--time", "1994-02", "-o", "o.csv"}, // 3mo
		{from("a.nc"), "--var", "tas", "--truth", x.store, "-o", "o.svg"},
		{from("a.nc"), "--var", "tas", "--truth", x.files, "--panels", "three", "-o", "o.svg"},
		{from("region.nc"), "--var", "tas", "--truth", x.store, "-o", "o.csv"},
		{filepath.Join(from("skill"), "skill.csv"), "--var", "tas", "--region", "wb2:tropics", "--metric", "acc", "-o", "o.svg"},
	} {
		out := from(fmt.Sprintf("%d%s", i, args[len(args)-1]))
		args[len(args)-1] = out
		if code, _, said := kibanSays(append([]string{"climate", "plot"}, args...)...); code != 0 {
			t.Errorf("%q: code %d, %s", args, code, said)
			continue
		}
		if st, err := os.Stat(out); err != nil || st.Size() < 1000 {
			t.Errorf("%q: %v", args, err)
		}
	}
	// What a map says is what the file holds.
	rows, err := os.ReadFile(from("3o.csv"))
	f, err2 := netcdf.Open(from("a.nc"))
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	defer f.Close()
	v, err := f.ReadFloat32("uas", []int{1, 1, 0, 0}, []int{1, 1, 1, 1})
	if err != nil || !strings.Contains(string(rows), fmt.Sprintf(",78.75,0,%v\n", float64(v[0]))) {
		t.Errorf("%v: no line of %v in\n%.300s", err, v, rows)
	}
}

// What cannot be forecast, scored or drawn is an error that says why and what to
// do, and leaves nothing.
func TestClimateForecastRefuses(t *testing.T) {
	x := someClimate(t)
	from := func(name string) string { return filepath.Join(x.dir, name) }
	if code, _, said := kibanSays("climate", "forecast", x.store, "-m", x.model, "--lead", "3mo", "--time", "1994-12", "-o", from("late.nc"), "-q"); code != 0 {
		t.Fatal(said)
	}
	if code, _, said := kibanSays("climate", "prepare", x.files, "-o", from("coarse"), "--grid", "4x8", "--train", "1990/1992", "-q"); code != 0 {
		t.Fatal(said)
	}
	if code, _, said := kibanSays("climate", "prepare", x.files, "-o", from("half"), "--vars", "tas", "--train", "1990/1992", "--test", "1994", "-q"); code != 0 {
		t.Fatal(said)
	}
	out := from("out.nc")
	for _, c := range []struct {
		code int
		want string
		args []string
	}{
		{exitMisuse, "no model given", []string{"forecast", x.store, "-o", out}},
		{exitMisuse, "no output file given", []string{"forecast", x.store, "-m", x.model}},
		{exitMisuse, "no output file given", []string{"forecast", x.store, "-m", x.model, "-o", "-"}},
		{exitMisuse, "no input given", []string{"forecast", "-m", x.model, "-o", out}},
		{exitMisuse, "lead time 72h is no multiple of the data's interval, 1 month", []string{"forecast", x.store, "-m", x.model, "--lead", "72h", "-o", out}},
		{exitMisuse, "--valid-time: 3 lead times", []string{"forecast", x.store, "-m", x.model, "--valid-time", "-o", out}},
		{exitMisuse, "flag --ensemble: 0 forecasts", []string{"forecast", x.store, "-m", x.model, "--ensemble", "0", "-o", out}},
		{exitFailed, "does not forecast pr; it forecasts", []string{"forecast", x.store, "-m", x.model, "--out-vars", "pr", "-o", out}},
		{exitFailed, "the model's grid is not that of the data", []string{"forecast", from("coarse"), "-m", x.model, "--split", "all", "-o", out}},
		{exitFailed, "has no variable 10m_u_component_of_wind; it has 2m_temperature", []string{"forecast", from("half"), "-m", x.model, "-o", out}},
		{exitFailed, "1990-01-16 00:00:00", []string{"forecast", x.store, "-m", x.model, "--time", "2050", "-o", out}},
		{exitFailed, "no time of it is set aside for this (test)", []string{"forecast", from("coarse"), "-m", x.model, "-o", out}},
		{exitMisuse, "no truth given", []string{"evaluate", from("late.nc")}},
		{exitMisuse, "give one of them", []string{"evaluate", x.store, "-m", x.model, "--truth", x.store}},
		{exitMisuse, "name them with --train", []string{"evaluate", x.files, "-m", x.model}},
		{exitMisuse, `unknown metric "rsme"; did you mean rmse?`, []string{"evaluate", from("late.nc"), "--truth", x.store, "--metrics", "rsme"}},
		{exitMisuse, `region "Atlantis" is unknown`, []string{"evaluate", from("late.nc"), "--truth", x.store, "--regions", "Atlantis"}},
		{exitFailed, x.store + ": has the truth of none of 1 forecasts", []string{"evaluate", from("late.nc"), "--truth", x.store}},
		{exitFailed, "is on another grid than the forecast", []string{"evaluate", from("late.nc"), "--truth", from("coarse")}},
		{exitFailed, "is no file of forecasts", []string{"evaluate", filepath.Join(x.files, "1990.nc"), "--truth", x.store}},
		{exitMisuse, "name a file that ends in .png, .svg, or .csv", []string{"plot", from("late.nc"), "-o", from("x.jpg")}},
		{exitFailed, "has tas, uas; choose one with --var", []string{"plot", x.store, "-o", from("x.png")}},
		{exitFailed, "has no forecast of 9mo ahead; it has 3mo", []string{"plot", from("late.nc"), "--var", "tas", "--lead", "9mo", "-o", from("x.png")}},
		{exitFailed, "does not have 1995-03-16 00:00:00, which is forecast", []string{"plot", from("late.nc"), "--var", "tas", "--truth", x.store, "-o", from("x.png")}},
		{exitMisuse, "--lead and --truth are of forecasts", []string{"plot", x.store, "--var", "tas", "--lead", "1mo", "-o", from("x.png")}},
		{exitMisuse, "--vmin and --vmax: 3 and 2", []string{"plot", x.store, "--var", "tas", "--vmin", "3", "--vmax", "2", "-o", from("x.png")}},
		{exitMisuse, `unknown colours "rainbow"`, []string{"plot", x.store, "--var", "tas", "--cmap", "rainbow", "-o", from("x.png")}},
	} {
		code, _, said := kibanSays(append([]string{"climate"}, c.args...)...)
		if code != c.code || !strings.Contains(said, c.want) {
			t.Errorf("%q: code %d, %s\nwant %d, %s", c.args, code, said, c.code, c.want)
		}
	}
	for _, name := range []string{out, from("x.png"), from("x.jpg")} {
		if _, err := os.Stat(name); err == nil {
			t.Errorf("%s is there", name)
		}
	}
}
