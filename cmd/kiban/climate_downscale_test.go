package main

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/netcdf"
	"github.com/kiban-models/kiban/climate/regrid"
	"github.com/kiban-models/kiban/climate/task"
)

// windStores prepares the monthly surface winds of Debian's ferret-datasets on a
// coarse and a fine grid.
func windStores(t *testing.T) (coarse, fine string) {
	t.Helper()
	const winds = "/usr/share/ferret-vis/data/monthly_navy_winds.cdf"
	if _, err := os.Stat(winds); err != nil {
		t.Skip("ferret-datasets is not installed:", err)
	}
	if netcdf.LibraryVersion() == "" {
		t.Skip("this build has no NetCDF library")
	}
	dir := t.TempDir()
	coarse, fine = filepath.Join(dir, "coarse"), filepath.Join(dir, "fine")
	for out, grid := range map[string]string{coarse: "22.5", fine: "11.25"} {
		must(t, "climate", "prepare", winds, "-o", out, "--grid", grid, "--method", "conservative", "--val", "1990", "--test", "1991/1992")
	}
	return coarse, fine
}

// finely are the arguments of a run of seconds that downscales.
func finely(coarse, fine, out string, more ...string) []string {
	return append([]string{"climate", "pretrain", coarse, "--to", fine, "-o", out, "--device", "cpu", "--threads", "1", "--progress", "none", "--precision", "f32",
		"--width", "32", "--layers", "1", "--heads", "2", "--batch-size", "8", "--log-every", "4"}, more...)
}

// Winds of 22.5 degrees become such of 11.25, in years that the model has not
// seen: closer than by interpolation, and as close as by regression, from which it
// starts. A file, and the model, are scored alike.
func TestClimateDownscale(t *testing.T) {
	t.Parallel()
	coarse, fine := windStores(t)
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	ok := func(args ...string) (stdout, stderr string) {
		t.Helper()
		stdout, stderr, code := kiban(t.Context(), "", args...)
		if code != 0 {
			t.Fatalf("%q: code %d: %s", args, code, stderr)
		}
		return stdout, stderr
	}
	_, said := ok(finely(coarse, fine, at("down"), "--max-steps", "240")...)
	for _, want := range []string{"task        damped of UWND, VWND over the whole grid, of UWND, VWND on a grid of 8x16", "96 examples of 132 pairs: ", " of 8x16 cells, bilinearly on those of ",
		"validation RMSE over the deviation: bilinear ", ", corrected bilinear ", "next: kiban climate forecast " + coarse} {
		if !strings.Contains(said, want) {
			t.Errorf("want %q: %s", want, said)
		}
	}
	_, said = ok("climate", "forecast", coarse, "-m", at("down"), "-o", at("fine.nc"))
	if !strings.Contains(said, "24 times of 2 variables and levels") || !strings.Contains(said, "from a grid of 8x16 to one of 16x32") || !strings.Contains(said, "--coarse "+coarse) {
		t.Error(said)
	}
	table, said := ok("climate", "evaluate", at("fine.nc"), "--truth", fine, "--coarse", coarse, "-o", at("skill"), "--json")
	if !strings.Contains(said, "RMSE below that of bilinear in 2 of 2 rows, below all baselines in ") {
		t.Error(said)
	}
	var rows []map[string]any
	if err := json.Unmarshal([]byte(table), &rows); err != nil || len(rows) != 2*5 {
		t.Fatal(len(rows), err)
	}
	for _, r := range rows {
		t.Log(r["variable"], r["metric"], r["kiban"], r["bilinear"], r["corrected_bilinear"], r["regression"], r["climatology"])
		if r["metric"] == "rmse" && !(r["kiban"].(float64) < 0.7*r["bilinear"].(float64) && r["kiban"].(float64) < 1.01*r["regression"].(float64)) {
			t.Error("the model's RMSE is not below 0.7 of the interpolation's, and that of the regression, from which it starts")
		}
	}
	if again, _ := ok("climate", "evaluate", coarse, "-m", at("down"), "--truth", fine, "--json"); again != table {
		t.Errorf("the file gives\n%s\nthe model\n%s", table, again)
	}
	report, err := os.ReadFile(at("skill/report.html"))
	if err != nil || !strings.Contains(string(report), "corrected_bilinear") && !strings.Contains(string(report), "corrected bilinear") {
		t.Error("the report does not name the baselines", err)
	}
	ok("climate", "plot", at("fine.nc"), "--truth", fine, "--coarse", coarse, "--var", "UWND", "--time", "1992-07", "-o", at("four.png"))
	ok("climate", "plot", at("fine.nc"), "--truth", fine, "--var", "VWND", "-o", at("three.svg"))
	if _, err := exec.LookPath("cdo"); err == nil {
		if out, err := exec.CommandContext(t.Context(), "cdo", "-s", "sinfon", at("fine.nc")).CombinedOutput(); err != nil || strings.Contains(strings.ToLower(string(out)), "warning") {
			t.Errorf("%v: %s", err, out)
		}
	}

	// A region of it, from what it knows of the world; adapters beside a forecaster.
	ok("climate", "finetune", coarse, "--to", fine, "-m", at("down"), "-o", at("region"), "--region", "180,320,-10,80", "--max-steps", "4", "--progress", "none", "--precision", "f32")
	ok("climate", "forecast", coarse, "-m", at("region"), "-o", at("region.nc"), "--out-vars", "VWND")
	text, _ := ok("climate", "evaluate", at("region.nc"), "--truth", fine, "--coarse", coarse, "--metrics", "rmse,bias", "--json")
	if err := json.Unmarshal([]byte(text), &rows); err != nil || len(rows) != 2 || rows[0]["region"] != "180,320,-10,80" || rows[0]["variable"] != "VWND" {
		t.Error(text, err)
	}
	ok("climate", "pretrain", fine, "-o", at("ahead"), "--width", "32", "--layers", "1", "--heads", "2", "--max-steps", "2", "--progress", "none")
	_, said = ok("climate", "finetune", coarse, "--to", fine, "-m", at("ahead"), "-o", at("adapted"), "--lora-rank", "2", "--to-vars", "UWND", "--max-steps", "2", "--progress", "none")
	if !strings.Contains(said, "field of UWND over the whole grid, of UWND, VWND") {
		t.Error(said)
	}
	m, err := task.OpenModel(at("adapted"), task.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if a := m.About; a.Task != task.Downscale || len(a.Made) != 1 || len(a.Coarse.Lon) != 16 {
		t.Errorf("%+v", m.About)
	}
	ok("climate", "forecast", coarse, "-m", at("down"), "-m", at("down"), "-o", at("two.nc"), "--time", "1992-01") // an ensemble
	if _, err := os.Stat(at("two_m02.nc")); err != nil {
		t.Error(err)
	}

	refused := func(want string, code int, args ...string) {
		t.Helper()
		_, said, got := kiban(t.Context(), "", args...)
		if got != code || !strings.Contains(said, want) {
			t.Errorf("%q: code %d, wanted %d and %q: %s", args, got, code, want, said)
		}
	}
	refused("flags --to and --lead", 2, finely(coarse, fine, at("x"), "--lead", "1mo")...)
	refused("2 directories to downscale from", 2, append(finely(coarse, fine, at("x")), fine)...)
	refused("has no variable pr that changes in time", 1, finely(coarse, fine, at("x"), "--to-vars", "pr")...)
	refused("target anomaly-change: nothing persists", 1, finely(coarse, fine, at("x"), "--target", "anomaly-change")...)
	refused("the grid of the model's input is not that of the data", 1, "climate", "forecast", fine, "-m", at("down"), "-o", at("x.nc"))
	refused("flag --lead: the model is there to downscale", 2, "climate", "forecast", coarse, "-m", at("down"), "--lead", "1mo", "-o", at("x.nc"))
	refused("name what they were made of with --coarse", 2, "climate", "evaluate", at("fine.nc"), "--truth", fine)
	refused("name that with --truth", 2, "climate", "evaluate", coarse, "-m", at("down"))
	refused("a model forecasts from the truth that is named", 2, "climate", "evaluate", fine, "-m", at("ahead"), "--truth", fine)
	refused("of other tasks", 1, "climate", "forecast", coarse, "-m", at("down"), "-m", at("ahead"), "-o", at("x.nc"))
	for _, other := range []struct {
		want string
		args []string
	}{
		{"have no time in common", []string{"--time", "1982/1985", "--val", "1985"}},
		{"training years of the first", []string{"--val", "1989", "--test", "1990/1992"}},
	} {
		at := at("other")
		must(t, append([]string{"climate", "prepare", "/usr/share/ferret-vis/data/monthly_navy_winds.cdf", "-o", at, "--grid", "11.25"}, other.args...)...)
		late := coarse
		if other.args[0] == "--time" {
			late = at + "late"
			must(t, "climate", "prepare", "/usr/share/ferret-vis/data/monthly_navy_winds.cdf", "-o", late, "--grid", "22.5", "--time", "1987/1992", "--val", "1992")
		}
		refused(other.want, 1, finely(late, at, filepath.Join(dir, "x"))...)
		if err := os.RemoveAll(at); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(at("x")); !errors.Is(err, os.ErrNotExist) {
		t.Error("a refused run left a directory")
	}
}

// A coarse model in months of 30 days, the fine source in the standard calendar,
// with an orography: what is made has the times of the input, and is scored at the
// same months.
func TestClimateDownscaleCalendars(t *testing.T) {
	t.Parallel()
	if netcdf.LibraryVersion() == "" {
		t.Skip("this build has no NetCDF library")
	}
	dir := t.TempDir()
	height := func(lat, lon float64) float64 { return 1500 + 1500*math.Cos(lat/9)*math.Cos(lon/7) }
	write := func(name, grid string, c netcdf.Calendar, day int, orography bool) string {
		g, err := regrid.ParseTarget(grid)
		if err != nil {
			t.Fatal(err)
		}
		files := filepath.Join(dir, name+".nc")
		f := field.Frame{Grid: g, Calendar: c, Channels: []field.Channel{{Name: "tas", StandardName: "air_temperature", Units: "K"}}}
		for m := range 72 {
			f.Times = append(f.Times, netcdf.Date{Year: 2000 + m/12, Month: 1 + m%12, Day: day})
		}
		w, err := field.Create(files, f, field.About{})
		if err != nil {
			t.Fatal(err)
		}
		for m := range 72 {
			var x []float32
			for _, lat := range g.Lat {
				for _, lon := range g.Lon {
					v := 285 + 20*math.Cos(lat/40)*math.Cos(float64(m)/6*math.Pi) + 3*math.Sin(float64(m*m)+lon/60)
					if orography {
						v -= 0.0065 * height(lat, lon)
					}
					x = append(x, float32(v))
				}
			}
			if err := w.Put(m, 0, x); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Commit(); err != nil {
			t.Fatal(err)
		}
		inputs := []string{files}
		if orography {
			schema := netcdf.Schema{Dimensions: []netcdf.Dimension{{Name: "lat", Size: g.Rows()}, {Name: "lon", Size: g.Columns()}},
				Variables: []netcdf.NewVariable{
					{Name: "lat", Type: "double", Dimensions: []string{"lat"}, Attributes: []netcdf.Attribute{netcdf.Text("units", "degrees_north")}},
					{Name: "lon", Type: "double", Dimensions: []string{"lon"}, Attributes: []netcdf.Attribute{netcdf.Text("units", "degrees_east")}},
					{Name: "orog", Type: "float", Dimensions: []string{"lat", "lon"}, Attributes: []netcdf.Attribute{netcdf.Text("units", "m"), netcdf.Text("standard_name", "surface_altitude")}}}}
			w, err := netcdf.Create(filepath.Join(dir, "orog.nc"), schema)
			if err != nil {
				t.Fatal(err)
			}
			var x []float32
			for _, lat := range g.Lat {
				for _, lon := range g.Lon {
					x = append(x, float32(height(lat, lon)))
				}
			}
			if err := errors.Join(w.Put("lat", []int{0}, []int{g.Rows()}, g.Lat), w.Put("lon", []int{0}, []int{g.Columns()}, g.Lon),
				w.Put("orog", []int{0, 0}, []int{g.Rows(), g.Columns()}, x), w.Commit()); err != nil {
				t.Fatal(err)
			}
			inputs = append(inputs, filepath.Join(dir, "orog.nc"))
		}
		out := filepath.Join(dir, name)
		must(t, slices.Concat([]string{"climate", "prepare"}, inputs, []string{"-o", out, "--val", "2004", "--test", "2005"})...)
		return out
	}
	coarse, fine := write("coarse", "4x8", netcdf.Days360, 30, false), write("fine", "8x16", netcdf.Standard, 1, true)
	down := filepath.Join(dir, "down")
	_, said, code := kiban(t.Context(), "", finely(coarse, fine, down, "--max-steps", "12")...)
	if code != 0 || !strings.Contains(said, "beside      it sees the orography of "+fine) {
		t.Fatal(code, said)
	}
	nc := filepath.Join(dir, "made.nc")
	must(t, "climate", "forecast", filepath.Join(dir, "coarse.nc"), "-m", down, "-o", nc, "--time", "2005") // the file alone
	d, err := describeNetCDF(nc)
	if err != nil {
		t.Fatal(err)
	}
	if v, _ := d.Variable("time"); v.Time == nil || v.Time.First.String() != "2005-01-30 00:00:00" || v.Text("calendar") != "360_day" {
		t.Errorf("%+v", v)
	}
	table, said, code := kiban(t.Context(), "", "climate", "evaluate", nc, "--truth", fine, "--coarse", coarse, "--metrics", "rmse")
	if code != 0 || strings.Count(table, "\n") != 2 || !strings.HasSuffix(strings.TrimSpace(table), "\t12") {
		t.Errorf("code %d: %s%s", code, table, said)
	}
}
