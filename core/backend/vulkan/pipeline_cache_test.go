package vulkan

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/tensor"
)

// once opens a device with the cache, runs a program and closes it.
func once(t *testing.T, dir string) *Backend {
	t.Helper()
	b, err := Open(Options{Index: -1, AllowSoftware: true, Cache: dir})
	must(t, err)
	runChain(t, b)
	must(t, b.Close())
	return b
}

// given returns what the driver gives to keep of one shader.
func given(t *testing.T) ([]byte, error) {
	t.Helper()
	b := open(t, Options{})
	g := graph.New()
	load(t, b, g, map[string]*graph.Node{"y": graph.Scale(g.Input("x", tensor.F32, 4), 2)})
	return b.dev.PipelineCacheData(b.cache.object)
}

// TestCache keeps compiled shaders, and works as well on a file that is
// damaged, cut, foreign or too large, or that cannot be written.
func TestCache(t *testing.T) {
	open(t, Options{}) // skips where there is no device
	dir := filepath.Join(t.TempDir(), "a", "b")
	first := once(t, dir)
	path := first.cache.path
	if data, err := given(t); err != nil || !first.cache.key.owns(data) {
		t.Skipf("the driver gives nothing to keep: %d bytes, %v", len(data), err)
	}
	good, err := os.ReadFile(path)
	must(t, err)
	if first.cache.read != 0 || first.cache.err != nil || first.cache.made == 0 {
		t.Errorf("the first time: %+v", first.cache)
	}
	second := once(t, dir)
	if second.cache.read != len(good)-cacheStart || second.cache.err != nil {
		t.Errorf("the second time %d of %d bytes were read, %v", second.cache.read, len(good), second.cache.err)
	}
	edit := func(at int) []byte {
		bad := bytes.Clone(good)
		bad[at] ^= 1
		return bad
	}
	foreign := func(at int) []byte { // whole, but of another device
		bad := edit(cacheStart + at)
		return seal(bad[cacheStart:])
	}
	for name, bad := range map[string][]byte{
		"empty": {}, "text": []byte("hello\n"), "magic": edit(0), "sum": edit(len(cacheMagic)), "data": edit(len(good) - 1),
		"cut": good[:len(good)-1], "head": good[:cacheStart], "version": foreign(4), "vendor": foreign(8), "device": foreign(12), "uuid": foreign(16),
		"short": seal(nil), "large": append(bytes.Clone(good), make([]byte, cacheMost)...),
	} {
		must(t, os.WriteFile(path, bad, 0o666))
		b := once(t, dir)
		if b.cache.read != 0 || b.cache.err == nil {
			t.Errorf("%s: %+v", name, b.cache)
		}
		if now, err := os.ReadFile(path); err != nil || len(now) != len(good) {
			t.Errorf("%s: left is a file of %d bytes, wanted %d, %v", name, len(now), len(good), err)
		}
	}
	left, err := os.ReadDir(dir)
	must(t, err)
	if len(left) != 1 {
		t.Errorf("%d files, wanted one", len(left))
	}
	// A folder that cannot be made.
	if b := once(t, filepath.Join(path, "sub")); b.cache.err == nil {
		t.Error("a file was taken for a folder")
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		t.Error("the file is gone")
	}
}
