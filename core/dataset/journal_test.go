package dataset_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/dataset"
)

type shardDone struct {
	Shard int `json:"shard"`
}

// TestJournal goes on behind a torn line, and not with other settings, another
// version or a line that is damaged.
func TestJournal(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, dataset.JournalFile)
	settings := map[string]string{"length": "48", "seed": "7"}
	var seen []int
	open := func(version int, settings map[string]string) (*dataset.Journal[shardDone], error) {
		seen = nil
		return dataset.OpenJournal(dir, version, settings, func(s shardDone) { seen = append(seen, s.Shard) })
	}
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	j, err := open(1, settings)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if err := j.Write(shardDone{i}); err != nil || !slices.Equal(seen, []int{0, 1, 2}[:i+1]) {
			t.Fatalf("wrote %v, %v", seen, err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := range len(whole) { // a kill may tear it anywhere
		write(string(whole[:cut]))
		j, err := open(1, settings)
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		want := max(0, strings.Count(string(whole[:cut]), "\n")-1)
		if len(seen) != want {
			t.Errorf("cut at %d: %v, wanted %d lines", cut, seen, want)
		}
		for i := want; i < 3; i++ {
			if err := j.Write(shardDone{i}); err != nil {
				t.Fatal(err)
			}
		}
		j.Close()
		if again, err := os.ReadFile(path); err != nil || string(again) != string(whole) {
			t.Fatalf("cut at %d: %q, wanted %q", cut, again, whole)
		}
	}
	for _, x := range []struct {
		text     string
		version  int
		settings map[string]string
		want     string
	}{
		{string(whole), 2, settings, ":1: version 1, want 2; start again with --overwrite"},
		{string(whole), 1, map[string]string{"length": "32", "cased": "true", "seed": "7"}, "cased was not given and is true, length was 48 and is 32; give what it was given"},
		{string(whole), 1, nil, "length was 48 and is not given, seed was 7 and is not given"},
		{strings.Replace(string(whole), `{"shard":1}`, `{"shard":"1"}`, 1), 1, settings, dataset.JournalFile + ":3: "},
		{"nonsense\n", 1, settings, dataset.JournalFile + ":1: "},
	} {
		write(x.text)
		if _, err := open(x.version, x.settings); err == nil || !strings.Contains(err.Error(), x.want) || !strings.HasPrefix(err.Error(), path) {
			t.Errorf("got %v, wanted %q", err, x.want)
		}
		if after, err := os.ReadFile(path); err != nil || string(after) != x.text {
			t.Errorf("a journal that is refused was changed: %q, %v", after, err)
		}
	}
}
