package backendtest

import (
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/graph"
)

// Complete reports every kernel that a graph can emit and a backend lacks, by
// the file of dir in which it should stand; and any that no graph emits.
func Complete(t *testing.T, dir string, has []string) {
	for _, k := range graph.Kernels() {
		if !slices.Contains(has, k) {
			t.Errorf("%s/%s: %s is missing", dir, stem(k), k)
		}
	}
	for _, k := range has {
		if !slices.Contains(graph.Kernels(), k) {
			t.Errorf("%s/%s: no graph emits %s", dir, stem(k), k)
		}
	}
}

// stem returns the name of the files that tell a kernel's story.
func stem(kernel string) string {
	if kernel == "grad_norm" {
		return kernel
	}
	name, _, _ := strings.Cut(kernel, "_grad")
	return name
}
