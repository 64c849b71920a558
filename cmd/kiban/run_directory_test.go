package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/kiban-models/kiban/core/checkpoint"
)

// What would lose or mix runs is refused before anything changes.
func TestRunDirectoryIsKept(t *testing.T) {
	t.Parallel()
	data, other, dir := prepared(t), filepath.Join(t.TempDir(), "other"), t.TempDir()
	in := filepath.Join(dir, "other.fasta")
	writeProteins(t, in, 60, 2)
	must(t, "protein", "prepare", in, "-o", other, "--tokenizer", filepath.Join(data, "tokenizer"), "-q")
	run := filepath.Join(dir, "run")
	must(t, tiny(data, run)...)
	before := tree(t, run)
	newest := filepath.Join(run, "checkpoint-40")
	for _, x := range []struct {
		name string
		want []string
		args []string
	}{
		{"no --resume", []string{run + ": exists already", "--resume"}, tiny(data, run)},
		{"other data", []string{newest + ": ", "training data (manifest hash) was ", "config.yaml"}, tiny(other, run, "--resume")},
		{"batch size", []string{newest + ": ", "batch size was 4 and is 8"}, tiny(data, run, "--resume", "--batch-size", "8")},
		{"accumulation", []string{"accumulation was 1 and is 2"}, tiny(data, run, "--resume", "--grad-accum", "2")},
		{"length", []string{"sequence length was 32 and is 16"}, tiny(data, run, "--resume", "--seq-len", "16")},
		{"steps", []string{"steps was 40 and is 50"}, tiny(data, run, "--resume", "--max-steps", "50")},
		{"seed", []string{"seed was 42 and is 43"}, tiny(data, run, "--resume", "--seed", "43")},
		{"shape", []string{"1 layers of width 16 with 2 heads", "2 layers of width 16 with 2 heads"}, tiny(data, run, "--resume", "--layers", "2")},
		{"no such checkpoint", []string{"nothing-here"}, tiny(data, run, "--resume="+filepath.Join(run, "nothing-here"))},
	} {
		t.Run(x.name, func(t *testing.T) {
			fails(t, x.want, x.args...)
			sameFiles(t, before, tree(t, run), func(string) bool { return true })
		})
	}
	t.Run("nothing made", func(t *testing.T) {
		fails(t, []string{"--seq-len"}, tiny(data, filepath.Join(dir, "new"), "--seq-len", "64", "--set", "context=32")...)
		fails(t, nil, tiny(in, filepath.Join(dir, "new"))...)
		if _, err := os.Stat(filepath.Join(dir, "new")); err == nil {
			t.Error("a run that could not begin has left a directory")
		}
	})
}

// Going on with a finished run changes nothing of it.
func TestResumeFinished(t *testing.T) {
	t.Parallel()
	data, run := prepared(t), filepath.Join(t.TempDir(), "run")
	must(t, tiny(data, run)...)
	copied := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(copied, os.DirFS(run)); err != nil {
		t.Fatal(err)
	}
	must(t, tiny(data, run, "--resume")...)
	sameRun(t, copied, run, 40)
}

// -O starts anew: checkpoints of the run before, even of later steps, do not
// outlive it.
func TestOverwrittenRun(t *testing.T) {
	t.Parallel()
	data, dir := prepared(t), t.TempDir()
	run, fresh := filepath.Join(dir, "run"), filepath.Join(dir, "fresh")
	must(t, tiny(data, run, "--seed", "7")...)
	short := []string{"--max-steps", "12"}
	must(t, tiny(data, run, append(short, "-O")...)...)
	must(t, tiny(data, fresh, short...)...)
	sameRun(t, fresh, run, 12)
	names := func(dirs []string) (all []string) {
		for _, d := range dirs {
			all = append(all, filepath.Base(d))
		}
		return all
	}
	if a, b := names(checkpoints(t, fresh)), names(checkpoints(t, run)); !slices.Equal(a, b) {
		t.Errorf("checkpoints %v, want %v", b, a)
	}
}

// Of two processes that train in one directory the second gives up and the
// first goes on undisturbed.
func TestTwoRunsInOneDirectory(t *testing.T) {
	t.Parallel()
	data, run := prepared(t), filepath.Join(t.TempDir(), "run")
	first := exec.CommandContext(t.Context(), "kiban", tiny(data, run, "--max-steps", "1000000")...)
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a checkpoint", func() bool { return len(checkpoints(t, run)) > 0 })
	for _, how := range []string{"--resume", "-O"} {
		fails(t, []string{run + ": another process is training in it"}, tiny(data, run, "--max-steps", "1000000", "--max-time", "3s", how)...)
	}
	if err := first.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	first.Wait()
	if code := first.ProcessState.ExitCode(); code != exitInterrupted {
		t.Fatalf("exit code %d", code)
	}
	dir, step, warnings, err := checkpoint.Latest(run)
	if err != nil || len(warnings) > 0 || step == 0 {
		t.Fatalf("%s, step %d, %v, %v", dir, step, warnings, err)
	}
	must(t, tiny(data, run, "--max-steps", "1000000", "--max-time", "1ms", "--resume")...)
	// A checkpoint is a model directory.
	must(t, "protein", "generate", "-m", dir, "-n", "1", "--max-tokens", "20", "--max-length", "8", "--device", "cpu", "-q")
}
