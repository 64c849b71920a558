package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"iter"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/materials/embedding"
)

// The work of the word2vec rows: a text of 1.5 million words in lines of 20, from
// the file to vectors of 100 numbers, once through: reading it, counting, and
// training with 5 words to each side, 5 noise words, words that occur 5 times.
// What is counted are the words of the vocabulary. CBOW without --fast is
// trained by one thread.
const (
	textWords      = 1_500_000
	textVocabulary = 30_000
)

func word2vecRows() []row {
	var all []row
	for _, x := range []struct {
		name, task string
		cbow, fast bool
	}{{"skip-gram", "skip-gram", false, false}, {"CBOW", "cbow", true, false}, {"CBOW --fast", "cbow", true, true}} {
		all = append(all, row{
			name: "word2vec " + x.name, unit: "words", prepare: zipfText,
			ours: func(ctx context.Context, s settings) (measured, error) {
				return trainVectors(ctx, s, embedding.Options{CBOW: x.cbow, Fast: x.fast, Epochs: 1, Seed: 1})
			},
			peers: []peer{
				{"gensim", "word2vec.py", []string{x.task, "sentences"}, []string{x.task, "sentences"}},
				{"gensim corpus_file", "word2vec.py", []string{x.task, "file"}, []string{x.task, "file"}},
			},
		})
	}
	return all
}

func textFile(dir string) string { return filepath.Join(dir, "text.txt") }

// zipfText writes words whose frequency falls as their rank rises.
func zipfText(dir string, s settings) error {
	n := textWords
	if s.tiny {
		n = 20_000
	}
	return checkpoint.WriteFile(textFile(dir), func(w io.Writer) error {
		b := bufio.NewWriter(w)
		r := rand.New(rand.NewPCG(1, 1))
		for i := range n {
			end := ' '
			if i%20 == 19 {
				end = '\n'
			}
			fmt.Fprintf(b, "w%d_%d%c", int(math.Pow(textVocabulary, r.Float64())), r.IntN(3), end)
		}
		return b.Flush()
	})
}

// trainVectors trains a text's vectors; the check is of the words that count.
func trainVectors(ctx context.Context, s settings, o embedding.Options) (m measured, err error) {
	kept := int64(0)
	m, err = clock(ctx, s, 1, func(int) error {
		v, err := embedding.Train(ctx, words(textFile(s.data)), o)
		if err != nil {
			return err
		}
		kept = 0
		for _, n := range v.Counts {
			kept += n
		}
		return nil
	})
	m.Rate *= float64(kept)
	m.Check = kept
	return m, err
}

// words are those of a file's lines, between blanks.
func words(path string) embedding.Corpus {
	return func() iter.Seq2[[]string, error] {
		return func(yield func([]string, error) bool) {
			f, err := os.Open(path)
			if err != nil {
				yield(nil, err)
				return
			}
			defer f.Close()
			lines := bufio.NewScanner(f)
			for lines.Scan() {
				if !yield(strings.Fields(lines.Text()), nil) {
					return
				}
			}
			if err := lines.Err(); err != nil {
				yield(nil, err)
			}
		}
	}
}
