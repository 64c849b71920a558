package graph

import "testing"

// Every kernel has a gradient rule or a reason why not, and never both.
func TestKernelTable(t *testing.T) {
	for _, name := range Kernels() {
		k := kernels[name]
		if (k.grad == nil) == (k.noGrad == "") {
			t.Errorf("%s: gradient rule: %t, reason for none: %q", name, k.grad != nil, k.noGrad)
		}
		if k.elementwise && k.inPlace != nil {
			t.Errorf("%s is both elementwise and in place", name)
		}
	}
}
