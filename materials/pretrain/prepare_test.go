package pretrain_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/dataset"
	"github.com/kiban-models/kiban/materials/corpus"
	"github.com/kiban-models/kiban/materials/pretrain"
)

// documents makes texts of a small grammar: what is measured of which material,
// so that a word is known by its neighbours.
func documents(n int) func() iter.Seq2[corpus.Document, error] {
	oxides := []string{"LiCoO2", "TiO2", "ZrO2", "BaTiO3"}
	metals := []string{"copper", "nickel", "iron", "silver"}
	return func() iter.Seq2[corpus.Document, error] {
		return func(yield func(corpus.Document, error) bool) {
			for i := range n {
				r := rand.New(rand.NewPCG(uint64(i), 7))
				var b strings.Builder
				for range 4 + r.IntN(9) {
					if r.IntN(2) == 0 {
						fmt.Fprintf(&b, "The oxide %s was sintered at %d °C in air. ", oxides[r.IntN(4)], 900+100*r.IntN(5))
					} else {
						fmt.Fprintf(&b, "The metal %s was rolled and then annealed in argon. ", metals[r.IntN(4)])
					}
				}
				if !yield(corpus.Document{ID: fmt.Sprint(i), Text: b.String()}, nil) {
					return
				}
			}
		}
	}
}

func options(out string, n int) pretrain.PrepareOptions {
	return pretrain.PrepareOptions{
		Documents: documents(n), Out: out, VocabSize: 160, Length: 48,
		Split: dataset.SplitRule{Validation: 0.2, Seed: 42}, Threads: 2, ShardTokens: 1000,
	}
}

// tree returns the files of a directory with their contents.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		all[rel] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func same(t *testing.T, what string, got, want map[string]string) {
	t.Helper()
	for name, w := range want {
		if got[name] != w {
			t.Errorf("%s: %s is not the same", what, name)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%s: %d files, wanted %d", what, len(got), len(want))
	}
}

func TestPrepare(t *testing.T) {
	out := filepath.Join(t.TempDir(), "data")
	o := options(out, 200)
	docs := o.Documents
	failed := 0
	// Two documents come twice, and one cannot be read.
	o.Documents = func() iter.Seq2[corpus.Document, error] {
		return func(yield func(corpus.Document, error) bool) {
			k := 0
			for d := range docs() {
				if k++; k == 5 && !yield(corpus.Document{}, errors.New("a.xml:3: broken")) {
					return
				}
				if (k == 7 || k == 9) && !yield(d, nil) || !yield(d, nil) {
					return
				}
			}
		}
	}
	o.Failed = func(error) error { failed++; return nil }
	sum, err := pretrain.Prepare(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if sum.Duplicates != 2 || sum.Failed != 1 || failed != 1 || sum.Train.Documents+sum.Validation.Documents != 200 || sum.Validation.Documents < 20 {
		t.Errorf("%+v, Failed was called %d times", sum, failed)
	}
	tk, err := pretrain.OpenTokenizer(out)
	if err != nil {
		t.Fatal(err)
	}
	w := tk.WordPiece
	for _, part := range []struct {
		name string
		sum  pretrain.Part
	}{{pretrain.TrainDir, sum.Train}, {pretrain.ValidationDir, sum.Validation}} {
		d, err := dataset.Open(filepath.Join(out, part.name), dataset.OpenOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		ends, longest := int64(0), 0
		for row, err := range d.Documents() {
			if err != nil {
				t.Fatal(err)
			}
			longest = max(longest, len(row))
			if len(row) > 48 || row[0] != w.CLS() || row[len(row)-1] != w.SEP() || slices.Contains(row[1:], w.CLS()) {
				t.Fatalf("row %q", w.Decode(row, true))
			}
			for _, s := range strings.Split(strings.TrimSuffix(w.Decode(row[1:], true), " [SEP]"), " [SEP] ") {
				ends++
				if !strings.HasPrefix(s, "the ") || !strings.HasSuffix(s, ".") {
					t.Fatalf("sentence %q", s)
				}
			}
		}
		if d.Len() != part.sum.Rows || d.Tokens() != part.sum.Tokens || ends != part.sum.Sentences || longest != part.sum.Longest || part.sum.Unknown != 0 {
			t.Errorf("%s: %d rows, %d tokens, %d sentences, %d longest; the summary says %+v", part.name, d.Len(), d.Tokens(), ends, longest, part.sum)
		}
	}
	if _, err := pretrain.Prepare(context.Background(), o); err == nil || !strings.Contains(err.Error(), "overwrite") {
		t.Errorf("an existing directory: %v", err)
	}
}

// TestPrepareResume breaks preparations off at many documents, and compares
// what comes out in the end with that of one that was not.
func TestPrepareResume(t *testing.T) {
	for _, cross := range []bool{false, true} {
		dir := t.TempDir()
		whole := options(filepath.Join(dir, "whole"), 60)
		whole.CrossDocuments, whole.ShardTokens = cross, 300
		sum, err := pretrain.Prepare(context.Background(), whole)
		if err != nil {
			t.Fatal(err)
		}
		want := tree(t, whole.Out)
		if len(want) < 12 {
			t.Fatalf("only %d files: the test wanted several shards", len(want))
		}
		stopped := whole
		stopped.Out = filepath.Join(dir, "stopped")
		stopped.Resume = true
		steps, longest := 0, int64(0)
		for stop := 3; ; stop += 6 {
			ctx, cancel := context.WithCancel(context.Background())
			left := stop
			stopped.Progress = func(phase string, documents, _ int64) {
				if longest = max(longest, documents); left == 0 {
					cancel()
				}
				left--
			}
			got, err := pretrain.Prepare(ctx, stopped)
			cancel()
			if err == nil {
				if fmt.Sprint(got) != fmt.Sprint(sum) {
					t.Errorf("got %+v, wanted %+v", got, sum)
				}
				break
			}
			if steps++; !errors.Is(err, pretrain.ErrUnfinished) {
				t.Fatal(err)
			}
		}
		if steps < 8 {
			t.Errorf("broken off only %d times", steps)
		}
		same(t, fmt.Sprintf("across documents %t, broken off %d times", cross, steps), tree(t, stopped.Out), want)

		// With other settings it does not go on.
		other := options(filepath.Join(dir, "other"), 60)
		ctx, cancel := context.WithCancel(context.Background())
		other.Progress = func(string, int64, int64) { cancel() }
		if _, err := pretrain.Prepare(ctx, other); !errors.Is(err, pretrain.ErrUnfinished) {
			t.Fatal(err)
		}
		other.Length, other.Resume = 32, true
		if _, err := pretrain.Prepare(context.Background(), other); err == nil || !strings.Contains(err.Error(), "length was 48 and is 32") {
			t.Errorf("another length: %v", err)
		}
	}
}

// TestPrepareSwept leaves nothing of a run that was killed while it wrote the
// tokenizer.
func TestPrepareSwept(t *testing.T) {
	o := options(filepath.Join(t.TempDir(), "out"), 20)
	ctx, cancel := context.WithCancel(context.Background())
	o.Progress = func(string, int64, int64) { cancel() }
	if _, err := pretrain.Prepare(ctx, o); !errors.Is(err, pretrain.ErrUnfinished) {
		t.Fatal(err)
	}
	tokenizer := filepath.Join(filepath.Dir(o.Out), ".out.unfinished", "result", pretrain.TokenizerDir)
	if err := os.WriteFile(filepath.Join(tokenizer, ".vocab.txt.tmp-4321-0123456789ab"), []byte("torn"), 0o666); err != nil {
		t.Fatal(err)
	}
	o.Resume, o.Progress = true, nil
	if _, err := pretrain.Prepare(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	for name := range tree(t, o.Out) {
		if strings.Contains(name, ".tmp-") {
			t.Errorf("%s is left behind", name)
		}
	}
}

func TestPrepareRefuses(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct {
		change func(*pretrain.PrepareOptions)
		want   string
	}{
		"length":  {func(o *pretrain.PrepareOptions) { o.Length = 2 }, "rows of 2 tokens"},
		"split":   {func(o *pretrain.PrepareOptions) { o.Split.Validation = 2 }, "fraction"},
		"all out": {func(o *pretrain.PrepareOptions) { o.Split.Validation = 1 }, "none of 20 documents"},
		"none":    {func(o *pretrain.PrepareOptions) { o.Documents = documents(0) }, "none of 0 documents"},
		"error": {func(o *pretrain.PrepareOptions) {
			o.Documents = func() iter.Seq2[corpus.Document, error] {
				return func(yield func(corpus.Document, error) bool) { yield(corpus.Document{}, errors.New("a.txt:7: bad")) }
			}
		}, "a.txt:7: bad"},
	} {
		o := options(filepath.Join(dir, name), 20)
		c.change(&o)
		if _, err := pretrain.Prepare(context.Background(), o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, wanted %q", name, err, c.want)
		}
		if _, err := os.Stat(o.Out); err == nil {
			t.Errorf("%s: something was left under the name", name)
		}
	}
}
