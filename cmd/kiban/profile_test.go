package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Shaders are kept in the user's cache, and an unfit place for one is no error.
func TestShadersAreKept(t *testing.T) {
	if !strings.Contains(must(t, "device", "list"), "\nvulkan") {
		t.Skip("no device vulkan")
	}
	data, run, cache, files := prepared(t), filepath.Join(t.TempDir(), "run"), t.TempDir(), 1
	must(t, tiny(data, run, "--max-steps", "1", "--eval-tokens", "64")...)
	for _, step := range []struct{ cache, want string }{
		{cache, "with 0 bytes kept from earlier"}, {cache, " bytes kept from earlier"}, {os.DevNull, "kept from earlier; not kept: "},
	} {
		t.Setenv("XDG_CACHE_HOME", step.cache)
		_, stderr, code := kiban(t.Context(), ">a\nMKTAYIAKQR\n", "protein", "score", "-m", run, "--device", "vulkan", "--profile")
		if code != 0 || !strings.Contains(stderr, step.want) {
			t.Errorf("code %d, wanted %q in %s", code, step.want, stderr)
		}
		if strings.Contains(stderr, "the driver gives nothing to keep") {
			files = 0
		}
	}
	kept, err := filepath.Glob(filepath.Join(cache, "kiban", "vulkan", "*.pipelines"))
	if err != nil || len(kept) != files {
		t.Errorf("the cache holds %v, %v; wanted %d files", kept, err, files)
	}
}

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
			if !found || !strings.HasPrefix(lines[1], "kernel ") || !strings.Contains(table, "\nmatmul") || !strings.Contains(table, "outside kernels\n") {
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
