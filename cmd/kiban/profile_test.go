package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// --profile gives the same table for every device, of verbs that train and
// others, on stderr and at the end; there is none without.
func TestProfileFlag(t *testing.T) {
	t.Parallel()
	data, run := prepared(t), filepath.Join(t.TempDir(), "run")
	more := []string{"--max-steps", "1", "--eval-tokens", "64", "--profile"}
	for _, device := range []string{"cpu", "vulkan"} {
		if !strings.Contains(must(t, "device", "list"), "\n"+device) {
			t.Logf("no device %s", device)
			continue
		}
		score := []string{"protein", "score", "-m", run, "--device", device}
		pretrain := append(tiny(data, run, more...), "--device", device, "--overwrite")
		for _, args := range [][]string{pretrain, append(score, "--profile")} {
			stdin := ">a\nMKTAYIAKQR\n"
			out, stderr, code := kiban(t.Context(), stdin, args...)
			if code != 0 {
				t.Fatalf("kiban %v exits %d: %s", args, code, stderr)
			}
			_, table, found := strings.Cut(stderr, "time by kernel on "+device)
			lines := strings.Split(strings.TrimSpace(table), "\n")
			if !found || !strings.HasPrefix(lines[1], "kernel ") || !strings.Contains(table, "\nmatmul") || !strings.Contains(lines[len(lines)-1], "outside kernels") {
				t.Errorf("kiban %v ends with\n%s", args, stderr)
			}
			if strings.Contains(out, "outside kernels") {
				t.Errorf("kiban %v prints the table to stdout", args)
			}
		}
		if _, stderr, _ := kiban(t.Context(), ">a\nMKTAYIAKQR\n", score...); strings.Contains(stderr, "time by kernel") {
			t.Errorf("without --profile: %s", stderr)
		}
	}
}
