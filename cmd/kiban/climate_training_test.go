package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/task"
)

// climateStore prepares five years of two members' temperature on 8x16 cells.
func climateStore(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "tas_Amon_TEST_historical_r1i1p1f1_gn_200001-200412.nc")
	climateFile(t, file, "tas", "air_temperature", "K", "r1i1p1f1", 60, func(m, cell int) float32 {
		return float32(280 + 8*math.Cos(2*math.Pi*float64(m)/12+float64(cell/16)) + math.Sin(float64(m*m+cell%16)))
	})
	out := filepath.Join(dir, "data")
	must(t, "climate", "prepare", file, "-o", out, "--val", "2003", "--test", "2004")
	return out
}

// forecasting are the arguments of a run of a second.
func forecasting(data, out string, more ...string) []string {
	return append([]string{"climate", "pretrain", data, "-o", out, "--device", "cpu", "--threads", "1", "--progress", "none", "--precision", "f32", "--width", "16", "--layers", "1",
		"--heads", "2", "--batch-size", "4", "--max-steps", "24", "--log-every", "4", "--lead", "1mo..3mo"}, more...)
}

func TestClimateTraining(t *testing.T) {
	t.Parallel()
	data, dir := climateStore(t), t.TempDir()
	first := filepath.Join(dir, "first")
	_, stderr, code := kiban(t.Context(), "", forecasting(data, first)...)
	for _, want := range []string{"8x16 cells in patches of 4, 1 layers, width 16, 2 heads, 3 variables", "task        damped of 2m_temperature over the whole grid", "lead times of 1 to 3 × 1 month",
		"validation RMSE over the deviation: persistence ", "next: kiban climate forecast"} {
		if code != 0 || !strings.Contains(stderr, want) {
			t.Fatalf("code %d, want %q: %s", code, want, stderr)
		}
	}
	var r climateResults
	if err := readJSONFile(filepath.Join(first, "results.json"), &r); err != nil {
		t.Fatal(err)
	}
	if s := r.Scores; r.Steps != 24 || len(r.Validation) < 40 || !(s["w_rmse"] > 0 && s["w_rmse"] < s["w_rmse_persistence"]) {
		t.Errorf("%d steps, %d rows, scores %v", r.Steps, len(r.Validation), s)
	}
	report, err := os.ReadFile(filepath.Join(first, "report.html"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"RMSE by lead time", "Learning rate by step", "damped persistence", "of the validation years"} {
		if !bytes.Contains(report, []byte(want)) {
			t.Errorf("the report lacks %q", want)
		}
	}
	for _, name := range []string{"config.json", "kiban.json", "model.safetensors", "climatology.safetensors", "damping.safetensors", "run.json", "metrics.jsonl", "figures/loss.svg", "figures/rmse_by_lead_tas.png"} {
		if _, err := os.Stat(filepath.Join(first, name)); err != nil {
			t.Error(err)
		}
	}

	// A region, adapters, a frozen body, what is made of one another.
	for name, flags := range map[string][]string{
		"region":    {"--region", "lat=-90:5,lon=80:280"},
		"published": {"--region", "lat=0:90,lon=0:170", "--region-as-published", "--freeze", "body"},
		"adapters":  {"--lora-rank", "2", "--lead", "1mo"},
		"iterated":  {"--lead", "1mo", "--iterate", "3"},
		"changes":   {"--target", "change"},
	} {
		out := filepath.Join(dir, name)
		args := append([]string{"climate", "finetune", data, "-m", first, "-o", out, "--preset", "tiny", "--device", "cpu", "--threads", "1", "--progress", "none", "--precision", "f32", "--max-steps", "6", "--batch-size", "4"}, flags...)
		must(t, args...)
		m, err := task.OpenModel(out, task.OpenOptions{})
		if err != nil {
			t.Fatal(err)
		}
		a := m.About
		switch name {
		case "region":
			if len(a.Boxes) != 1 || a.Target != task.Damped || !a.Season || len(a.Leads) != 3 {
				t.Errorf("%s: %+v", name, a)
			}
		case "published":
			if !a.Mirrored {
				t.Errorf("%s: %+v", name, a)
			}
		case "adapters":
			if _, err := os.Stat(filepath.Join(out, "adapter", "adapter_config.json")); err != nil {
				t.Error(err)
			}
		case "iterated":
			if a.Iterations != 3 {
				t.Errorf("%s: %+v", name, a)
			}
		case "changes":
			if a.Target != task.Change || a.Climatology != "" {
				t.Errorf("%s: %+v", name, a)
			}
		}
		if a.Provenance["model"] != first || a.Provenance["model_sha256"] == nil || a.Provenance["sources"] == nil {
			t.Errorf("%s: provenance %v", name, a.Provenance)
		}
		m.Close()
	}
	if n := len(fineLeads(t, filepath.Join(dir, "iterated"))); n != 3 {
		t.Errorf("iterated forecasts are scored at %d lead times, wanted 3", n)
	}

	// What a run needs is said before it.
	out := must(t, forecasting(data, filepath.Join(dir, "none"), "--dry-run", "--json")...)
	var needs []struct {
		Parameters, Trainable int
		Memory                int64 `json:"memory_bytes"`
	}
	if err := json.Unmarshal([]byte(out), &needs); err != nil || len(needs) != 1 || needs[0].Parameters == 0 || needs[0].Trainable != needs[0].Parameters || needs[0].Memory < 1<<16 {
		t.Errorf("%v: %s", err, out)
	}
	if _, err := os.Stat(filepath.Join(dir, "none")); err == nil {
		t.Error("--dry-run made the directory")
	}

	for _, x := range []struct {
		args []string
		code int
		want string
	}{
		{forecasting(data, first), exitFailed, "exists already and is not empty"},
		{forecasting(data, filepath.Join(dir, "x"), "--lead", "36h"), exitMisuse, "lead time 36h is no multiple of the data's interval, 1 month"},
		{forecasting(data, filepath.Join(dir, "x"), "--lead", "40mo"), exitFailed, "a lead time of 40"},
		{forecasting(data, filepath.Join(dir, "x"), "--patch", "3"), exitFailed, "a grid of 8x16 cells is not one of whole patches of 3x3; give --patch 2, which makes 32 of them"},
		{forecasting(data, filepath.Join(dir, "x"), "-m", first), exitMisuse, "kiban climate finetune"},
		{forecasting(data, filepath.Join(dir, "x"), "--vars", "pr"), exitFailed, "has no variable pr; it has 2m_temperature"},
		{forecasting(data, filepath.Join(dir, "x"), "--target", "anomalies"), exitMisuse, "did you mean anomaly?"},
		{forecasting(dir, filepath.Join(dir, "x")), exitFailed, "no manifest.json in it"},
		{[]string{"climate", "pretrain", "-o", filepath.Join(dir, "x")}, exitMisuse, "no data given"},
		{[]string{"climate", "finetune", data, "-m", first, "-o", filepath.Join(dir, "x"), "--lora-rank", "2", "--freeze", "body"}, exitMisuse, "give one of them"},
		{[]string{"climate", "finetune", data, "-m", first, "-o", filepath.Join(dir, "x"), "--region", "lat=0:1,lon=0:1"}, exitFailed, "holds no whole patch"},
		{[]string{"climate", "finetune", data, "-o", filepath.Join(dir, "x")}, exitMisuse, "-m"},
	} {
		if _, stderr, code := kiban(t.Context(), "", x.args...); code != x.code || !strings.Contains(stderr, x.want) {
			t.Errorf("%q: code %d, want %d with %q: %s", x.args, code, x.code, x.want, stderr)
		}
	}
}

// fineLeads are the lead times that a run was scored at.
func fineLeads(t *testing.T, dir string) map[float64]bool {
	t.Helper()
	var r climateResults
	if err := readJSONFile(filepath.Join(dir, "results.json"), &r); err != nil {
		t.Fatal(err)
	}
	leads := map[float64]bool{}
	for _, row := range r.Validation {
		if row.Model == task.ModelName {
			leads[row.LeadHours] = true
		}
	}
	return leads
}

// Lead times of the data's interval, as ClimaX has them, and as they are given.
func TestClimateLeads(t *testing.T) {
	const hour = 3_600_000
	for _, x := range []struct {
		step        field.Step
		usual, some string
	}{
		{field.Step{Millis: hour}, "6h..168h", "72h"},
		{field.Step{Millis: 6 * hour}, "6h..168h", "72h"},
		{field.Step{Millis: 24 * hour}, "24h..168h", "72h"},
		{field.Step{Millis: 10 * 24 * hour}, "240h..240h", "240h"},
		{field.Step{Months: 1}, "1mo..6mo", "1mo"},
		{field.Step{Months: 12}, "12mo..120mo", "12mo"},
	} {
		if a, b := usualLeads(x.step), someLead(x.step); a != x.usual || b != x.some {
			t.Errorf("%s: %s and %s, wanted %s and %s", x.step, a, b, x.usual, x.some)
		}
		o := climateOptions{}
		if _, _, err := o.leads(usualLeads(x.step), "lead", "", x.step); err != nil {
			t.Error(err)
		}
	}
	for text, want := range map[string]string{"6h": "[1] 1", "12h,6h": "[1 2] 2", "6h..24h": "[1 2 3 4] 4", "6h..12h,2d": "[1 2 8] 8", "24h..6h": "is no range", "6h,,": "cannot be read"} {
		o := climateOptions{}
		steps, reach, err := o.leads(text, "lead", "x", field.Step{Millis: 6 * hour})
		if got := fmt.Sprint(steps, " ", reach, err); !strings.HasPrefix(got, want) && !(err != nil && strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %s, wanted %s", text, got, want)
		}
	}
	o := climateOptions{LeadRange: true}
	if steps, reach, err := o.leads("6h..24h", "lead", "x", field.Step{Millis: 6 * hour}); fmt.Sprint(steps, reach, err) != "[1 2 3] 4 <nil>" {
		t.Errorf("as published: %v %d %v", steps, reach, err)
	}
}
