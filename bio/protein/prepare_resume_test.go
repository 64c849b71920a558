package protein

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/bio/sequence"
	"github.com/kiban-models/kiban/core/dataset"
)

// family writes a FASTA file in which there is something to find: exact and
// near duplicates, IDs that come twice.
func family(t testing.TB, n int) string {
	rnd := rand.New(rand.NewPCG(5, 5))
	var b strings.Builder
	var old [][]byte
	for i := range n {
		var s []byte
		switch {
		case i > 0 && i%10 == 0:
			s = old[rnd.IntN(len(old))]
		case i > 0 && i%10 < 4:
			s = mutant(rnd, old[rnd.IntN(len(old))], 0.1)
		default:
			s = make([]byte, 20+rnd.IntN(300))
			for k := range s {
				s[k] = standard[rnd.IntN(len(standard))]
			}
		}
		old = append(old, s)
		fmt.Fprintf(&b, ">s%d\n%s\n", i-i%50/49, s)
	}
	path := filepath.Join(t.TempDir(), "in.fasta")
	if err := os.WriteFile(path, []byte(b.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

func resumeOptions(in, out string) PrepareOptions {
	return PrepareOptions{Inputs: []string{in}, Out: out, VocabSize: 300, ShardTokens: 1 << 15, Threads: 2,
		Reader: sequence.Options{Duplicates: sequence.FirstDuplicate}, Split: dataset.SplitRule{Validation: 0.2, Seed: 1}}
}

func treeOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		files[strings.TrimPrefix(path, dir)] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func sameTree(t *testing.T, got, want map[string]string) {
	t.Helper()
	for name, b := range want {
		if got[name] != b {
			t.Errorf("%s differs", name)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d files, want %d", len(got), len(want))
	}
}

// TestPrepareChild is the process that TestPrepareKilled kills.
func TestPrepareChild(t *testing.T) {
	in, out := os.Getenv("KIBAN_TEST_PREPARE_IN"), os.Getenv("KIBAN_TEST_PREPARE_OUT")
	if in == "" {
		t.Skip("runs in a process of TestPrepareKilled")
	}
	o := resumeOptions(in, out)
	o.Resume = true
	o.Progress = func(phase string, done, total int64) { fmt.Printf("at %s %d\n", phase, done) }
	if _, err := Prepare(t.Context(), o); err != nil {
		t.Fatal(err)
	}
}

// A run that is killed again and again, at any moment, ends with the bytes of
// one that nothing disturbed.
func TestPrepareKilled(t *testing.T) {
	in := family(t, 1500)
	whole := filepath.Join(t.TempDir(), "out")
	o := resumeOptions(in, whole)
	phases := map[string]int{}
	o.Progress = func(phase string, _, _ int64) { phases[phase]++ }
	s, err := Prepare(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if s.Duplicates == 0 || s.DuplicateIDs == 0 || s.Groups >= s.Num-100 || len(phases) < 8 {
		t.Errorf("%+v in phases %v", s, phases)
	}
	want := treeOf(t, whole)
	if len(want) < 12 {
		t.Errorf("%d files", len(want))
	}
	parent := t.TempDir()
	out := filepath.Join(parent, "out")
	rnd := rand.New(rand.NewPCG(uint64(os.Getpid()), 1))
	killed := 0
	for {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestPrepareChild$")
		cmd.Env = append(os.Environ(), "KIBAN_TEST_PREPARE_IN="+in, "KIBAN_TEST_PREPARE_OUT="+out)
		var stderr strings.Builder
		cmd.Stderr = &stderr
		pipe, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		names := slices.Sorted(maps.Keys(phases))
		phase := names[rnd.IntN(len(names))]
		at, kill := "", 1+rnd.IntN(phases[phase])
		if killed >= 8 {
			phase = ""
		}
		seen := 0
		var failed []string
		for lines := bufio.NewScanner(pipe); lines.Scan(); {
			if !strings.HasPrefix(lines.Text(), "at ") {
				failed = append(failed, lines.Text())
				continue
			}
			at = lines.Text()
			if !strings.HasPrefix(at, "at "+phase+" ") {
				continue
			}
			if seen++; seen == kill {
				if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
					t.Fatal(err)
				}
			}
		}
		err = cmd.Wait()
		if err == nil && phase == "" {
			break
		}
		if err == nil { // the phase was over long ago: begin again
			if err := os.RemoveAll(out); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if seen < kill {
			t.Fatalf("after %d kills, at %q: %v %s %s", killed, at, err, strings.Join(failed, "\n"), stderr.String())
		}
		killed++
		t.Logf("killed %s", at)
	}
	sameTree(t, treeOf(t, out), want)
	if entries, _ := os.ReadDir(parent); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestPrepareInterrupted(t *testing.T) {
	in := family(t, 600)
	whole := filepath.Join(t.TempDir(), "out")
	if _, err := Prepare(t.Context(), resumeOptions(in, whole)); err != nil {
		t.Fatal(err)
	}
	want := treeOf(t, whole)
	for _, phase := range []string{"comparing IDs", "sketching", "comparing", "sampling", "training tokenizer", "tokenizing"} {
		parent := t.TempDir()
		o := resumeOptions(in, filepath.Join(parent, "out"))
		ctx, cancel := context.WithCancel(t.Context())
		o.Progress = func(p string, done, _ int64) {
			if p == phase {
				cancel()
			}
		}
		_, err := Prepare(ctx, o)
		cancel()
		if !errors.Is(err, ErrUnfinished) || !errors.Is(err, context.Canceled) {
			t.Fatalf("%s: %v", phase, err)
		}
		o.Progress = nil
		if _, err := Prepare(t.Context(), o); err == nil || !strings.Contains(err.Error(), "go on with --resume, or start again with --overwrite") {
			t.Errorf("%s: %v", phase, err)
		}
		o.Resume = true
		var again []string
		o.Progress = func(p string, _, _ int64) { again = append(again, p) }
		if _, err := Prepare(t.Context(), o); err != nil {
			t.Fatalf("%s: %v", phase, err)
		}
		if slices.Contains(again, "reading") {
			t.Errorf("%s: read once more", phase)
		}
		sameTree(t, treeOf(t, o.Out), want)
		if entries, _ := os.ReadDir(parent); len(entries) != 1 {
			t.Errorf("%s left behind: %v", phase, entries)
		}
	}
}

func TestResumeOfAnotherRun(t *testing.T) {
	in := family(t, 5000)
	o := resumeOptions(in, filepath.Join(t.TempDir(), "out"))
	stopped := func() {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		o := o
		o.Overwrite = true
		o.Progress = func(p string, done, _ int64) {
			if p == "tokenizing" && done > 0 {
				cancel()
			}
		}
		if _, err := Prepare(ctx, o); !errors.Is(err, ErrUnfinished) {
			t.Fatal(err)
		}
	}
	stopped()
	other := o
	other.Resume, other.MinLength, other.Grouping.Off, other.Reader.Invalid = true, 30, true, sequence.SkipInvalid
	_, err := Prepare(t.Context(), other)
	if want := "the interrupted run cannot go on: groups was near duplicates, similarity 0.25 and is not given, invalid was error and is skip, min-length was 0 and is 30; give what it was given, or start again with --overwrite"; err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
	f, err := os.OpenFile(in, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(f, ">new\nMKVLA\n")
	f.Close()
	other = o
	other.Resume = true
	if _, err := Prepare(t.Context(), other); err == nil || !strings.Contains(err.Error(), "input 1 was "+in+" of ") {
		t.Error(err)
	}
	// A damaged shard is made once more.
	stopped()
	unfinished := filepath.Join(filepath.Dir(o.Out), ".out.unfinished")
	if b, err := os.ReadFile(filepath.Join(unfinished, dataset.JournalFile)); err != nil || !strings.Contains(string(b), "tokens-00000.bin") {
		t.Fatalf("no shard is finished: %v", err)
	}
	path := filepath.Join(unfinished, "result", TrainDir, "tokens-00000.bin")
	if err := os.Truncate(path, 100); err != nil {
		t.Fatal(err)
	}
	if _, err := Prepare(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	d, err := dataset.Open(filepath.Join(o.Out, TrainDir), dataset.OpenOptions{Verify: true})
	if err != nil {
		t.Fatal(err)
	}
	d.Close()
}
