package vulkan

import (
	"maps"
	"slices"
	"testing"

	"github.com/kiban-models/kiban/core/graph"
)

// TestComplete lists the kernels that a graph can emit and the backend lacks,
// and those that it has for nothing.
func TestComplete(t *testing.T) {
	have := slices.Sorted(maps.Keys(kernels))
	for _, k := range graph.Kernels() {
		if !slices.Contains(have, k) {
			t.Errorf("kernel %s has no lowering", k)
		}
	}
	for _, k := range have {
		if !slices.Contains(graph.Kernels(), k) {
			t.Errorf("lowering %s is of no kernel", k)
		}
	}
}
