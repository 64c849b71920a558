package store

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestKilledChild is the process that TestKilled kills.
func TestKilledChild(t *testing.T) {
	out := os.Getenv("KIBAN_TEST_STORE_OUT")
	if out == "" {
		t.Skip("runs in a process of TestKilled")
	}
	o := resumeOptions(t, out)
	o.Progress = func(phase string, done, total int) { fmt.Printf("at %s %d\n", phase, done) }
	p, err := NewPlan(o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Write(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// A process that is killed again and again, at any moment, ends with the bytes
// of one that nothing disturbed, and never leaves what passes for whole.
func TestKilled(t *testing.T) {
	whole := filepath.Join(t.TempDir(), "data")
	prepare(t, resumeOptions(t, whole))
	want := treeOf(t, whole)
	rnd := rand.New(rand.NewPCG(uint64(os.Getpid()), 1))
	parent := t.TempDir()
	out := filepath.Join(parent, "data")
	for kills := 0; ; kills++ {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilledChild$")
		cmd.Env = append(os.Environ(), "KIBAN_TEST_STORE_OUT="+out)
		pipe, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// The progress has a line a record; how far the run is when the signal
		// comes is chance.
		left, text := rnd.IntN(250), ""
		for lines := bufio.NewScanner(pipe); lines.Scan(); left-- {
			if text = lines.Text(); left == 0 && kills < 12 {
				if err := cmd.Process.Kill(); err != nil && !strings.Contains(err.Error(), "finished") {
					t.Fatal(err)
				}
			}
		}
		if err := cmd.Wait(); err == nil {
			t.Logf("%d kills", kills)
			break
		} else if kills == 12 {
			t.Fatalf("%v at %q", err, text)
		}
		if s, err := Open(out, OpenOptions{}); err == nil {
			s.Close()
			t.Log("killed after it was published")
		} else if _, there := os.Stat(out); there == nil {
			t.Errorf("the directory is there, and not whole: %v", err)
		}
	}
	sameTree(t, treeOf(t, out), want)
	if entries, _ := os.ReadDir(parent); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}
