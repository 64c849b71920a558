package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// faultOf reads "submit 7 -4": the seventh submission to a GPU, and all that
// follow it, have the VkResult -4.
func faultOf(text string) func(doing string) int32 {
	var call string
	var n, result int
	if k, _ := fmt.Sscan(text, &call, &n, &result); k < 3 {
		return nil
	}
	return func(doing string) int32 {
		if doing != call {
			return 0
		}
		if n--; n > 0 {
			return 0
		}
		return int32(result)
	}
}

// A training run whose GPU fails ends with exit code 1 and says what to do; the
// last checkpoint is whole, and the run that goes on from it ends as one that
// nothing happened to.
func TestLostDevice(t *testing.T) {
	if !strings.Contains(must(t, "device", "list"), "\nvulkan") {
		if os.Getenv("KIBAN_REQUIRE_VULKAN") != "" {
			t.Fatal("no device vulkan")
		}
		t.Skip("no device vulkan; KIBAN_REQUIRE_VULKAN=1 makes this a failure")
	}
	data, dir := prepared(t), t.TempDir()
	more := []string{"--device", "vulkan", "--max-steps", "8", "--eval-every", "100", "--eval-tokens", "64", "--log-every", "1"}
	whole := filepath.Join(dir, "whole")
	must(t, tiny(data, whole, more...)...)
	for name, c := range map[string]struct {
		fault string
		want  []string
	}{
		"lost":          {"submit 6 -4", []string{"device lost", "go on with --resume", "smaller batch", "--device cpu"}},
		"lost at work":  {"wait 6 -4", []string{"device lost", "go on with --resume"}},
		"out of memory": {"submit 6 -2", []string{"out of device memory", "use --precision bf16, --recompute or a smaller batch"}},
	} {
		t.Run(name, func(t *testing.T) {
			run := filepath.Join(dir, name)
			t.Setenv("KIBAN_TEST_FAULT", c.fault)
			fails(t, c.want, tiny(data, run, more...)...)
			os.Unsetenv("KIBAN_TEST_FAULT")
			var info runInfo
			if err := readJSONFile(filepath.Join(run, "run.json"), &info); err != nil {
				t.Fatal(err)
			}
			if info.Status != "failed" || info.Last != "checkpoint-3" || !strings.Contains(info.Error, c.want[0]) {
				t.Errorf("run.json says %+v", info)
			}
			must(t, tiny(data, run, append([]string{"--resume"}, more...)...)...)
			sameRun(t, whole, run, 8)
		})
	}
}
