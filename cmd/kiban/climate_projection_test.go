package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/climate/netcdf"
	"github.com/kiban-models/kiban/climate/task"
)

// scenarioStores prepares made-up scenarios: forcings, and the temperature that
// comes of them, ssp245 to test with and ssp370 to validate with.
func scenarioStores(t *testing.T) (files, forcings, outputs string) {
	t.Helper()
	if netcdf.LibraryVersion() == "" {
		t.Skip("this build has no NetCDF library")
	}
	dir := t.TempDir()
	files, forcings, outputs = filepath.Join(dir, "scenarios"), filepath.Join(dir, "forcings"), filepath.Join(dir, "outputs")
	must(t, "climate", "example", "-o", files)
	held := []string{"--scenarios", "all", "--val-scenario", "ssp370", "--test-scenario", "ssp245"}
	must(t, slices.Concat([]string{"climate", "prepare"}, matching(t, files, "inputs_*.nc"), []string{"-o", forcings, "--vars", "CO2,SO2,CH4,BC"}, held)...)
	must(t, slices.Concat([]string{"climate", "prepare"}, matching(t, files, "outputs_*.nc"), []string{"-o", outputs, "--vars", "tas", "--units", "tas=K", "--pick", "member=mean"}, held)...)
	return files, forcings, outputs
}

func matching(t *testing.T, dir, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	return files
}

// projecting are the arguments of a run of seconds.
func projecting(forcings, outputs, out string, more ...string) []string {
	return append([]string{"climate", "pretrain", forcings, "--to", outputs, "-o", out, "--history", "5", "--preset", "tiny", "--device", "cpu", "--threads", "1", "--progress", "none",
		"--precision", "f32", "--width", "32", "--layers", "1", "--heads", "2", "--patch", "4", "--batch-size", "8", "--log-every", "4"}, more...)
}

// From files in the form of ClimateBench's to the climate of a scenario that was
// held out, nearer than pattern scaling; in a file, and scored by the model, it is
// the same. A forecaster becomes a projector.
func TestClimateProjection(t *testing.T) {
	t.Parallel()
	_, forcings, outputs := scenarioStores(t)
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
	_, said := ok(projecting(forcings, outputs, at("projector"), "--max-steps", "300")...)
	for _, want := range []string{"task        field of 2m_temperature over the whole grid", "examples: of CO2, SO2, CH4, BC in ", ", 5 records up to that of ",
		"to train on: historical, hist-GHG, hist-aer, ssp126, ssp585", "to test with: ssp245", "validation RMSE over the deviation: pattern scaling ", "next: kiban climate forecast " + forcings + " -m "} {
		if !strings.Contains(said, want) {
			t.Errorf("want %q: %s", want, said)
		}
	}
	_, said = ok("climate", "forecast", forcings, "-m", at("projector"), "-o", at("projection.nc"))
	if !strings.Contains(said, "ssp245: 86 times of 2m_temperature, 2015-07-01") || !strings.Contains(said, "--forcings "+forcings) {
		t.Error(said)
	}
	scored := []string{"--truth", outputs, "--time", "2080/2100", "--json"}
	table, said := ok(append([]string{"climate", "evaluate", at("projection.nc"), "--forcings", forcings, "-o", at("skill")}, scored...)...)
	if !strings.Contains(said, "RMSE below that of pattern scaling in 1 of 1 rows, below all baselines in 1; 21 times scored") {
		t.Error(said)
	}
	var rows []struct {
		Metric                          string
		Kiban                           float64
		PatternScaling, Climatology, At any
		N                               int
	}
	if err := json.Unmarshal([]byte(table), &rows); err != nil {
		t.Fatal(err)
	}
	var metrics []string
	for _, r := range rows {
		if metrics = append(metrics, r.Metric); r.N != 21 {
			t.Errorf("%+v", r)
		}
	}
	if got := strings.Join(metrics, " "); got != "rmse mae bias acc nrmse_spatial nrmse_global nrmse" {
		t.Error(got)
	}
	if again, _ := ok(append([]string{"climate", "evaluate", forcings, "-m", at("projector")}, scored...)...); !sameTables(t, again, table) {
		t.Errorf("scored by the model: %s, by the file: %s", again, table)
	}
	for _, name := range []string{"skill.csv", "report.html", "results.json", "figures/global_mean_tas.png", "figures/projected_tas_2100.svg"} {
		if _, err := os.Stat(filepath.Join(at("skill"), name)); err != nil {
			t.Error(err)
		}
	}
	// A scenario that was trained on has no history before its fifth year where
	// nothing leads to it.
	_, said = ok("climate", "forecast", forcings, "-m", at("projector"), "-o", at("ghg.nc"), "--scenario", "hist-GHG")
	if !strings.Contains(said, "4 times of hist-GHG have no history that is long enough") || !strings.Contains(said, "hist-GHG: 61 times of") {
		t.Error(said)
	}
	ok("climate", "plot", at("projection.nc"), "--truth", outputs, "--time", "2090", "-o", at("map.png"))

	// A forecaster of months, of other variables, begins it.
	ok(forecasting(climateStore(t), at("forecaster"))...)
	for name, flags := range map[string][]string{"frozen": {"--freeze", "body"}, "adapters": {"--lora-rank", "2"}, "published": {"--projection-as-published"}} {
		_, said = ok(append([]string{"climate", "finetune", forcings, "--to", outputs, "--history", "3", "-m", at("forecaster"), "-o", at(name),
			"--preset", "tiny", "--device", "cpu", "--threads", "1", "--progress", "none", "--precision", "f32", "--max-steps", "3", "--batch-size", "8"}, flags...)...)
		if !strings.Contains(said, "the model did not know CO2, SO2, CH4, BC") {
			t.Error(said)
		}
		m, err := task.OpenModel(at(name), task.OpenOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if a := m.About; a.Task != task.Project || a.History != 3 || !m.Config.IsProjector() || m.Config.Frozen != (name == "frozen") || a.Even != (name == "published") || a.Provenance["model_sha256"] == nil {
			t.Errorf("%s: %+v, %+v", name, a, m.Config)
		}
		m.Close()
	}
	// And a projector goes on, with the history that it has.
	ok("climate", "finetune", forcings, "--to", outputs, "-m", at("projector"), "-o", at("further"), "--preset", "tiny", "--device", "cpu", "--threads", "1", "--progress", "none", "--precision", "f32",
		"--max-steps", "3", "--batch-size", "8")
}

// sameTables tells whether scores are the same but for what float32 in a file
// rounds.
func sameTables(t *testing.T, a, b string) bool {
	t.Helper()
	var x, y []map[string]any
	if err := json.Unmarshal([]byte(a), &x); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(b), &y); err != nil {
		t.Fatal(err)
	}
	return slices.EqualFunc(x, y, func(p, q map[string]any) bool {
		u, v := p["kiban"].(float64), q["kiban"].(float64)
		return p["metric"] == q["metric"] && u-v < 1e-5 && v-u < 1e-5
	})
}

// What is wrong is said with what to do.
func TestClimateProjectionRefusals(t *testing.T) {
	t.Parallel()
	files, forcings, outputs := scenarioStores(t)
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	must(t, projecting(forcings, outputs, at("projector"), "--max-steps", "2")...)
	must(t, "climate", "forecast", forcings, "-m", at("projector"), "-o", at("projection.nc"))
	must(t, slices.Concat([]string{"climate", "prepare"}, matching(t, files, "inputs_*.nc"), []string{"-o", at("some"), "--vars", "CO2,SO2,CH4,BC", "--scenarios", "historical,ssp126,ssp245,ssp370",
		"--val-scenario", "ssp370", "--test-scenario", "ssp245"})...)
	must(t, slices.Concat([]string{"climate", "prepare"}, matching(t, files, "inputs_*.nc"), []string{"-o", at("leaking"), "--vars", "CO2,SO2,CH4,BC", "--scenarios", "all"})...)
	must(t, slices.Concat([]string{"climate", "prepare"}, matching(t, files, "inputs_*.nc"), []string{"-o", at("carbon"), "--vars", "CO2,SO2", "--scenarios", "all", "--test-scenario", "ssp245"})...)
	for _, x := range []struct {
		code int
		want string
		args []string
	}{
		{exitFailed, "or take experiments for runs of one store with --scenarios all", append([]string{"prepare", "-o", at("no"), "--vars", "CO2,SO2"}, matching(t, files, "inputs_*.nc")...)},
		{exitMisuse, `no scenario "ssp119"; there are historical`, append([]string{"prepare", "-o", at("no"), "--vars", "CO2,SO2", "--scenarios", "all", "--test-scenario", "ssp119"}, matching(t, files, "inputs_*.nc")...)},
		{exitFailed, "variable CO2: has a time and no place, nor has any other that is wanted", []string{"prepare", filepath.Join(files, "inputs_ssp245.nc"), "-o", at("no"), "--vars", "CO2"}},
		{exitFailed, "has no variable N2O", []string{"prepare", filepath.Join(files, "inputs_ssp245.nc"), "-o", at("no"), "--vars", "N2O,SO2"}},
		{exitFailed, "member has 3 values", []string{"prepare", filepath.Join(files, "outputs_ssp245.nc"), "-o", at("no"), "--vars", "tas", "--units", "tas=K"}},
		{exitFailed, `the second has "hist-GHG", of which the first has nothing`, projecting(at("some"), outputs, at("no"))[1:]},
		{exitFailed, "is for test in the second and to train on in the first", projecting(at("leaking"), outputs, at("no"))[1:]},
		{exitFailed, "a history of 400 records", projecting(forcings, outputs, at("no"), "--history", "400")[1:]},
		{exitFailed, "has no forcing N2O; it has CO2 SO2 CH4 BC", projecting(forcings, outputs, at("no"), "--vars", "CO2,N2O")[1:]},
		{exitMisuse, "a projection is of the whole grid", projecting(forcings, outputs, at("no"), "--season")[1:]},
		{exitMisuse, "Name it with --to", []string{"pretrain", forcings, "--history", "5", "-o", at("no")}},
		{exitFailed, "the model is a projector, which learns from forcings", []string{"finetune", forcings, "-m", at("projector"), "-o", at("no")}},
		{exitFailed, "has no variable CH4", []string{"forecast", at("carbon"), "-m", at("projector"), "-o", at("no.nc")}},
		{exitFailed, "0 of its scenarios are for test; choose one with --scenario", []string{"forecast", at("leaking"), "-m", at("projector"), "-o", at("no.nc")}},
		{exitFailed, "has the members historical", []string{"forecast", forcings, "-m", at("projector"), "-o", at("no.nc"), "--scenario", "ssp119"}},
		{exitFailed, "projects what a directory of kiban climate prepare holds", []string{"forecast", filepath.Join(files, "inputs_ssp245.nc"), "-m", at("projector"), "-o", at("no.nc")}},
		{exitMisuse, "which leads to no other time", []string{"forecast", forcings, "-m", at("projector"), "-o", at("no.nc"), "--lead", "1y"}},
		{exitMisuse, "name the directory of their forcings with --forcings", []string{"evaluate", at("projection.nc"), "--truth", outputs}},
		{exitFailed, "is no directory of kiban climate prepare", []string{"evaluate", at("projection.nc"), "--truth", filepath.Join(files, "outputs_ssp245.nc"), "--forcings", forcings}},
		{exitFailed, "no time lies in 1950/1960", []string{"evaluate", at("projection.nc"), "--truth", outputs, "--forcings", forcings, "--time", "1950/1960"}},
	} {
		_, said, code := kiban(t.Context(), "", append([]string{"climate"}, x.args...)...)
		if code != x.code || !strings.Contains(said, x.want) {
			t.Errorf("%q: code %d, want %d and %q: %s", x.args, code, x.code, x.want, said)
		}
	}
	if left, _ := filepath.Glob(at("no*")); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}
