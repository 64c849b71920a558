package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/core/packed"
	"github.com/kiban-models/kiban/materials/corpus"
	"github.com/kiban-models/kiban/materials/corpus/brat"
)

// readMarked reads the sentences of documents in which entities are marked: a
// brat folder or JSON lines. ok is false for another kind of file.
func readMarked(c *cli.Context, name string) (sentences []corpus.Tagged, ok bool, err error) {
	st, err := os.Stat(name)
	if err != nil {
		return nil, false, err
	}
	var sum corpus.Tagging
	add := func(d *corpus.Annotated) {
		tagged, n := d.Tags(corpus.TagOptions{})
		for i := range tagged {
			tagged[i].Doc = d.ID
		}
		sentences = append(sentences, tagged...)
		sum.Entities, sum.Overlaps, sum.Widened = sum.Entities+n.Entities, sum.Overlaps+n.Overlaps, sum.Widened+n.Widened
		sum.Crossing, sum.Fragmented, sum.Wordless = sum.Crossing+n.Crossing, sum.Fragmented+n.Fragmented, sum.Wordless+n.Wordless
	}
	base := strings.ToLower(filepath.Base(name))
	for _, suffix := range []string{".gz", ".zst", ".bz2", ".xz"} {
		base = strings.TrimSuffix(base, suffix)
	}
	switch {
	case st.IsDir():
		for d, err := range brat.Folder(name, brat.Options{}) {
			if err != nil {
				return nil, true, err
			}
			add(&d.Annotated)
		}
	case strings.HasSuffix(base, ".jsonl") || strings.HasSuffix(base, ".ndjson"):
		if err := readLists(c, name, add); err != nil {
			return nil, true, err
		}
	default:
		return nil, false, nil
	}
	if sum.Entities == 0 {
		return nil, true, fmt.Errorf("%s: no entities are marked in it; give a CoNLL file, JSON lines with spans, or a brat folder of .txt and .ann files", name)
	}
	told := func(n int, what string) {
		if n > 0 {
			warning(c, "%s: %s of %s entities %s", name, human(n), human(sum.Entities), what)
		}
	}
	told(sum.Overlaps, "more overlap others and were left out")
	told(sum.Crossing, "more go over the end of a sentence and were left out")
	told(sum.Wordless, "more have no word and were left out")
	told(sum.Widened, "were widened to whole words")
	told(sum.Fragmented, "are in fragments and were made whole")
	return sentences, true, nil
}

func readLists(c *cli.Context, name string, add func(*corpus.Annotated)) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	r, err := packed.NewReader(f)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	defer r.Close()
	var n corpus.ListCounts
	for d, err := range corpus.ReadLists(r, name, corpus.Options{}, &n) {
		if err != nil {
			return err
		}
		add(&d)
	}
	if left := n.Rejected + n.Ignored + n.Unanswered; left > 0 {
		message(c, "%s: %s records were left out: %s rejected, %s ignored, %s without an answer", name, human(left), human(n.Rejected), human(n.Ignored), human(n.Unanswered))
	}
	return nil
}
