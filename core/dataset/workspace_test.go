package dataset

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func put(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("x"), 0o666); err != nil {
		t.Fatal(err)
	}
}

func there(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func TestWorkspace(t *testing.T) {
	parent := filepath.Join(t.TempDir(), "new")
	final := filepath.Join(parent, "data")
	open := func(o WorkspaceOptions) *Workspace {
		t.Helper()
		w, err := OpenWorkspace(final, "done.json", o)
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	refused := func(o WorkspaceOptions, want string) {
		t.Helper()
		w, err := OpenWorkspace(final, "done.json", o)
		if err == nil {
			w.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %s", o, err, want)
		}
	}
	w := open(WorkspaceOptions{})
	refused(WorkspaceOptions{Resume: true}, "another process is making it")
	w.Close()
	w = open(WorkspaceOptions{}) // nothing was left
	put(t, filepath.Join(w.Dir(), "journal"))
	w.Close()

	refused(WorkspaceOptions{}, "an interrupted run left "+w.Dir()+"; go on with --resume, or start again with --overwrite")
	w = open(WorkspaceOptions{Resume: true, Overwrite: true})
	if !there(filepath.Join(w.Dir(), "journal")) || w.Published() {
		t.Error("what was left has gone, or is taken for published")
	}
	w.Close()
	w = open(WorkspaceOptions{Overwrite: true})
	if there(filepath.Join(w.Dir(), "journal")) {
		t.Error("not cleared")
	}
	put(t, filepath.Join(w.Out(), "done.json"))
	if err := w.Publish(); err != nil || !there(filepath.Join(final, "done.json")) {
		t.Fatal(err)
	}
	w.Close() // killed before Discard
	refused(WorkspaceOptions{}, "exists already")
	w = open(WorkspaceOptions{Resume: true})
	if !w.Published() {
		t.Error("is published and not seen to be")
	}
	if err := w.Discard(); err != nil {
		t.Fatal(err)
	}
	if entries, _ := os.ReadDir(parent); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
	refused(WorkspaceOptions{Resume: true}, "exists already")
	w = open(WorkspaceOptions{Overwrite: true})
	put(t, filepath.Join(w.Dir(), "journal"))
	if w.Published() {
		t.Error("an earlier result is taken for this one")
	}
	put(t, filepath.Join(w.Out(), "done.json"))
	put(t, filepath.Join(w.Out(), "second"))
	if err := w.Publish(); err != nil || !there(filepath.Join(final, "second")) {
		t.Error(err)
	}
	if err := w.Discard(); err != nil {
		t.Error(err)
	}
}

func TestContinueBuilder(t *testing.T) {
	docs := [][]int32{{1, 2, 3}, {4, 5}, {6}, {7, 8, 9, 1}, {2}, {3, 4}}
	whole, parts := filepath.Join(t.TempDir(), "whole"), t.TempDir()
	opts := BuilderOptions{VocabSize: 10, ShardTokens: 5}
	want := build(t, whole, opts, docs...)

	var done []Shard
	opts.ShardDone = func(s Shard) error { done = append(done, s); return nil }
	b, err := ContinueBuilder(parts, opts, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range docs[:3] { // the third begins a shard that is not finished
		if err := b.Add(d); err != nil {
			t.Fatal(err)
		}
	}
	b.Discard()
	if len(done) != 1 {
		t.Fatalf("%d shards", len(done))
	}
	if err := CheckShard(parts, done[0]); err != nil {
		t.Error(err)
	}
	first := done[0]
	if b, err = ContinueBuilder(parts, opts, []Shard{first}); err != nil {
		t.Fatal(err)
	}
	for _, d := range docs[first.Documents:] {
		if err := b.Add(d); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.Finish(want.Details); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(whole)
	if err != nil || len(files) != 1+2*len(want.Shards) {
		t.Fatal(files, err)
	}
	for _, f := range files {
		a, err1 := os.ReadFile(filepath.Join(whole, f.Name()))
		b, err2 := os.ReadFile(filepath.Join(parts, f.Name()))
		if err1 != nil || err2 != nil || string(a) != string(b) {
			t.Errorf("%s differs: %v %v", f.Name(), err1, err2)
		}
	}
	if err := os.WriteFile(filepath.Join(parts, first.Index), []byte("damaged"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := CheckShard(parts, first); err == nil || !strings.Contains(err.Error(), first.Index+": SHA-256 is") {
		t.Error(err)
	}
}
