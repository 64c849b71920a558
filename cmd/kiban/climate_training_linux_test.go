package main

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	stores "github.com/kiban-models/kiban/climate/store"
)

// stopped starts a program and stops it by a signal at some moment of the time
// that it takes. It tells whether that came before its end.
func stopped(t *testing.T, after time.Duration, by syscall.Signal, args []string) bool {
	t.Helper()
	cmd := exec.Command("kiban", args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(after, func() { cmd.Process.Signal(by) })
	err := cmd.Wait()
	timer.Stop()
	switch state := cmd.ProcessState.Sys().(syscall.WaitStatus); {
	case state.Signaled() && state.Signal() == by, by == syscall.SIGINT && state.ExitStatus() == exitInterrupted:
		return true // before a program listens to it SIGINT kills, too
	case err != nil:
		t.Fatalf("stopped by %v after %v: %v: %s", by, after, err, stderr.String())
	}
	return false
}

// moments chooses when and how often a program is stopped that takes a while.
func moments(t *testing.T, length time.Duration, often, slowly int) func() (time.Duration, syscall.Signal, bool) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d, left alone it takes %v", seed, length)
	r := rand.New(rand.NewPCG(seed, 2))
	if slow() {
		often = slowly
	}
	return func() (time.Duration, syscall.Signal, bool) {
		often--
		by := syscall.SIGKILL
		if often%2 == 0 {
			by = syscall.SIGINT
		}
		return time.Duration(r.Float64() * float64(length) * 0.9), by, often >= 0
	}
}

// A run that is killed or interrupted at any moment and resumed is the run that
// was left alone.
func climateKilled(t *testing.T, command func(out string, more ...string) []string) {
	dir := t.TempDir()
	whole, out := filepath.Join(dir, "whole"), filepath.Join(dir, "run")
	began := time.Now()
	must(t, command(whole, harder...)...)
	resume := command(out, append([]string{"--resume", "--save-interval", "1ms"}, harder...)...)
	next := moments(t, time.Since(began), 3, 60)
	for after, by, more := next(); more; after, by, more = next() {
		if stopped(t, after, by, resume) {
			continue
		}
		sameRun(t, whole, out, 24)
		if err := os.RemoveAll(out); err != nil {
			t.Fatal(err)
		}
	}
	must(t, resume...)
	sameRun(t, whole, out, 24)
}

func TestClimatePretrainKilled(t *testing.T) {
	t.Parallel()
	data := climateStore(t)
	climateKilled(t, func(out string, more ...string) []string { return forecasting(data, out, more...) })
}

func TestClimateFinetuneKilled(t *testing.T) {
	t.Parallel()
	data, model := climateStore(t), filepath.Join(t.TempDir(), "model")
	must(t, forecasting(data, model)...)
	climateKilled(t, func(out string, more ...string) []string {
		return append([]string{"climate", "finetune", data, "-m", model, "-o", out, "--preset", "tiny", "--device", "cpu", "--threads", "1", "--progress", "none", "--precision", "f32",
			"--max-steps", "24", "--log-every", "4", "--region", "lat=-90:5,lon=80:280"}, more...)
	})
}

func TestClimateDownscaleKilled(t *testing.T) {
	t.Parallel()
	coarse, fine := windStores(t)
	climateKilled(t, func(out string, more ...string) []string {
		return finely(coarse, fine, out, append([]string{"--max-steps", "24"}, more...)...)
	})
}

func TestClimateProjectionKilled(t *testing.T) {
	t.Parallel()
	_, forcings, outputs := scenarioStores(t)
	climateKilled(t, func(out string, more ...string) []string {
		return projecting(forcings, outputs, out, append([]string{"--max-steps", "24"}, more...)...)
	})
}

// What prepare leaves when it is killed or interrupted at any moment passes for
// no store, and what is made of it is the same in every byte.
func TestClimatePrepareKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "tas_Amon_TEST_historical_r1i1p1f1_gn_200001-203912.nc")
	climateFile(t, file, "tas", "air_temperature", "K", "r1i1p1f1", 480, func(m, cell int) float32 { return float32(m*cell%97) + float32(m)/480 })
	prepare := func(out string) []string {
		return []string{"climate", "prepare", file, "-o", out, "--grid", "32x64", "--test", "2039", "--resume"}
	}
	alone, out := filepath.Join(dir, "alone"), filepath.Join(dir, "out")
	began := time.Now()
	must(t, prepare(alone)...)
	next, times := moments(t, time.Since(began), 8, 200), 0
	for after, by, more := next(); more; after, by, more = next() {
		ended := !stopped(t, after, by, prepare(out))
		s, err := stores.Open(out, stores.OpenOptions{Verify: true})
		if _, there := os.Stat(out); err != nil && (ended || there == nil) {
			t.Fatalf("stopped by %v after %v: %v", by, after, err)
		}
		if err == nil { // it was through, or all but its last words
			s.Close()
			sameFiles(t, tree(t, alone), tree(t, out), func(string) bool { return true })
			if err := os.RemoveAll(out); err != nil {
				t.Fatal(err)
			}
			continue
		}
		times++
	}
	must(t, prepare(out)...)
	sameFiles(t, tree(t, alone), tree(t, out), func(string) bool { return true })
	if left, _ := filepath.Glob(filepath.Join(dir, ".out*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	t.Logf("stopped %d times before the end", times)
}
