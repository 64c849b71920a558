package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/kiban-models/kiban/core/checkpoint"
)

// Going on from a checkpoint in the middle is exact under every setting that
// changes how a step is computed.
func TestResumeUnderSettings(t *testing.T) {
	t.Parallel()
	data := prepared(t)
	for name, more := range map[string][]string{
		"bf16":      {"--precision", "bf16"},
		"recompute": {"--recompute", "--dropout", "0.2"},
		"reference": {"--device", "reference", "--dropout", "0.2", "--grad-accum", "2"},
		"linear":    {"--schedule", "linear", "--warmup", "13", "--grad-clip", "0", "--weight-decay", "0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			whole, again := filepath.Join(dir, "whole"), filepath.Join(dir, "again")
			args := func(run string, last ...string) []string {
				return append(tiny(data, run, append(more, "--save-every", "17")...), last...)
			}
			must(t, args(whole)...)
			if err := os.CopyFS(again, os.DirFS(whole)); err != nil {
				t.Fatal(err)
			}
			for _, newer := range []string{"checkpoint-34", "checkpoint-40"} {
				if err := os.RemoveAll(filepath.Join(again, newer)); err != nil {
					t.Fatal(err)
				}
			}
			must(t, args(again, "--resume")...)
			sameRun(t, whole, again, 40)
			// By name, and into another directory.
			third := filepath.Join(dir, "third")
			must(t, args(third, "--resume="+filepath.Join(whole, "checkpoint-17"))...)
			sameFiles(t, tree(t, whole), tree(t, third), weights(40))
		})
	}
}

// A run cut into parts by --max-time comes to the same weights.
func TestMaxTime(t *testing.T) {
	t.Parallel()
	data, dir := prepared(t), t.TempDir()
	whole, parts := filepath.Join(dir, "whole"), filepath.Join(dir, "parts")
	more := []string{"--max-steps", "1200", "--save-every", "5000", "--eval-every", "5000"}
	must(t, tiny(data, whole, more...)...)
	must(t, tiny(data, parts, append(more, "--max-time", "30ms")...)...)
	if _, step, _, err := checkpoint.Latest(parts); err != nil || step == 0 || step == 1200 {
		t.Fatalf("the first part ends at step %d (%v)", step, err)
	}
	must(t, tiny(data, parts, append(more, "--resume")...)...)
	sameFiles(t, tree(t, whole), tree(t, parts), weights(1200))
}
