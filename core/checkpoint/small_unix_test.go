//go:build unix

package checkpoint

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestReadFile(t *testing.T) {
	dir := t.TempDir()
	secret := put(t, filepath.Join(t.TempDir(), "secret"), []byte("top secret"))
	put(t, filepath.Join(dir, "good"), []byte("1234"))
	for name, err := range map[string]error{
		"pipe": syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o666),
		"out":  os.Symlink(secret, filepath.Join(dir, "out")),
		"zero": os.Symlink("/dev/zero", filepath.Join(dir, "zero")),
		"dir":  os.Mkdir(filepath.Join(dir, "dir"), 0o777),
	} {
		if err != nil {
			t.Fatal(err)
		}
		if data, err := ReadFile(dir, name, 100); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %q, %v", name, data, err)
		}
	}
	if data, err := ReadFile(dir, "good", 4); err != nil || string(data) != "1234" {
		t.Errorf("%q, %v", data, err)
	}
	if _, err := ReadFile(dir, "good", 3); err == nil || !strings.Contains(err.Error(), "more than 3 bytes") {
		t.Error(err)
	}
	for _, dir := range []string{dir, filepath.Join(dir, "none")} {
		if _, err := ReadFile(dir, "none", 1); !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
	}
}
