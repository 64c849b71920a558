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
)

// A run that is killed at any moment and resumed is the run that was left alone.
func TestClimatePretrainKilled(t *testing.T) {
	t.Parallel()
	data := climateStore(t)
	climateKilled(t, func(out string, more ...string) []string { return forecasting(data, out, more...) })
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

func climateKilled(t *testing.T, command func(out string, more ...string) []string) {
	dir := t.TempDir()
	whole, out := filepath.Join(dir, "whole"), filepath.Join(dir, "run")
	began := time.Now()
	must(t, command(whole, harder...)...)
	length := time.Since(began)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d, a run takes %v", seed, length)
	r := rand.New(rand.NewPCG(seed, 2))
	resume := command(out, append([]string{"--resume", "--save-interval", "1ms"}, harder...)...)
	kills := 3
	if slow() {
		kills = 60
	}
	for done := 0; done < kills; {
		cmd := exec.Command("kiban", resume...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(time.Duration(r.Float64()*float64(length)*0.9), func() { cmd.Process.Kill() })
		err := cmd.Wait()
		timer.Stop()
		switch state := cmd.ProcessState.Sys().(syscall.WaitStatus); {
		case state.Signaled() && state.Signal() == syscall.SIGKILL:
			done++
		case err != nil:
			t.Fatalf("after %d kills: %v: %s", done, err, stderr.String())
		default:
			sameRun(t, whole, out, 24)
			if err := os.RemoveAll(out); err != nil {
				t.Fatal(err)
			}
		}
	}
	must(t, resume...)
	sameRun(t, whole, out, 24)
}
