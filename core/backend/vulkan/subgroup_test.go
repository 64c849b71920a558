package vulkan

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestSubgroupSizes runs what counts on the size of a subgroup with those of 4
// invocations, and of 16 if there is time, which lavapipe has if it is told to.
func TestSubgroupSizes(t *testing.T) {
	d := open(t, Options{})
	if size := os.Getenv("KIBAN_SUBGROUP"); size != "" { // the process that is told to
		if fmt.Sprint(d.f.SubgroupSize) != size {
			t.Fatalf("subgroups of %d, wanted %s", d.f.SubgroupSize, size)
		}
		return
	}
	if !d.f.software() {
		t.Skipf("%s has subgroups of %d only", d.Name(), d.f.SubgroupSize)
	}
	run, sizes := "^TestSubgroupSizes$|^TestMatMulVariants$/^vec,_wide", []int{4}
	if os.Getenv("KIBAN_SLOW") != "" {
		sizes = []int{4, 16}
		run += "|^TestMatMulVariants$|^TestJoined|^TestAttentionParts$|^TestRowParts$|^TestGather$|^TestDecoder$"
	}
	self, err := os.Executable()
	must(t, err)
	for _, size := range sizes {
		cmd := exec.Command(self, "-test.v", "-test.run="+run)
		cmd.Env = append(os.Environ(), fmt.Sprintf("KIBAN_SUBGROUP=%d", size), fmt.Sprintf("LP_NATIVE_VECTOR_WIDTH=%d", 32*size))
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "--- PASS: TestMatMulVariants/vec,_wide ") {
			t.Errorf("subgroups of %d: %v\n%s", size, err, out)
		}
	}
}
