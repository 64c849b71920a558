package protein

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestPrepareDiskFull(t *testing.T) {
	in := testData(t, "uniref90_sample_8000.fasta.gz")
	small := t.TempDir()
	if err := syscall.Mount("tmpfs", small, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("needs the right to mount a small tmpfs: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(small, 0) })
	out := filepath.Join(small, "out")
	_, err := Prepare(t.Context(), PrepareOptions{Inputs: []string{in}, Out: out, Vocabulary: Vocabulary{Tokenizer: letters{}}})
	if !errors.Is(err, syscall.ENOSPC) || !strings.HasPrefix(err.Error(), out+": nothing was written: ") {
		t.Errorf("%v, want no space left", err)
	}
	if entries, _ := os.ReadDir(small); len(entries) != 0 {
		t.Errorf("left behind: %v", entries)
	}
}
