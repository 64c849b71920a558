package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// kiban runs the program, which is this test binary under its own name, as a
// process of its own, for a minute at most.
func kiban(ctx context.Context, stdin string, args ...string) (stdout, stderr string, code int) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "kiban", args...)
	cmd.Stdin = strings.NewReader(stdin)
	var out, err bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &err
	cmd.Run()
	return out.String(), err.String(), cmd.ProcessState.ExitCode()
}

// must runs the program and wants exit code 0.
func must(t *testing.T, args ...string) string {
	t.Helper()
	out, stderr, code := kiban(t.Context(), "", args...)
	if code != 0 {
		t.Fatalf("kiban %v exits %d: %s", args, code, stderr)
	}
	return out
}

// fails runs the program and wants exit code 1 and one line on stderr with
// each of want in it.
func fails(t *testing.T, want []string, args ...string) {
	t.Helper()
	out, stderr, code := kiban(t.Context(), "", append(args, "-q", "--progress", "none")...)
	if code != exitFailed || strings.Count(stderr, "\n") != 1 || out != "" {
		t.Errorf("kiban %v exits %d with %q on stderr and %q on stdout; want 1, one line and nothing", args, code, stderr, out)
	}
	for _, w := range want {
		if !strings.Contains(stderr, w) {
			t.Errorf("kiban %v says %q, want %q in it", args, stderr, w)
		}
	}
}

// writeProteins writes a FASTA file of n random sequences of 20 to 150
// residues, with some words in common so that there is something to learn.
func writeProteins(t *testing.T, path string, n int, seed uint64) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 1))
	words := []string{"MKT", "AYIAK", "GGSG", "LLV", "DEED", "WHC"}
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, ">P%d\n", i)
		for left := 20 + r.IntN(130); left > 0; left-- {
			if r.IntN(5) == 0 {
				b.WriteString(words[r.IntN(len(words))])
			} else {
				b.WriteByte("ACDEFGHIKLMNPQRSTVWY"[r.IntN(20)])
			}
		}
		b.WriteByte('\n')
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o666); err != nil {
		t.Fatal(err)
	}
}

// prepared returns a directory that kiban protein prepare made, with 300
// tokens or fewer.
func prepared(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	in, data := filepath.Join(dir, "in.fasta"), filepath.Join(dir, "data")
	writeProteins(t, in, 120, 1)
	must(t, "protein", "prepare", in, "-o", data, "--vocab-size", "300", "-q")
	return data
}

// tiny are the arguments of a training run of a second or less.
func tiny(data, run string, more ...string) []string {
	return append([]string{"protein", "pretrain", data, "-o", run, "--layers", "1", "--width", "16", "--heads", "2",
		"--seq-len", "32", "--batch-size", "4", "--max-steps", "40", "--save-every", "3", "--eval-every", "10", "--log-every", "5",
		"--device", "cpu", "--progress", "none"}, more...)
}

// tree maps the files below a directory to their contents.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		name, rerr := filepath.Rel(dir, path)
		files[name] = string(data)
		return errors.Join(err, rerr)
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// sameFiles compares files of two trees; only those for which which is true.
func sameFiles(t *testing.T, a, b map[string]string, which func(name string) bool) {
	t.Helper()
	n := 0
	for name := range a {
		if !which(name) {
			continue
		}
		if n++; a[name] != b[name] {
			t.Errorf("%s differs", name)
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok && which(name) {
			t.Errorf("%s is in one only", name)
		}
	}
	if n == 0 {
		t.Error("nothing was compared")
	}
}

// history is metrics.jsonl without what the clock says.
func history(t *testing.T, run string) []map[string]any {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(run, "metrics.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var all []map[string]any
	for line := range strings.Lines(string(data)) {
		var r map[string]any
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		delete(r, "time")
		delete(r, "tokens_per_second")
		all = append(all, r)
	}
	return all
}

// status is the field of run.json.
func status(t *testing.T, run string) string {
	t.Helper()
	var r runInfo
	if err := readJSONFile(filepath.Join(run, "run.json"), &r); err != nil {
		t.Fatal(err)
	}
	return r.Status
}

// eventually waits for a condition for ten seconds.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited for %s in vain", what)
		}
	}
}

// checkpoints are the names of a run's finished checkpoints.
func checkpoints(t *testing.T, run string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(run, "checkpoint-*"))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, f := range found {
		if !strings.Contains(f, ".tmp-") {
			all = append(all, f)
		}
	}
	return all
}
