package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// A run of two saves, for kills at each of its steps.
func short(data, run string, more ...string) []string {
	return tiny(data, run, slices.Concat(harder, []string{"--max-steps", "6", "--log-every", "2", "--eval-every", "2"}, more)...)
}

// killedAt runs the arguments until a thread of the process makes its n-th call
// of a name to the system, and reports whether it was killed there.
func killedAt(t *testing.T, call string, n int, args []string) bool {
	t.Helper()
	program, err := exec.LookPath("kiban")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(strace, append([]string{"-f", "-qq", "-o", "/dev/null", "-e", "trace=" + call,
		"-e", fmt.Sprintf("inject=%s:signal=KILL:when=%d", call, n), program}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	err = cmd.Run()
	if state := cmd.ProcessState.Sys().(syscall.WaitStatus); state.Signaled() && state.Signal() == syscall.SIGKILL {
		return true
	}
	if err != nil {
		t.Fatalf("%s %d: %v: %s", call, n, err, stderr.String())
	}
	return false
}

// A save that is killed at any of its calls to the system costs nothing: a few
// of them here, all with KIBAN_SLOW=1. The second run saves again what is there
// but damaged, so that a checkpoint is replaced.
func TestKilledAtEachCall(t *testing.T) {
	t.Parallel()
	if strace == "" {
		t.Skip("needs strace")
	}
	data, dir := prepared(t), t.TempDir()
	whole := filepath.Join(dir, "whole")
	must(t, short(data, whole)...)
	damaged := filepath.Join(dir, "damaged")
	if err := os.CopyFS(damaged, os.DirFS(whole)); err != nil {
		t.Fatal(err)
	}
	damage(t, filepath.Join(damaged, "checkpoint-6", "optimizer.safetensors"), flipped)
	calls := []string{"fsync", "renameat", "mkdirat", "unlinkat", "write"}
	if !slow() {
		calls = []string{"fsync", calls[1+rand.IntN(4)]}
	}
	for name, from := range map[string]string{"new": "", "replaced": damaged} {
		t.Run(name, func(t *testing.T) {
			points := 0
			for _, call := range calls {
				n, step := 1, 1
				if !slow() {
					n, step = 1+rand.IntN(4), 20
				}
				for killed := true; killed && !t.Failed(); n += step {
					run := filepath.Join(t.TempDir(), "run")
					if from != "" {
						if err := os.CopyFS(run, os.DirFS(from)); err != nil {
							t.Fatal(err)
						}
					}
					resume := short(data, run, "--resume")
					if killed = killedAt(t, call, n, resume); killed {
						points++
						must(t, resume...)
					}
					sameRun(t, whole, run, 6)
				}
				if t.Failed() {
					t.Fatalf("killed at %s number %d", call, n-step)
				}
			}
			t.Logf("killed at %d calls", points)
			if points == 0 {
				t.Error("nothing was killed")
			}
		})
	}
}

// damage changes a file's contents.
func damage(t *testing.T, path string, change func([]byte) []byte) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, change(data), 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func flipped(b []byte) []byte   { b[rand.IntN(len(b))] ^= 1 << rand.IntN(8); return b }
func truncated(b []byte) []byte { return b[:rand.IntN(len(b))] }

// Whatever file of the newest checkpoint is cut short, has one bit turned or is
// missing: resuming warns, names it, goes on from the one before and comes to
// the same end.
func TestDamagedCheckpoint(t *testing.T) {
	t.Parallel()
	data, dir := prepared(t), t.TempDir()
	whole := filepath.Join(dir, "whole")
	must(t, short(data, whole)...)
	const newest = "checkpoint-6"
	files, err := os.ReadDir(filepath.Join(whole, newest))
	if err != nil || len(files) < 8 {
		t.Fatalf("%v (%v)", files, err)
	}
	for _, f := range files {
		for name, change := range map[string]func([]byte) []byte{"flipped": flipped, "truncated": truncated, "missing": nil} {
			if !slow() && name == "truncated" && filepath.Ext(f.Name()) != ".safetensors" {
				continue
			}
			if !slow() && name == "missing" && f.Name() != "manifest.json" {
				continue
			}
			t.Run(f.Name()+" "+name, func(t *testing.T) {
				run := filepath.Join(t.TempDir(), "run")
				if err := os.CopyFS(run, os.DirFS(whole)); err != nil {
					t.Fatal(err)
				}
				path := filepath.Join(run, newest, f.Name())
				if change != nil {
					damage(t, path, change)
				} else if err := os.Remove(path); err != nil {
					t.Fatal(err)
				}
				_, stderr, code := kiban(t.Context(), "", short(data, run, "--resume")...)
				if code != 0 {
					t.Fatalf("exit code %d: %s", code, stderr)
				}
				for _, want := range []string{"warning", filepath.Join(run, newest), f.Name(), "falling back to the one before"} {
					if !strings.Contains(stderr, want) {
						t.Errorf("it says %q, want %q in it", stderr, want)
					}
				}
				sameRun(t, whole, run, 6)
			})
		}
	}
}
