package task_test

import (
	"math"
	"testing"

	"github.com/kiban-models/kiban/climate/skill"
	"github.com/kiban-models/kiban/climate/store"
	"github.com/kiban-models/kiban/climate/task"
	"github.com/kiban-models/kiban/core/nn"
)

// TestAnomalyChange shows that zeros of that target let the anomaly persist: the
// climatology of the training years, summed up here, at the time that is forecast
// with the departure from it where the forecast begins. Training leaves a model
// that says what it normalises by and makes the scores of its validation again.
func TestAnomalyChange(t *testing.T) {
	s := makeStore(t, madeUp{channels: "ab"})
	setup := task.Setup{Target: task.AnomalyChange, Season: true}
	o := tiny(t, setup, s)
	begun, err := begin(t, tiny(t, task.Setup{Season: true}, s), 1).Begin(&o.About, 1)
	if err != nil {
		t.Fatal(err)
	}
	o.Source = silent{begun.Source}
	table := scores(t, o, store.Validation)

	sel, err := s.Select([]string{"a", "b"}, []store.Norm{{Std: 1}, {Std: 1}})
	if err != nil {
		t.Fatal(err)
	}
	n := s.Grid().Size()
	fields := make([][]float32, s.Len())
	climate := make([][]float64, 12)
	years := 0
	for r := range fields {
		fields[r] = make([]float32, sel.Size())
		if err := sel.Read(fields[r], []int{r}); err != nil {
			t.Fatal(err)
		}
		if s.Part(r) != store.Train {
			continue
		}
		years = r/12 + 1
		if climate[r%12] == nil {
			climate[r%12] = make([]float64, sel.Size())
		}
		for i, x := range fields[r] {
			climate[r%12][i] += float64(x)
		}
	}
	var squares [2]float64
	for r, x := range fields[:12*years] {
		for i := range x {
			d := float64(x[i]) - climate[r%12][i]/float64(years)
			squares[i/n] += d * d
		}
	}
	board, err := skill.NewBoard(s.Grid(), nil, skill.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for r, x := range fields {
		for _, lead := range []int{1, 3} {
			if s.Part(r) != store.Validation || r+lead >= s.Len() || s.Part(r+lead) != store.Validation {
				continue
			}
			made := make([]float32, len(x))
			for i := range made {
				made[i] = float32(float64(x[i]) + (climate[(r+lead)%12][i]-climate[r%12][i])/float64(years))
			}
			for c, ch := range o.About.Out() {
				if err := board.Add("persists", ch.Field(), float64(lead)*730.485, made[c*n:][:n], fields[r+lead][c*n:][:n], nil); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	checked := 0
	for _, r := range board.Table() {
		if r.Metric != "rmse" {
			continue
		}
		have, ok := table.Find(task.ModelName, r.Variable, 0, "global", r.LeadHours, "rmse")
		if d := have - float64(r.Value); !ok || d > 1e-4 || d < -1e-4 {
			t.Errorf("%s at %g: %v, where the anomaly persists %v", r.Variable, r.LeadHours, have, r.Value)
		}
		checked++
	}
	if checked != 4 {
		t.Errorf("%d scores", checked)
	}

	o.Source = nil
	out := run(t, o)
	m, err := task.OpenModel(o.Dir, task.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for c, ch := range m.About.Out() {
		want := math.Sqrt(squares[c] / float64(12*years*n))
		if d := ch.AnomalyStd - want; d > 1e-5 || d < -1e-5 {
			t.Errorf("%s: anomalies over %v, their deviation is %v", ch.Key, ch.AnomalyStd, want)
		}
	}
	b := openCPU(t)
	if err := m.Load(b, nn.Policy{}); err != nil {
		t.Fatal(err)
	}
	f, err := m.Forecaster(b, s.Grid(), task.ForecasterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	again, err := skill.NewBoard(s.Grid(), nil, skill.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for r, x := range fields {
		if s.Part(r) != store.Validation || r+1 >= s.Len() || s.Part(r+1) != store.Validation {
			continue
		}
		made, _, err := f.Forecast(t.Context(), []task.Start{{Time: s.Times()[r], Fields: x}}, 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := again.Add(task.ModelName, m.About.Out()[0].Field(), 730.485, made[0][:n], fields[r+1][:n], nil); err != nil {
			t.Fatal(err)
		}
	}
	have, _ := again.Table().Find(task.ModelName, "a", 0, "global", 730.485, "rmse")
	if want, ok := out.Validation[0].Find(task.ModelName, "a", 0, "global", 730.485, "rmse"); !ok || have-want > 1e-4 || want-have > 1e-4 {
		t.Errorf("RMSE %v, in training %v", have, want)
	}
}
