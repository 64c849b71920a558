package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kiban-models/kiban/bio/protein"
	"github.com/kiban-models/kiban/climate/netcdf"
	"github.com/kiban-models/kiban/core/backend/vulkan"
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

// Every point of growth is measured, on models that take no time, and drawn.
func TestGrowth(t *testing.T) {
	s := settings{device: "cpu", seconds: 0.001, tiny: true}
	dir := t.TempDir()
	g, err := readGrowth(dir, s)
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= max(2, cores()); n *= 2 {
		s.threads = n
		l, err := measureLimits(context.Background(), s)
		if err != nil {
			t.Fatal(err)
		}
		g.Limits[n] = []limits{l}
	}
	points := growthPoints(s)
	for _, p := range points {
		if g.Limits[p.Threads] == nil { // of a number of cores that is no power of two
			g.Limits[p.Threads] = g.Limits[1]
		}
		if p.Measured, err = p.measure(context.Background(), s); err != nil {
			t.Fatalf("%s: %v", p.name(), err)
		}
		share, least := p.attention(), p.least(g.limit(p.Threads))
		if m := p.Measured; m.Rate <= 0 || m.Steps < 3 || m.Need <= 0 || m.Attention <= 0 || m.Attention >= 1 || share <= 0 || share >= 1 || !(least > 0) {
			t.Errorf("%s: measured %+v, as counted attention's share is %g and the least time %g", p.name(), m, share, least)
		}
		g.put(p)
	}
	if len(g.Points) != len(points) {
		t.Errorf("%d points have %d names", len(points), len(g.Points))
	}
	if err := errors.Join(g.write(dir), g.draw(dir)); err != nil {
		t.Fatal(err)
	}
	for _, f := range growthFigures {
		if b, err := os.ReadFile(filepath.Join(dir, f.file+".svg")); err != nil || !bytes.Contains(b, []byte(f.options.YLabel)) {
			t.Errorf("%s: %d bytes without its label, %v", f.file, len(b), err)
		}
	}
	again, err := readGrowth(dir, s)
	if err != nil || again.markdown() != g.markdown() {
		t.Errorf("read again it is\n%s, and was\n%s; %v", again.markdown(), g.markdown(), err)
	}
	again.Machine = "another"
	if err := again.write(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := readGrowth(dir, s); err == nil {
		t.Error("another machine's points are gone on with")
	}
}

func TestChosenPoints(t *testing.T) {
	for _, part := range growthParts {
		points, err := chosenPoints(settings{}, []string{part})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range points {
			if p.Part != part {
				t.Errorf("%s is among those of %s", p.name(), part)
			}
		}
	}
	if _, err := chosenPoints(settings{}, []string{"no such"}); err == nil {
		t.Error("there are such points")
	}
}

// What a run's memory looked like is told from samples: some of a run that
// grows by 36 MiB an hour once it is warm, and of one that is flat then.
func TestSteady(t *testing.T) {
	for _, x := range []struct {
		hourly float64 // KiB
		flat   bool
	}{{0, true}, {1024, true}, {36 * 1024, false}, {-36 * 1024, false}} {
		s := &steady{For: 3600, Steps: 900}
		for at := 10.0; at < 3600; at += 10 {
			s.Held = append(s.Held, held{Seconds: at, Resident: 500_000 + x.hourly*at/3600 - 300_000*max(0, 1-at/100), Peak: 1})
		}
		for i := range 30 {
			s.Collected = append(s.Collected, collected{120 * float64(i), 7, 4})
		}
		hourly, _ := s.growth()
		if math.Abs(hourly-x.hourly) > 1 || (s.flat() == nil) != x.flat {
			t.Errorf("found %g KiB an hour, %v; made %g", hourly, s.flat(), x.hourly)
		}
		if a := s.allocated(); math.Abs(a-0.1) > 1e-9 { // 3 MiB in 120 seconds, which are 30 steps
			t.Errorf("%g MiB allocated a step", a)
		}
		if err := s.write(t.TempDir()); err != nil {
			t.Error(err)
		}
	}
	if (&steady{For: 10}).flat() == nil {
		t.Error("no samples are flat")
	}
}

func TestListen(t *testing.T) {
	s := &steady{}
	said := s.listen(strings.NewReader("kiban: one\n" +
		"gc 7 @240.006s 0%: 0.031+0.45+0.004 ms clock, 0.063+0.1/0.4/0+0.008 ms cpu, 6->7->4 MB, 8 MB goal, 0 MB stacks, 0 MB globals, 2 P (forced)\n" +
		"gcc: two\n"))
	if said != "kiban: one\ngcc: two\n" || len(s.Collected) != 1 || s.Collected[0] != (collected{240.006, 6, 4}) {
		t.Errorf("said %q, collected %v", said, s.Collected)
	}
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip("no /proc here")
	}
	if h, err := parseStatus(b); err != nil || h.Resident < 1024 || h.Anonymous < 1024 || h.Peak < h.Resident {
		t.Errorf("this process holds %+v, %v", h, err)
	}
	if _, err := parseStatus([]byte("VmRSS:\t10 kB\n")); err == nil {
		t.Error("a status without peak is read")
	}
}

// TestGPURows runs what is measured on a GPU on whatever Vulkan device there is,
// on models that take no time, and writes the table.
func TestGPURows(t *testing.T) {
	if found, err := vulkan.List(); err != nil || len(found) == 0 {
		if os.Getenv("KIBAN_REQUIRE_VULKAN") == "1" {
			t.Fatal("no Vulkan device: ", err)
		}
		t.Skip("no Vulkan device; KIBAN_REQUIRE_VULKAN=1 makes this a failure: ", err)
	}
	s := settings{device: "vulkan", seconds: 0.001, tiny: true}
	l, err := measureLimits(context.Background(), s)
	if err != nil || l[arithmetic32] <= 0 || l[arithmetic16] <= 0 || l[bandwidth] <= 0 {
		t.Errorf("limits are %v, %v", l, err)
	}
	all, err := chosen(nil, true)
	if err != nil {
		t.Fatal(err)
	}
	r := result{Limits: []limits{l}}
	for _, x := range all {
		if !strings.HasPrefix(x.name, "GPU ") {
			t.Errorf("%s is measured on a GPU", x.name)
			continue
		}
		m, err := measureHere(context.Background(), x.name, s)
		if err != nil || m.Rate <= 0 || m.Need <= 0 {
			t.Errorf("%s: measured %+v, %v", x.name, m, err)
		}
		r.Rows = append(r.Rows, &measuredRow{Name: x.name, Unit: x.unit, Limit: x.limit, Ours: []measured{m}})
	}
	if table := r.markdown(); strings.Count(table, "%") != len(all) {
		t.Errorf("the table lacks shares of limits:\n%s", table)
	}
}

// On a CPU nothing of a GPU's size is measured unless it is named.
func TestChosen(t *testing.T) {
	for _, gpu := range []bool{false, true} {
		all, err := chosen(nil, gpu)
		if err != nil || len(all) == 0 {
			t.Fatal(len(all), err)
		}
		for _, r := range all {
			if r.gpu != gpu {
				t.Errorf("%s is chosen, on a GPU: %t", r.name, gpu)
			}
		}
	}
	if all, err := chosen([]string{"GPU matmul", "score"}, false); err != nil || len(all) < 3 {
		t.Error(len(all), err)
	}
	if _, err := chosen([]string{"no such"}, true); err == nil {
		t.Error("there are such rows")
	}
}
