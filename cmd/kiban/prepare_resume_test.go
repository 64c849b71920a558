package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Ctrl-C keeps what is finished, says so, and exits with 130; the same command
// with --resume goes on to the same files.
func TestPrepareInterrupted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeProteins(t, filepath.Join(dir, "in.fasta"), 20_000, 1)
	prepare := func(args ...string) (*exec.Cmd, *bytes.Buffer) {
		cmd := exec.CommandContext(t.Context(), "kiban", append([]string{"protein", "prepare", "in.fasta", "--vocab-size", "400"}, args...)...)
		cmd.Dir = dir
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		return cmd, &stderr
	}
	whole, stderr := prepare("-o", "whole")
	if err := whole.Run(); err != nil {
		t.Fatal(err, stderr.String())
	}
	cmd, stderr := prepare("-o", "data")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	journal := filepath.Join(dir, ".data.unfinished", "journal.jsonl")
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		if b, _ := os.ReadFile(journal); bytes.Contains(b, []byte(`"phase":"read"`)) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("nothing was read")
		}
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != exitInterrupted {
		t.Fatalf("%v, want exit code %d: %s", err, exitInterrupted, stderr.String())
	}
	if !strings.Contains(stderr.String(), "data: what is finished is kept; go on with --resume") {
		t.Error(stderr.String())
	}
	cmd, stderr = prepare("-o", "data")
	if err := cmd.Run(); err == nil || !strings.Contains(stderr.String(), "an interrupted run left .data.unfinished; go on with --resume, or start again with --overwrite") {
		t.Errorf("%v: %s", err, stderr.String())
	}
	cmd, stderr = prepare("-o", "data", "--resume")
	if err := cmd.Run(); err != nil {
		t.Fatal(err, stderr.String())
	}
	for name, want := range tree(t, filepath.Join(dir, "whole")) {
		got, err := os.ReadFile(filepath.Join(dir, "data", name))
		if err != nil || !bytes.Equal(got, []byte(want)) {
			t.Errorf("%s differs: %v", name, err)
		}
	}
}
