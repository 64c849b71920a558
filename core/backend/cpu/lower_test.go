package cpu

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestEveryLoweringHasItsKernel(t *testing.T) {
	names := compiled()
	slices.Sort(names)
	if !slices.Equal(names, Kernels()) {
		t.Errorf("C has %v, Go %v", names, Kernels())
	}
}

func TestControlGroups(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return file
	}
	// Version 2: the parent's limit is the tighter one.
	self := write("self2", "0::/a/b\n")
	write("v2/a/memory.max", "1000\n")
	write("v2/a/memory.current", "400\n")
	write("v2/a/b/memory.max", "max\n")
	write("v2/a/b/memory.current", "10\n")
	if left, ok := groupLeft(self, filepath.Join(dir, "v2")); !ok || left != 600 {
		t.Errorf("version 2: %d %t, wanted 600", left, ok)
	}
	self = write("self1", "5:devices:/x\n4:memory:/c\n0::/\n")
	write("v1/memory/c/memory.limit_in_bytes", "5000\n")
	write("v1/memory/c/memory.usage_in_bytes", "6000\n")
	if left, ok := groupLeft(self, filepath.Join(dir, "v1")); !ok || left != 0 {
		t.Errorf("version 1: %d %t, wanted 0", left, ok)
	}
	if _, ok := groupLeft(filepath.Join(dir, "none"), dir); ok {
		t.Error("a limit without groups")
	}
	if n, ok := memAvailable(write("meminfo", "MemTotal: 9 kB\nMemAvailable:    3 kB\n")); !ok || n != 3072 {
		t.Errorf("MemAvailable: %d %t", n, ok)
	}
}
