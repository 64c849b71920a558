package dataset

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestDiskFull(t *testing.T) {
	small := t.TempDir()
	if err := syscall.Mount("tmpfs", small, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("needs the right to mount a small tmpfs: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(small, 0) })
	b, err := NewBuilder(filepath.Join(small, "set"), BuilderOptions{VocabSize: 400})
	if err != nil {
		t.Fatal(err)
	}
	doc := make([]int32, 1000)
	for range 2000 {
		if err = b.Add(doc); err != nil {
			break
		}
	}
	if err == nil {
		_, err = b.Finish(Details{})
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("%v, want no space left", err)
	}
	b.Discard()
	if entries, _ := os.ReadDir(small); len(entries) != 0 {
		t.Errorf("left behind: %v", entries)
	}
}
