package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"
)

// harder are settings that give a resumed run more to get wrong.
var harder = []string{"--grad-accum", "2", "--dropout", "0.1"}

// weights tells the files of a run that its steps decide, and no clock.
func weights(steps int) func(name string) bool {
	last := fmt.Sprintf("checkpoint-%d/", steps)
	return func(name string) bool {
		base := filepath.Base(name)
		return name == "model.safetensors" || strings.HasPrefix(name, last) && base != "trainer_state.json" && base != "manifest.json"
	}
}

// sameRun wants the weights, moments and history of two finished runs to be
// equal in every bit.
func sameRun(t *testing.T, want, got string, steps int) {
	t.Helper()
	a, b := tree(t, want), tree(t, got)
	if _, ok := a[fmt.Sprintf("checkpoint-%d/optimizer.safetensors", steps)]; !ok {
		t.Fatal("the run has not left its last checkpoint")
	}
	sameFiles(t, a, b, weights(steps))
	if h, g := history(t, want), history(t, got); !reflect.DeepEqual(h, g) {
		t.Errorf("metrics.jsonl is\n%v, want\n%v", g, h)
	}
	var of [2]runInfo
	for i, run := range []string{want, got} {
		if err := readJSONFile(filepath.Join(run, "run.json"), &of[i]); err != nil {
			t.Fatal(err)
		}
	}
	if g := of[1]; g.Status != "done" || g.Error != "" || g.ExitCode == nil || *g.ExitCode != 0 || g.Last != fmt.Sprintf("checkpoint-%d", steps) || g.Best != of[0].Best {
		t.Errorf("run.json says %+v, that of the unbroken run %+v", g, of[0])
	}
	for name := range b {
		if strings.Contains(name, ".tmp-") || strings.Contains(name, ".replaced-") {
			t.Errorf("%s is left behind", name)
		}
	}
}

// slow says that tests may take minutes.
func slow() bool { return os.Getenv("KIBAN_SLOW") != "" }

// A run killed at any moment and resumed is the run that was left alone.
func TestKilledAndResumed(t *testing.T) {
	t.Parallel()
	for device, kills := range map[string]int{"cpu": 100, "vulkan": 10} {
		t.Run(device, func(t *testing.T) {
			switch {
			case !slow() && device == "cpu":
				kills = 6
			case !slow():
				t.Skip("takes a minute; set KIBAN_SLOW=1")
			case !strings.Contains(must(t, "device", "list"), "\n"+device):
				if os.Getenv("KIBAN_REQUIRE_VULKAN") != "" {
					t.Fatalf("no device %s", device)
				}
				t.Skipf("no device %s; KIBAN_REQUIRE_VULKAN=1 makes this a failure", device)
			}
			killed(t, kills, append([]string{"--device", device}, harder...))
		})
	}
}

func killed(t *testing.T, kills int, more []string) {
	data, dir := prepared(t), t.TempDir()
	whole, run := filepath.Join(dir, "whole"), filepath.Join(dir, "run")
	began := time.Now()
	must(t, tiny(data, whole, more...)...)
	length := time.Since(began)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d, a run takes %v", seed, length)
	r := rand.New(rand.NewPCG(seed, 2))
	resume := tiny(data, run, append([]string{"--resume"}, more...)...)
	finished := 0
	for done := 0; done < kills; {
		cmd := exec.Command("kiban", resume...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(time.Duration(r.Float64()*float64(length)*0.9), func() { cmd.Process.Kill() })
		err := cmd.Wait()
		switch state := cmd.ProcessState.Sys().(syscall.WaitStatus); {
		case state.Signaled() && state.Signal() == syscall.SIGKILL:
			done++
		case err != nil:
			t.Fatalf("after %d kills: %v: %s", done, err, stderr.String())
		default: // it came to its end before it was killed
			finished++
			sameRun(t, whole, run, 40)
			if err := os.RemoveAll(run); err != nil {
				t.Fatal(err)
			}
		}
		timer.Stop()
	}
	t.Logf("%d kills, %d runs came to their end meanwhile", kills, finished)
	must(t, resume...)
	sameRun(t, whole, run, 40)
}

// Ctrl-C saves; the run goes on from there, as often as one likes.
func TestInterruptedAndResumed(t *testing.T) {
	t.Parallel()
	data, dir := prepared(t), t.TempDir()
	whole, run := filepath.Join(dir, "whole"), filepath.Join(dir, "run")
	// No checkpoint is due, so that those found were made by the interrupt.
	const steps = 1500
	more := append([]string{"--max-steps", fmt.Sprint(steps), "--save-every", "10000", "--log-every", "7", "--eval-every", "100"}, harder...)
	must(t, tiny(data, whole, more...)...)
	for interrupts := 0; interrupts < 2; {
		before := len(checkpoints(t, run))
		args := append(tiny(data, run, more...), "--resume")
		lines := 0
		if interrupts > 0 {
			lines = len(history(t, run))
		}
		cmd := exec.Command("kiban", args...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "a step", func() bool {
			b, _ := os.ReadFile(filepath.Join(run, "metrics.jsonl"))
			return bytes.Count(b, []byte("\n")) > lines
		})
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		cmd.Wait()
		if code := cmd.ProcessState.ExitCode(); code != exitInterrupted {
			t.Fatalf("exit code %d: %s", code, stderr.String())
		}
		if s := status(t, run); s != "interrupted" {
			t.Fatalf("run.json says %q", s)
		}
		if !strings.Contains(stderr.String(), "go on with --resume") {
			t.Errorf("nothing says how to go on: %s", stderr.String())
		}
		if after := len(checkpoints(t, run)); after != before+1 {
			t.Fatalf("%d checkpoints, then %d", before, after)
		}
		interrupts++
	}
	must(t, append(tiny(data, run, more...), "--resume")...)
	sameRun(t, whole, run, steps)
}

// Prepare and generate save what they have for --resume; an interrupt leaves
// nothing else, and of the other verbs nothing.
func TestInterruptLeavesNothing(t *testing.T) {
	t.Parallel()
	data, run := prepared(t), filepath.Join(t.TempDir(), "run")
	must(t, tiny(data, run, "--max-steps", "2")...)
	in := filepath.Join(t.TempDir(), "in.fasta")
	writeProteins(t, in, 40000, 1)
	for _, args := range [][]string{
		{"prepare", in, "-o", "out"},
		{"generate", "-m", run, "-n", "1000000", "--max-tokens", "30", "--max-length", "20", "-o", "out", "--table", "t.tsv"},
		{"score", "-m", run, in, "-o", "out", "--per-residue", "r.tsv"},
	} {
		dir := t.TempDir()
		cmd := exec.Command("kiban", append([]string{"protein"}, append(args, "--device", "cpu", "--progress", "none")...)...)
		cmd.Dir = dir
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "output", func() bool { left, _ := os.ReadDir(dir); return len(left) > 0 })
		time.Sleep(50 * time.Millisecond)
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		cmd.Wait()
		if code := cmd.ProcessState.ExitCode(); code != exitInterrupted {
			t.Errorf("%s: exit code %d: %s", args[0], code, stderr.String())
		}
		for _, kept := range []string{".out.journal", ".out.unfinished"} { // to go on from
			os.RemoveAll(filepath.Join(dir, kept))
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%s: left behind: %v (%v)", args[0], left, err)
		}
	}
}
