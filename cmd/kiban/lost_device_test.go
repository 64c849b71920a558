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

// wantsVulkan skips a test where there is no such device.
func wantsVulkan(t *testing.T) {
	t.Helper()
	if !strings.Contains(must(t, "device", "list"), "\nvulkan") {
		if os.Getenv("KIBAN_REQUIRE_VULKAN") != "" {
			t.Fatal("no device vulkan")
		}
		t.Skip("no device vulkan; KIBAN_REQUIRE_VULKAN=1 makes this a failure")
	}
}

// A training run whose GPU fails ends with exit code 1 and says what to do; the
// last checkpoint is whole, and the run that goes on from it ends as one that
// nothing happened to.
func TestLostDevice(t *testing.T) {
	wantsVulkan(t)
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

// The same of the other fields' trainings, which save at the ends of epochs.
func TestLostDeviceOfOthers(t *testing.T) {
	wantsVulkan(t)
	dir := t.TempDir()
	store := climateStore(t)
	commands := map[string]func(run string, more ...string) []string{
		"climate": func(run string, more ...string) []string {
			return forecasting(store, run, append([]string{"--device", "vulkan", "--max-steps", "12"}, more...)...)
		},
	}
	if slow() {
		train, dev := annotated(t)
		commands["materials"] = func(run string, more ...string) []string {
			return learning(train, dev, run, append([]string{"--device", "vulkan", "--epochs", "2"}, more...)...)
		}
	}
	for name, command := range commands {
		whole, run := filepath.Join(dir, name), filepath.Join(dir, name+" lost")
		must(t, command(whole)...)
		n := map[string]int{"climate": 30, "materials": 40}[name]
		t.Setenv("KIBAN_TEST_FAULT", fmt.Sprintf("submit %d -4", n))
		fails(t, []string{"device lost", "go on with --resume", "--device cpu"}, command(run)...)
		os.Unsetenv("KIBAN_TEST_FAULT")
		var info runInfo
		if err := readJSONFile(filepath.Join(run, "run.json"), &info); err != nil {
			t.Fatal(err)
		}
		if info.Status != "failed" || info.Last == "" || !strings.Contains(info.Error, "device lost") {
			t.Errorf("%s: run.json says %+v", name, info)
		}
		must(t, command(run, "--resume")...)
		if contents(t, filepath.Join(whole, "model.safetensors")) != contents(t, filepath.Join(run, "model.safetensors")) {
			t.Errorf("%s: the run that went on ends otherwise", name)
		}
	}
}
