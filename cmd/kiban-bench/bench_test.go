package main

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/kiban-models/kiban/climate/netcdf"
)

func TestMain(m *testing.M) {
	netcdf.Isolate() // as main does
	os.Exit(m.Run())
}

// Every row's work runs, on models that take no time.
func TestRows(t *testing.T) {
	s := settings{device: "cpu", seconds: 0.001, tiny: true}
	for _, r := range rows() {
		if strings.HasPrefix(r.name, "start") {
			continue // of a program that is not built here
		}
		if s.data = ""; r.prepare != nil {
			s.data = t.TempDir()
			if err := r.prepare(s.data, s); err != nil {
				t.Errorf("%s: %v", r.name, err)
				continue
			}
		}
		m, err := measureHere(context.Background(), r.name, s)
		if err != nil {
			t.Errorf("%s: %v", r.name, err)
			continue
		}
		if m.Rate <= 0 || m.Steps < 3 || r.limit != unlimited && m.Need <= 0 {
			t.Errorf("%s: measured %+v", r.name, m)
		}
	}
	l, err := measureLimits(context.Background(), s)
	if err != nil || l[arithmetic32] <= 0 || l[arithmetic16] <= 0 || l[bandwidth] <= 0 {
		t.Errorf("limits are %v, %v", l, err)
	}
}

// Peers' programs are those that are carried.
func TestPeersAreThere(t *testing.T) {
	for _, r := range rows() {
		for _, p := range r.peers {
			if _, err := scripts.Open("peers/" + p.script); err != nil {
				t.Errorf("%s: %v", r.name, err)
			}
		}
	}
}

func TestMarkdown(t *testing.T) {
	none := 0.0
	ours := func(rates ...float64) (all []measured) {
		for _, r := range rates {
			all = append(all, measured{Rate: r, Need: 2e9, Allocs: &none})
		}
		return all
	}
	r := result{
		Date: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC), Machine: "a processor", Device: "cpu", Cores: 2,
		Limits: []limits{{arithmetic32: 400e9}, {arithmetic32: 500e9}},
		Rows: []*measuredRow{
			{Name: "work", Unit: "tokens", Limit: arithmetic32, Ours: ours(100, 300, 120), Peers: []rounds{
				{Name: "slow", Rounds: ours(50)}, {Name: "fast", Rounds: []measured{{Rate: 80, Versions: "fast 1.0"}}}, {Name: "broken", Error: "no"},
			}},
			{Name: "other", Unit: "starts", Ours: ours(33.333)},
		},
	}
	want := `a processor, 2 cores, device cpu, 2026-11-30 12:00. Measured f32 arithmetic: 500 GFLOP/s. Peers: fast 1.0.

| work | Kiban | peers | ratio to the best | limit and share of it | allocations a step |
|---|---|---|---|---|---|
| work | 120 tokens/s (100 to 300) | slow 50 (2.40), fast 80 (1.50), broken failed | 1.50 | f32 arithmetic, 48% | 0 |
| other | 33.3 starts/s |  |  |  | 0 |
`
	if got := r.markdown(); got != want {
		t.Errorf("the table is\n%s, wanted\n%s", got, want)
	}
	if _, err := json.Marshal(r); err != nil {
		t.Error(err)
	}
}
