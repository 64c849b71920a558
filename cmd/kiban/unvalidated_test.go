package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A run on data of which nothing is set aside for validation ends well, and says
// that nothing says how good it is.
func TestPretrainWithoutValidation(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	in, data, run := filepath.Join(dir, "in.fa"), filepath.Join(dir, "data"), filepath.Join(dir, "run")
	if err := os.WriteFile(in, []byte(">a\nMKTAYIAKQRQISFVKSHFSRQ\n>b\nGGSGLLVDEEDAAKLMNPQRST\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	must(t, "protein", "prepare", in, "-o", data, "--vocab-size", "300", "--validation", "0")
	_, stderr, code := kiban(t.Context(), "", "protein", "pretrain", data, "-o", run, "--layers", "1", "--width", "16", "--heads", "2",
		"--seq-len", "32", "--batch-size", "2", "--max-steps", "4", "--device", "cpu", "--progress", "none")
	if code != 0 || !strings.Contains(stderr, "no sequence is set aside for validation") {
		t.Fatalf("code %d: %s", code, stderr)
	}
	var r map[string]any
	if err := readJSONFile(filepath.Join(run, "results.json"), &r); err != nil {
		t.Fatal(err)
	}
	if _, there := r["eval_perplexity_per_residue"]; there || r["eval_sequences"] != 0.0 || r["train_steps"] != 4.0 {
		t.Errorf("results.json has %v", r)
	}
	report, err := os.ReadFile(filepath.Join(run, "report.html"))
	if err != nil || !strings.Contains(string(report), "nothing says how good this model is") || strings.Contains(string(report), "NaN") {
		t.Errorf("%v: the report has %d bytes", err, len(report))
	}
	made := filepath.Join(dir, "made.fa")
	must(t, "protein", "generate", "-m", run, "-n", "2", "--seed", "1", "--max-length", "20", "--max-tokens", "16", "--device", "cpu", "-o", made)
	must(t, "protein", "report", run, "--data", data, "--generated", made)
}
