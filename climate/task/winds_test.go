//go:build cgo && !nonetcdf

package task_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/regrid"
	"github.com/kiban-models/kiban/climate/skill"
	"github.com/kiban-models/kiban/climate/store"
	"github.com/kiban-models/kiban/climate/task"
	"github.com/kiban-models/kiban/core/train"
)

// winds are the monthly surface winds of Debian's ferret-datasets, 1982 to 1992.
const winds = "/usr/share/ferret-vis/data/monthly_navy_winds.cdf"

// TestWinds pretrains on real winds and fine-tunes on North America: in the two
// years that nobody has seen, every wind at every lead time is forecast better
// than by persistence, and as well as by damped persistence, where it started.
func TestWinds(t *testing.T) {
	if testing.Short() {
		t.Skip("half a minute of training")
	}
	if _, err := os.Stat(winds); err != nil {
		t.Skip("ferret-datasets is not installed:", err)
	}
	series, err := field.Open([]string{winds}, field.Options{Model: true})
	if err != nil {
		t.Fatal(err)
	}
	defer series.Close()
	g, err := regrid.ParseTarget("5.625")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "data")
	plan, err := store.NewPlan(store.Options{Inputs: []store.Input{{Series: series}}, Out: dir, Target: g, MinValid: 0.5,
		Split: store.Split{Train: store.Years{From: 1982, To: 1989}, Validation: store.Years{From: 1990, To: 1990}, Test: store.Years{From: 1991, To: 1992}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plan.Write(context.Background()); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(dir, store.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	leads := []int{1, 3, 6}
	o := tiny(t, task.Setup{Target: task.Damped, Season: true, Leads: []int{1, 2, 3, 4, 5, 6}}, s)
	o.Config = o.About.NewConfig(4, 64, 2, 4)
	o.Config.DecoderDepth = 1
	o.EvalLeads, o.BatchSize, o.Epochs, o.Patience = leads, 8, 30, 10
	o.Optimizer = train.Optimizer{LR: 2e-3, Beta2: 0.95, WeightDecay: 0.01, Schedule: train.Cosine}
	o.WarmupShare = 0.1
	run(t, o)
	m, err := task.OpenModel(o.Dir, task.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	region, err := field.ParseRegion("climax:NorthAmerica", "")
	if err != nil {
		t.Fatal(err)
	}
	p := o
	p.Dir = t.TempDir()
	if p.About, err = task.Describe(p.Stores, task.Setup{Target: task.Damped, Season: true, Leads: leads, Region: &region}); err != nil {
		t.Fatal(err)
	}
	begun, err := m.Begin(&p.About, 1)
	if err != nil {
		t.Fatal(err)
	}
	p.Source, p.Config, p.Epochs = begun.Source, begun.Config, 10
	p.Optimizer.LR, p.Optimizer.Steps = 2e-4, 0
	p.Config.Dropout, p.Config.DropPath = 0.1, 0.1
	for _, x := range []task.Options{o, p} {
		b := openCPU(t)
		tr, err := task.New(context.Background(), b.Limits(), x)
		if err != nil {
			t.Fatal(err)
		}
		if x.Dir == p.Dir {
			if _, err := tr.Run(context.Background(), b); err != nil {
				t.Fatal(err)
			}
		} else {
			was, err := task.OpenModel(x.Dir, task.OpenOptions{})
			if err != nil {
				t.Fatal(err)
			}
			defer was.Close()
			if err := was.Load(b, x.Policy); err != nil {
				t.Fatal(err)
			}
		}
		tables, err := tr.Evaluate(context.Background(), b, store.Test)
		if err != nil {
			t.Fatal(err)
		}
		beats(t, tables[0])
	}
}

// beats reports the RMSE of all models, and where ours does not beat
// persistence.
func beats(t *testing.T, table skill.Table) {
	rows := 0
	for _, r := range table {
		if r.Model != task.ModelName || r.Metric != "rmse" {
			continue
		}
		rows++
		line := fmt.Sprintf("%s of %s at %g h (n=%d): model %.3f", r.Region, r.Variable, r.LeadHours, r.N, float64(r.Value))
		for _, name := range (&task.About{}).Baselines() {
			v, ok := table.Find(name, r.Variable, r.Level, r.Region, r.LeadHours, "rmse")
			line += fmt.Sprintf(", %s %.3f", name, v)
			most := map[string]float64{"persistence": v, "damped_persistence": 1.01 * v}[name]
			if name != "climatology" && !(ok && float64(r.Value) < most) {
				t.Errorf("%s of %s at %g h: RMSE %v, of %s %v", r.Region, r.Variable, r.LeadHours, r.Value, name, v)
			}
		}
		t.Log(line)
	}
	if rows != 6 {
		t.Errorf("%d scores, wanted two winds at three lead times", rows)
	}
}
