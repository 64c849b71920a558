package train_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/train"
)

func record(step int, split string) train.Record {
	return train.Record{Step: step, Split: split, Loss: 1.0 / 3, Perplexity: 1.4, Time: 0.5, Tokens: int64(100 * step)}
}

// history writes lines to a file.
func history(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "metrics.jsonl")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// add opens the history at a step, appends records, and returns all.
func add(t *testing.T, path string, step int, records ...train.Record) []train.Record {
	t.Helper()
	h, err := train.OpenHistory(path, step)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if err := h.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	// A reader sees a record at once, not when the file is closed.
	all, err := train.ReadHistory(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	return all
}

func same(t *testing.T, what string, got []train.Record, want ...train.Record) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: got\n%+v, wanted\n%+v", what, got, want)
	}
}

func TestHistory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "metrics.jsonl")
	a, b, c := record(10, "train"), record(20, "train"), record(20, "eval")
	d := record(30, "train")
	same(t, "a new run", add(t, path, 0, a, b, c, d), a, b, c, d)
	same(t, "resumed at 25", add(t, path, 25), a, b, c)
	same(t, "resumed at 20", add(t, path, 20, d), a, b, c, d)
	same(t, "resumed at 19", add(t, path, 19, b), a, b)
	same(t, "begun anew", add(t, path, 0, d), d)
}

func TestHistoryTruncated(t *testing.T) {
	path := filepath.Join(t.TempDir(), "metrics.jsonl")
	a, b, c := record(10, "train"), record(20, "train"), record(30, "train")
	add(t, path, 0, a, b)
	full, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	first := strings.IndexByte(string(full), '\n') + 1
	for end := first; end < len(full); end++ { // cut anywhere in the last line
		if err := os.WriteFile(path, full[:end], 0o644); err != nil {
			t.Fatal(err)
		}
		got, err := train.ReadHistory(path)
		if err != nil {
			t.Fatalf("cut at %d: %v", end, err)
		}
		same(t, fmt.Sprint("cut at ", end), got, a)
	}
	same(t, "appended to", add(t, path, 20, c), a, c)
}

func TestHistoryBadLine(t *testing.T) {
	for _, bad := range []string{"oops", `{"step":"ten"}`, "", `{"step":3`} {
		path := history(t, `{"step":1}`+"\n"+`{"step":2}`+"\n"+bad+"\n"+`{"step":4}`+"\n")
		_, err := train.ReadHistory(path)
		if err == nil || !strings.HasPrefix(err.Error(), path+":3: ") {
			t.Errorf("%q: got %v, wanted an error at %s:3", bad, err, path)
		}
		before, _ := os.ReadFile(path)
		if _, err := train.OpenHistory(path, 5); err == nil {
			t.Errorf("%q: a history with a bad line was opened", bad)
		}
		if after, _ := os.ReadFile(path); string(after) != string(before) {
			t.Errorf("%q: the file was changed", bad)
		}
	}
}

func TestHistoryLongLine(t *testing.T) {
	path := history(t, `{"step":1,"note":"`+strings.Repeat("x", 1<<17)+`"}`+"\n")
	got, err := train.ReadHistory(path)
	if err != nil || len(got) != 1 || got[0].Step != 1 {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestHistoryAbsent(t *testing.T) {
	if _, err := train.ReadHistory(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, wanted that the file does not exist", err)
	}
}
