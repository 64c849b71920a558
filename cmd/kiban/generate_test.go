package main

import (
	"bytes"
	"cmp"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kiban-models/kiban/bio/protein"
)

// generating are the arguments of a generation of many batches.
func generating(model, out string, more ...string) []string {
	return append([]string{"protein", "generate", "-m", model, "-o", out, "-n", "1500", "--max-tokens", "32", "--max-length", "30", "--ending", "K",
		"--batch-size", "3", "--device", "cpu", "--progress", "none"}, more...)
}

func contents(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// tinyModel trains a model for a moment.
func tinyModel(t *testing.T) string {
	t.Helper()
	run := filepath.Join(t.TempDir(), "run")
	must(t, tiny(prepared(t), run, "--max-steps", "2")...)
	return run
}

// Generation killed at any moment and resumed gives the bytes of the run that
// was left alone.
func TestGenerateKilled(t *testing.T) {
	t.Parallel()
	model, dir := tinyModel(t), t.TempDir()
	whole, out := filepath.Join(dir, "whole.fasta"), filepath.Join(dir, "out.fasta")
	began := time.Now()
	must(t, generating(model, whole)...)
	length := time.Since(began)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d, a run takes %v", seed, length)
	r := rand.New(rand.NewPCG(seed, 5))
	went, finished := 0, 0
	for kills := 0; kills < 6 || went < 2; {
		before, _ := os.ReadFile(journalPath(out))
		cmd := exec.Command("kiban", generating(model, out, "--resume", "-O")...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(time.Duration(r.Float64()*float64(length)), func() { cmd.Process.Kill() })
		err := cmd.Wait()
		timer.Stop()
		switch state := cmd.ProcessState.Sys().(syscall.WaitStatus); {
		case state.Signaled() && state.Signal() == syscall.SIGKILL:
			kills++
			if after, _ := os.ReadFile(journalPath(out)); len(before) > 0 && len(after) > len(before) {
				went++
			}
		case err != nil:
			t.Fatalf("after %d kills: %v: %s", kills, err, stderr.String())
		default:
			finished++
			if contents(t, out) != contents(t, whole) {
				t.Fatal("the resumed run's sequences differ")
			}
		}
	}
	// A batch of which only a part came to the disk.
	if j, err := os.ReadFile(journalPath(out)); err == nil && len(j) > 3000 {
		if err := os.WriteFile(journalPath(out), j[:len(j)*2/3], 0o666); err != nil {
			t.Fatal(err)
		}
	}
	must(t, generating(model, out, "--resume", "-O")...)
	if contents(t, out) != contents(t, whole) {
		t.Error("the resumed run's sequences differ")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	t.Logf("%d kills in runs that had gone on with another, %d runs came to their end meanwhile", went, finished)
}

// Ctrl-C keeps what has come; going on wants the same settings.
func TestGenerateInterrupted(t *testing.T) {
	t.Parallel()
	model, dir := tinyModel(t), t.TempDir()
	whole, out := filepath.Join(dir, "whole.fasta"), filepath.Join(dir, "out.fasta")
	table := filepath.Join(dir, "table.tsv")
	more := []string{"-n", "3000"}
	cmd := exec.Command("kiban", generating(model, out, more...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "sequences", func() bool {
		b, _ := os.ReadFile(journalPath(out))
		return bytes.Count(b, []byte("\nB")) > 3
	})
	if _, second, code := kiban(t.Context(), "", generating(model, out, append(more, "--resume")...)...); code != exitFailed || !strings.Contains(second, "another process is generating") {
		t.Errorf("a second process beside the first: code %d, %s", code, second)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != exitInterrupted || !strings.Contains(stderr.String(), "go on with --resume") {
		t.Fatalf("exit code %d: %s", code, stderr.String())
	}
	fails(t, []string{journalPath(out), "give --resume to go on with that, or -O to begin anew"}, generating(model, out, more...)...)
	fails(t, []string{"begun with other settings: ", "seed was 42 and is 7", "top-k was 950 and is 5"}, generating(model, out, append(more, "--resume", "--seed", "7", "--top-k", "5")...)...)
	fails(t, []string{`precision was "f32" and is "f32, weights int8"`}, generating(model, out, append(more, "--resume", "--weights", "int8")...)...)
	other := filepath.Join(t.TempDir(), "other")
	must(t, tiny(prepared(t), other, "--max-steps", "3")...)
	fails(t, []string{"model "}, generating(other, out, append(more, "--resume")...)...)

	must(t, generating(model, whole, append(more, "--table", table)...)...)
	must(t, generating(model, out, append(more, "--resume")...)...)
	if contents(t, out) != contents(t, whole) {
		t.Error("the resumed run's sequences differ")
	}
	if n := strings.Count(contents(t, table), "\n"); n != 3001 {
		t.Errorf("the table has %d lines", n)
	}
	// Straight to stdout as they come, and in the same order from a file.
	direct := must(t, "protein", "generate", "-m", model, "-n", "20", "--max-tokens", "32", "--max-length", "30", "--sort", "none", "--device", "cpu", "-q")
	must(t, "protein", "generate", "-m", model, "-n", "20", "--max-tokens", "32", "--max-length", "30", "--sort", "none", "--device", "cpu", "-q", "-o", filepath.Join(dir, "none.fasta"))
	if contents(t, filepath.Join(dir, "none.fasta")) != direct {
		t.Error("unsorted sequences differ between stdout and a file")
	}
}

// A spool gives back what was written, in memory and beyond.
func TestSpool(t *testing.T) {
	j := newSpool(1)
	const n = 30000
	residues := bytes.Repeat([]byte("MKT"), 20)
	for i := range n {
		c := protein.Candidate{Residues: residues[:1+i%60]}
		c.ID, c.Length, c.Perplexity = "a_1_"+strconv.Itoa(i), 1+i%60, float64(n-i)
		if err := j.Add([]protein.Candidate{c}, []protein.Position{{Next: int32(i + 1), Kept: i + 1}}); err != nil {
			t.Fatal(err)
		}
		if inMemory := j.file.(*spool).file == nil; inMemory != (j.end <= maxSpool) {
			t.Fatalf("%d bytes are in memory: %t", j.end, inMemory)
		}
	}
	seen := n
	err := j.Each(func(a, b indexed) int { return cmp.Compare(a.perplexity, b.perplexity) }, func(c protein.Candidate) error {
		if seen--; c.ID != "a_1_"+strconv.Itoa(seen) || !bytes.Equal(c.Residues, residues[:1+seen%60]) || c.Perplexity != float64(n-seen) {
			t.Fatalf("sequence %d came back as %+v", seen, c)
		}
		return nil
	})
	if err != nil || seen != 0 {
		t.Errorf("%d sequences are lacking (%v)", seen, err)
	}
	if err := j.Remove(); err != nil {
		t.Error(err)
	}
}
