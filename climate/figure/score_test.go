package figure

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/figure"
)

// monthly are scores as of forecasts by month: 31, 59 and 90 days ahead.
func monthly() []Score {
	var out []Score
	for _, m := range []struct {
		name      string
		rmse, acc float64
		grow      float64
	}{{"kiban", 1.25, 0.8, 0.25}, {"persistence", 1.5, 0.7, 0.8}, {"damped_persistence", 1.4, 0.7, 0.4}, {"climatology", 2, 0, 0}} {
		for i, h := range []float64{744, 1416, 2160} {
			s := Score{Model: m.name, Variable: "uas", Region: "North America", LeadHours: h, Metric: "rmse", Value: m.rmse + m.grow*float64(i), Units: "m s-1", N: 24 - i}
			out = append(out, s)
			s.Metric, s.Units, s.Value = "acc", "1", m.acc/float64(i+1)
			if m.name == "climatology" {
				s.Value = math.NaN() // its anomalies are all 0
			}
			out = append(out, s)
		}
	}
	return out
}

func TestByLead(t *testing.T) {
	f, err := ByLead(monthly(), "rmse")
	if err != nil {
		t.Fatal(err)
	}
	data, err := f.CSV()
	if err != nil {
		t.Fatal(err)
	}
	if want := "series,x,y\nkiban,1,1.25\nkiban,2,1.5\nkiban,3,1.75\npersistence,1,1.5\n"; !strings.HasPrefix(string(data), want) {
		t.Errorf("the table begins\n%s\nwanted\n%s", data, want)
	}
	if f.Subtitle != "uas, North America; n = 22 to 24 forecasts" {
		t.Errorf("subtitle is %q", f.Subtitle)
	}
	high := Score{Variable: "ta", Level: 850, Region: "global", Metric: "crps_fair"}
	if high.what() != "ta at 850 hPa, global" || metricName(high.Metric) != "Fair CRPS" || metricName("bias") != "Bias" {
		t.Errorf("%s of %s", metricName(high.Metric), high.what())
	}
	other := append(monthly(), Score{Model: "kiban", Variable: "vas", Metric: "rmse"})
	if _, err := ByLead(other, "rmse"); err == nil {
		t.Error("two variables were drawn as one")
	}
	if _, err := ByLead(append(monthly(), monthly()...), "rmse"); err == nil {
		t.Error("two scores at one lead time were drawn")
	}
	if _, err := ByLead(monthly(), "crps"); err == nil {
		t.Error("a metric was drawn that there is none of")
	}
}

func TestLeadUnit(t *testing.T) {
	for _, c := range []struct {
		hours []float64
		unit  string
		last  float64
	}{
		{[]float64{6, 24, 72}, "hours", 72},
		{[]float64{24, 72, 120}, "days", 5},
		{[]float64{6, 12, 336}, "days", 14},
		{[]float64{672, 1464}, "months", 2},
		{[]float64{744, 8760}, "months", 12},
	} {
		unit, v := leadUnit(c.hours)
		if unit != c.unit || v[len(v)-1] != c.last {
			t.Errorf("%v hours are %v %s, wanted the last to be %v %s", c.hours, v, unit, c.last, c.unit)
		}
	}
}

func TestReport(t *testing.T) {
	dir := t.TempDir()
	lead, err := ByLead(monthly(), "acc")
	if err != nil {
		t.Fatal(err)
	}
	m, err := Map(warm(5.625), Options{Title: "Temperature"})
	if err != nil {
		t.Fatal(err)
	}
	names, err := WriteReport(dir, figure.Report{Title: "Winds"}, monthly(), []Shown{
		{"acc_by_lead", "ACC by lead time.", Finding(monthly(), "acc"), lead},
		{"map", "Temperature.", "It is warm at the equator.", m},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(names) != 7 || names[6] != filepath.Join(dir, "report.html") {
		t.Errorf("%v were written", names)
	}
	page, err := os.ReadFile(names[6])
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"RMSE of uas, North America at 1 month: persistence 1.5, damped persistence 1.4, climatology 2, kiban 1.25 m s-1 (n = 24 forecasts); at 3 months: ",
		"<th scope=\"col\">damped persistence</th>", "RMSE, weighted by area: lower is better", "It is warm at the equator.", "<td>–</td>",
	} {
		if !strings.Contains(string(page), want) {
			t.Errorf("%q is not on the page", want)
		}
	}
	if strings.Contains(string(page), "NaN") {
		t.Error("the page speaks of NaN")
	}
}
