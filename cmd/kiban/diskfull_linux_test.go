package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/kiban-models/kiban/core/checkpoint"
)

// mounted returns a directory of limited size.
func mounted(t *testing.T, flags uintptr, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", flags, "size="+size); err != nil {
		t.Skipf("needs the right to mount a small tmpfs: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// empty wants nothing to be left in a directory.
func empty(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
}

const noSpace = "no space left on device"

func TestDiskFullPreparing(t *testing.T) {
	t.Parallel()
	small, in := mounted(t, 0, "256k"), filepath.Join(t.TempDir(), "in.fasta")
	writeProteins(t, in, 2000, 6)
	out := filepath.Join(small, "data")
	fails(t, []string{out + ": nothing was written: ", noSpace}, "protein", "prepare", in, "-o", out, "--vocab-size", "300")
	empty(t, small)
}

// The disk fills up while the third checkpoint is saved: the second is whole,
// the run says why it ended, and goes on when there is room, to the same end.
func TestDiskFullTraining(t *testing.T) {
	t.Parallel()
	small, data := mounted(t, 0, "2500k"), prepared(t)
	whole, run := filepath.Join(t.TempDir(), "whole"), filepath.Join(small, "run")
	args := func(dir string, more ...string) []string { return tiny(data, dir, append(more, "--width", "64")...) }
	must(t, args(whole)...)
	_, stderr, code := kiban(t.Context(), "", args(run, "-q")...)
	if code != exitFailed || !strings.Contains(stderr, noSpace) || !strings.Contains(stderr, filepath.Join(run, "checkpoint-")) || strings.Count(stderr, "\n") != 1 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	dir, step, warnings, err := checkpoint.Latest(run)
	if err != nil || step < 3 || len(warnings) > 0 {
		t.Fatalf("%s, step %d, %v, %v", dir, step, warnings, err)
	}
	if left, _ := filepath.Glob(filepath.Join(run, "*.tmp*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if s := status(t, run); s != "failed" {
		t.Errorf("run.json says %q", s)
	}
	if err := syscall.Mount("tmpfs", small, "tmpfs", syscall.MS_REMOUNT, "size=16m"); err != nil {
		t.Fatal(err)
	}
	must(t, args(run, "--resume")...)
	sameRun(t, whole, run, 40)
}

func TestDiskFullWriting(t *testing.T) {
	t.Parallel()
	small, data, run := mounted(t, 0, "8k"), prepared(t), filepath.Join(t.TempDir(), "run")
	must(t, tiny(data, run, "--max-steps", "2")...)
	in := filepath.Join(t.TempDir(), "in.fasta")
	writeProteins(t, in, 300, 7)
	table := filepath.Join(small, "t.tsv")
	for path, args := range map[string][]string{
		filepath.Join(small, "g.fasta"):    {"generate", "-m", run, "-n", "200", "--max-tokens", "30", "--max-length", "25", "-o"},
		filepath.Join(small, "g.fasta.gz"): {"generate", "-m", run, "-n", "600", "--max-tokens", "30", "--max-length", "25", "-o"},
		table:                              {"generate", "-m", run, "-n", "200", "--max-tokens", "30", "--max-length", "25", "--table"},
		filepath.Join(small, "s.tsv"):      {"score", "-m", run, in, "-o"},
		filepath.Join(small, "r.tsv"):      {"score", "-m", run, in, "--per-residue"},
	} {
		out, stderr, code := kiban(t.Context(), "", append(append([]string{"protein"}, args...), path, "--device", "cpu", "-q")...)
		if code != exitFailed || !strings.Contains(stderr, noSpace) || !strings.Contains(stderr, filepath.Base(path)) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%s: exit code %d: %s", path, code, stderr)
		}
		if args[len(args)-1] == "-o" && out != "" {
			t.Errorf("%s: %q on stdout", path, out)
		}
		os.Remove(journalPath(path)) // what fitted can be gone on with
		empty(t, small)
	}
}

func TestReadOnly(t *testing.T) {
	t.Parallel()
	dir, data, run := mounted(t, syscall.MS_RDONLY, "1m"), prepared(t), filepath.Join(t.TempDir(), "run")
	must(t, tiny(data, run, "--max-steps", "2")...)
	refused(t, dir, data, run, "read-only file system")
}

func TestNoPermission(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 { // root may write everywhere
		asNobody(t)
		return
	}
	dir, data, run := t.TempDir(), prepared(t), filepath.Join(t.TempDir(), "run")
	must(t, tiny(data, run, "--max-steps", "2")...)
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	refused(t, dir, data, run, "permission denied")
}

// asNobody runs the calling test again in a process without privileges.
func asNobody(t *testing.T) {
	t.Helper()
	const nobody = 65534
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	self, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "kiban.test")
	if err := os.WriteFile(program, self, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "TMPDIR="+dir, "HOME="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Fatalf("as another user: %v\n%s", err, out)
	}
}

// refused wants every verb to say which path below dir cannot be written.
func refused(t *testing.T, dir, data, run, why string) {
	t.Helper()
	in := filepath.Join(t.TempDir(), "in.fasta")
	writeProteins(t, in, 30, 8)
	for _, args := range [][]string{
		{"protein", "prepare", in, "-o", filepath.Join(dir, "data")},
		tiny(data, filepath.Join(dir, "run")),
		{"protein", "finetune", data, "-m", run, "-o", filepath.Join(dir, "run"), "--device", "cpu"},
		{"protein", "generate", "-m", run, "-o", filepath.Join(dir, "g.fasta"), "--device", "cpu"},
		{"protein", "generate", "-m", run, "--table", filepath.Join(dir, "g.tsv"), "--device", "cpu"},
		{"protein", "score", "-m", run, in, "-o", filepath.Join(dir, "sub", "s.tsv"), "--device", "cpu"},
	} {
		fails(t, []string{dir, why}, args...)
	}
	empty(t, dir)
}
