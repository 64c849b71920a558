package vulkan

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestSubgroupSizes runs what counts on the size of a subgroup with those of 4 and
// 16 invocations, which lavapipe has if it is told to, beside its 8.
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
	run := "^TestSubgroupSizes$|^TestMatMulVariants$/^vec,_wide"
	if os.Getenv("KIBAN_SLOW") != "" {
		run += "|^TestMatMulVariants$|^TestJoined|^TestAttentionParts$|^TestRowParts$|^TestGather$|^TestDecoder$"
	}
	self, err := os.Executable()
	must(t, err)
	for size, bits := range map[int]int{4: 128, 16: 512} {
		cmd := exec.Command(self, "-test.v", "-test.run="+run)
		cmd.Env = append(os.Environ(), fmt.Sprintf("KIBAN_SUBGROUP=%d", size), fmt.Sprintf("LP_NATIVE_VECTOR_WIDTH=%d", bits))
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "--- PASS: TestMatMulVariants/vec,_wide ") {
			t.Errorf("subgroups of %d: %v\n%s", size, err, out)
		}
	}
}
