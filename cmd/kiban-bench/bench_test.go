package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kiban-models/kiban/bio/protein"
	"github.com/kiban-models/kiban/climate/netcdf"
	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/tensor"
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

// The model of the start rows is one that Kiban opens.
func TestStartModel(t *testing.T) {
	dir, s := t.TempDir(), settings{device: "cpu", tiny: true}
	if err := startModel(dir, s); err != nil {
		t.Fatal(err)
	}
	d, err := checkpoint.OpenDir(modelDir(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	c, err := protein.ParseConfig("config.json", d.Config())
	if err != nil {
		t.Fatal(err)
	}
	if want := tinyDecoder.config().Parameters(); c.Parameters() != want {
		t.Errorf("%d parameters, wanted %d", c.Parameters(), want)
	}
	v, err := protein.LoadBPE(modelDir(dir))
	if err != nil {
		t.Fatal(err)
	}
	if err := protein.CheckTokenizer(modelDir(dir), v.Tokenizer, c); err != nil {
		t.Error(err)
	}
	if err := protein.Load(d, c, nn.Policy{}, func(string, *tensor.Tensor) error { return nil }); err != nil {
		t.Error(err)
	}
}

func TestLogLikelihood(t *testing.T) {
	x, err := logLikelihood([]byte("id\ttokens\tlog_likelihood\none\t7\t-12.6\n"))
	if x != -13 || err != nil {
		t.Errorf("got %d, %v", x, err)
	}
	for _, bad := range []string{"", "id\none\n", "id\tlog_likelihood\none\n"} {
		if _, err := logLikelihood([]byte(bad)); err == nil {
			t.Errorf("%q has one", bad)
		}
	}
}

// A peer whose outcome differs is named, and its rate does not count.
func TestUnlike(t *testing.T) {
	x := &measuredRow{Name: "work", Ours: []measured{{Rate: 1, Check: 7}}, Peers: []rounds{
		{Name: "same", Rounds: []measured{{Rate: 1, Check: 7}}}, {Name: "other", Rounds: []measured{{Rate: 9, Check: 8}}}, {Name: "absent", Error: "no"},
	}}
	errs := x.unlike()
	if len(errs) != 1 || !strings.Contains(errs[0].Error(), "other") || x.Peers[1].Rounds != nil || x.Peers[1].Error == "" || x.Peers[0].Rounds == nil {
		t.Errorf("errors are %v, peers %+v", errs, x.Peers)
	}
}

// Rows' data are the same bytes each time.
func TestDataAreTheSame(t *testing.T) {
	for _, r := range rows() {
		if r.prepare == nil || strings.HasPrefix(r.name, "NetCDF") {
			continue // the library writes the time into the file
		}
		var sums [2][]byte
		for i := range sums {
			dir := t.TempDir()
			if err := r.prepare(dir, settings{tiny: true}); err != nil {
				t.Fatal(err)
			}
			h := sha256.New()
			err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
				if err != nil || d.IsDir() {
					return err
				}
				b, err := os.ReadFile(path)
				fmt.Fprint(h, filepath.Base(path), len(b))
				h.Write(b)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			sums[i] = h.Sum(nil)
		}
		if !bytes.Equal(sums[0], sums[1]) {
			t.Errorf("%s: the data differ from one time to the next", r.name)
		}
	}
}
