package dataset

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// build writes documents of the given tokens.
func build(t testing.TB, dir string, opts BuilderOptions, docs ...[]int32) Manifest {
	t.Helper()
	b, err := NewBuilder(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range docs {
		if err := b.Add(d); err != nil {
			t.Fatal(err)
		}
	}
	m, err := b.Finish(Details{Part: "train", Split: &SplitRule{Validation: 0.1, Seed: 3}, Symbols: map[string]int64{"M": 2}})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func counting(n int) [][]int32 {
	var docs [][]int32
	next := int32(1)
	for i := range n {
		var d []int32
		for range i % 7 {
			d = append(d, next%300+1)
			next++
		}
		docs = append(docs, d)
	}
	return docs
}

func TestRoundTrip(t *testing.T) {
	for _, opts := range []BuilderOptions{
		{VocabSize: 400, ShardTokens: 10},
		{VocabSize: 400, Separator: NoSeparator, ShardTokens: 1},
		{VocabSize: 1 << 16},
		{VocabSize: 1<<16 + 1, Separator: 1 << 16, ShardTokens: 33},
	} {
		dir := filepath.Join(t.TempDir(), "deep", "set")
		docs := counting(50)
		m := build(t, dir, opts, docs...)
		d, err := Open(dir, OpenOptions{Verify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		if d.Len() != 50 || d.Tokens() != m.Tokens || m.TokenBytes != tokenBytes(opts.VocabSize) || d.Manifest().Split.Seed != 3 {
			t.Errorf("%+v", d.Manifest())
		}
		var all []int32
		i := 0
		for got, err := range d.Documents() {
			if err != nil {
				t.Fatal(err)
			}
			want := docs[i]
			if opts.Separator != NoSeparator {
				want = append([]int32{opts.Separator}, want...)
			}
			if !slices.Equal(got, want) {
				t.Fatalf("document %d: %v, want %v", i, got, want)
			}
			all = append(all, got...)
			i++
		}
		// Any range, over any shard edges.
		for at := range len(all) {
			for _, n := range []int{1, 5, 40, 1000} {
				buf := make([]int32, n)
				k := d.Read(buf, int64(at))
				if want := all[at:min(at+n, len(all))]; !slices.Equal(buf[:k], want) {
					t.Fatalf("%d at %d: %v, want %v", n, at, buf[:k], want)
				}
			}
		}
		if _, err := d.Document(nil, 50); err == nil {
			t.Error("document 50 of 50 was read")
		}
	}
}

func TestEmpty(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "set")
	build(t, dir, BuilderOptions{VocabSize: 5})
	d, err := Open(dir, OpenOptions{Verify: true})
	if err != nil || d.Len() != 0 || d.Read(make([]int32, 3), 0) != 0 {
		t.Fatal(err)
	}
	if _, err := d.Blocks(BlockOptions{Length: 4}); err == nil || !strings.Contains(err.Error(), "too few for one block") {
		t.Error(err)
	}
	d.Close()
}

func TestBuilderRefuses(t *testing.T) {
	dir := t.TempDir()
	for _, o := range []BuilderOptions{{}, {VocabSize: 5, Separator: 5}, {VocabSize: 5, Separator: -2}} {
		if _, err := NewBuilder(filepath.Join(dir, "x"), o); err == nil {
			t.Errorf("%+v was accepted", o)
		}
	}
	b, err := NewBuilder(filepath.Join(dir, "x"), BuilderOptions{VocabSize: 5})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []int32{5, -1} {
		if err := b.Add([]int32{1, id}); err == nil || !strings.Contains(err.Error(), "outside the vocabulary") {
			t.Errorf("id %d: %v", id, err)
		}
	}
	if err := b.Discard(); err != nil {
		t.Fatal(err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestOverwrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "set")
	build(t, dir, BuilderOptions{VocabSize: 5}, []int32{1})
	if _, err := NewBuilder(dir, BuilderOptions{VocabSize: 5}); err == nil || !strings.Contains(err.Error(), "exists already") {
		t.Error(err)
	}
	build(t, dir, BuilderOptions{VocabSize: 5, Overwrite: true}, []int32{1}, []int32{2})
	d, err := Open(dir, OpenOptions{})
	if err != nil || d.Len() != 2 {
		t.Fatal(err)
	}
	d.Close()
	os.Remove(filepath.Join(dir, ManifestFile))
	if _, err := NewBuilder(dir, BuilderOptions{VocabSize: 5, Overwrite: true}); err == nil || !strings.Contains(err.Error(), "will not be overwritten") {
		t.Error(err)
	}
	if entries, _ := os.ReadDir(filepath.Dir(dir)); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestDamage(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "set")
	build(t, dir, BuilderOptions{VocabSize: 400}, counting(50)...)
	if _, err := Open(filepath.Dir(dir), OpenOptions{}); err == nil || !strings.Contains(err.Error(), "no manifest.json") {
		t.Error(err)
	}
	change := func(name string, edit func([]byte) []byte, verify bool, want string) {
		t.Helper()
		path := filepath.Join(dir, name)
		old, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		defer os.WriteFile(path, old, 0o666)
		if err := os.WriteFile(path, edit(bytes.Clone(old)), 0o666); err != nil {
			t.Fatal(err)
		}
		d, err := Open(dir, OpenOptions{Verify: verify})
		if err == nil {
			d.Close()
			t.Errorf("%s: damage was accepted, want %q", name, want)
		} else if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
	swap := func(old, new string) func([]byte) []byte {
		return func(b []byte) []byte { return bytes.Replace(b, []byte(old), []byte(new), 1) }
	}
	flip := func(i int) func([]byte) []byte {
		return func(b []byte) []byte { b[(i+len(b))%len(b)] ^= 1; return b }
	}
	cut := func(n int) func([]byte) []byte {
		return func(b []byte) []byte { return b[:len(b)-n] }
	}
	change("tokens-00000.bin", cut(1), false, "bytes long, want")
	change("tokens-00000.idx", cut(8), false, "bytes long, want")
	change("tokens-00000.bin", flip(0), false, "starts with")
	change("tokens-00000.bin", flip(8), false, "format version")
	change("tokens-00000.bin", flip(16), false, "the manifest says")
	change("tokens-00000.idx", flip(-8), false, "runs from token")
	change("tokens-00000.bin", flip(-2), true, "SHA-256")
	change("tokens-00000.idx", flip(60), true, "SHA-256")
	change("manifest.json", cut(3), false, "prepare the data again")
	change("manifest.json", swap("kiban-tokens", "other"), false, "format")
	change("manifest.json", swap(`"token_bytes": 2`, `"token_bytes": 4`), false, "do not go with")
	change("manifest.json", swap("tokens-00000.bin", "../x"), false, "plain file name")
	change("manifest.json", swap(`"documents": 50`, `"documents": 51`), false, "totals")
	change("manifest.json", swap(`"separator": 0`, `"separator": 400`), false, "outside the vocabulary")
	os.Remove(filepath.Join(dir, "tokens-00000.idx"))
	if _, err := Open(dir, OpenOptions{}); err == nil || !strings.Contains(err.Error(), "tokens-00000.idx") {
		t.Error(err)
	}
}

func TestIdenticalBytes(t *testing.T) {
	a, b := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	for _, dir := range []string{a, b} {
		build(t, dir, BuilderOptions{VocabSize: 400, ShardTokens: 50}, counting(50)...)
	}
	files, _ := os.ReadDir(a)
	for _, f := range files {
		x, _ := os.ReadFile(filepath.Join(a, f.Name()))
		y, _ := os.ReadFile(filepath.Join(b, f.Name()))
		if !bytes.Equal(x, y) || len(x) == 0 {
			t.Errorf("%s differs", f.Name())
		}
	}
	if len(files) < 6 {
		t.Errorf("%d files", len(files))
	}
}

func ExampleDataset_Blocks() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	b, err := NewBuilder(filepath.Join(dir, "train"), BuilderOptions{VocabSize: 100, Separator: 0})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, doc := range [][]int32{{11, 12, 13}, {21, 22}, {31}} {
		if err := b.Add(doc); err != nil {
			fmt.Println(err)
			return
		}
	}
	if _, err := b.Finish(Details{Part: "train"}); err != nil {
		fmt.Println(err)
		return
	}
	d, err := Open(filepath.Join(dir, "train"), OpenOptions{Verify: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer d.Close()
	blocks, err := d.Blocks(BlockOptions{Length: 4, InOrder: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	tokens, targets := make([]int32, 8), make([]int32, 8)
	if err := blocks.Batch(0, tokens, targets); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(tokens)
	fmt.Println(targets)
	// Output:
	// [0 11 12 13 0 21 22 0]
	// [11 12 13 0 21 22 0 31]
}
