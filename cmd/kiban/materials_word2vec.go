package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/core/checkpoint"
	w2v "github.com/kiban-models/kiban/materials/embedding"
)

// maxTextLine bounds a line of a corpus of words.
const maxTextLine = 16 << 20

func word2vecFlags() []cli.Flag {
	return []cli.Flag{
		newChoice(&cli.StringFlag{Name: "words", Category: catInput, Value: "text", Usage: "how lines are cut into words: text as mat2vec does (numbers become <nUm>), blanks for lines that are cut already"}, "text", "blanks"),
		&cli.BoolFlag{Name: "formulas", Category: catInput, Usage: "write formulas in the order of the alphabet: TiO2 is O2Ti", DisableDefaultText: true},
		&cli.IntFlag{Name: "phrases", Category: catInput, Usage: "join words that occur together into one, `N` times over"},
		&cli.BoolFlag{Name: "cbow", Category: catModel, Usage: "predict a word from the mean of its context, not from each word of it", DisableDefaultText: true},
		&cli.IntFlag{Name: "size", Category: catModel, Value: 100, Usage: "make vectors of `N` numbers"},
		&cli.IntFlag{Name: "window", Category: catTraining, Value: 5, Usage: "look at up to `N` words to each side"},
		&cli.IntFlag{Name: "negative", Category: catTraining, Value: 5, Usage: "learn `N` noise words beside each word"},
		&cli.IntFlag{Name: "min-count", Category: catTraining, Value: 5, Usage: "leave out words that occur less than `N` times"},
		&cli.IntFlag{Name: "epochs", Category: catTraining, Value: 5, Usage: "go `N` times through the text"},
		&cli.Float64Flag{Name: "sample", Category: catTraining, Value: 1e-3, Usage: "leave frequent words out at random from this `SHARE` of the text on; 0 is never"},
		&cli.Float64Flag{Name: "lr", Category: catTraining, DefaultText: "0.025, with --cbow 0.05", Usage: "start at learning rate `X`"},
		&cli.Float64Flag{Name: "min-lr", Category: catTraining, Value: 1e-4, Usage: "and fall to `X`"},
		&cli.BoolFlag{Name: "fast", Category: catRuntime, Usage: "let threads write the same vectors at once: the result is never the same twice", DisableDefaultText: true},
	}
}

func runWord2Vec(c *cli.Context) error {
	in, err := inputs(c)
	if err != nil {
		return err
	}
	dir, err := outputDir(c, false)
	if err != nil {
		return err
	}
	if err := replaceable(dir); err != nil {
		return err
	}
	s, err := seed(c)
	if err != nil {
		return err
	}
	o := w2v.Options{CBOW: c.Bool("cbow"), Dim: c.Int("size"), Window: c.Int("window"), Negative: c.Int("negative"), MinCount: c.Int("min-count"),
		Epochs: c.Int("epochs"), Sample: c.Float64("sample"), Rate: c.Float64("lr"), MinRate: c.Float64("min-lr"), Seed: s, Threads: threads(c), Fast: c.Bool("fast")}
	if o.Sample == 0 {
		o.Sample = -1
	}
	// Files are read several times; what is piped in is kept on disk.
	in, remove, err := keepInput(c, in)
	if err != nil {
		return err
	}
	defer remove()
	cut := strings.Fields
	if c.String("words") == "text" {
		formulas := c.Bool("formulas")
		cut = func(s string) []string { return w2v.Prepare(s, formulas) }
	}
	corpus := wordCorpus(in, cut)
	for range c.Int("phrases") {
		p, err := w2v.LearnPhrases(heedful(c, corpus), w2v.PhraseOptions{})
		if err != nil {
			return err
		}
		detail(c, "%s phrases", human(len(p.Scores)))
		corpus = p.Corpus(corpus)
	}
	began := time.Now()
	var p *progress
	phase := ""
	var last w2v.Progress
	o.Progress = func(now w2v.Progress) {
		if now.Phase != phase {
			if p != nil {
				p.Done()
			}
			p, phase = newProgress(c, now.Phase, now.Total).Unit("word"), now.Phase
			if phase == "training" {
				began = time.Now()
			}
		}
		p.Update(now.Words, "epoch", now.Epoch, "lr", now.Rate)
		last = now
	}
	v, err := w2v.Train(c.Context, corpus, o)
	if p != nil {
		p.Done()
	}
	if err != nil {
		return err
	}
	took := time.Since(began)
	if err := writeWord2Vec(dir, v, o, in, last.Total/int64(o.Epochs)); err != nil {
		return err
	}
	message(c, "vectors of %s words from %s · %s words/s · %s", human(len(v.Words)), human(last.Total/int64(o.Epochs)),
		human(float64(last.Total)/took.Seconds()), took.Round(time.Second/10))
	message(c, "next: kiban materials neighbors -m %s %s", dir, v.Words[len(v.Words)/2])
	return nil
}

// replaceable refuses to replace a directory of anything but vectors.
func replaceable(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	var info struct{ Kind string }
	b, err := os.ReadFile(filepath.Join(dir, "kiban.json"))
	if err == nil {
		err = json.Unmarshal(b, &info)
	}
	if err != nil || info.Kind != "word2vec" {
		return fmt.Errorf("%s: holds something else than vectors; give another -o", dir)
	}
	return nil
}

// writeWord2Vec writes vectors.bin, vocabulary.tsv (gensim's fvocab reads it)
// and kiban.json.
func writeWord2Vec(dir string, v *w2v.Vectors, o w2v.Options, in []string, words int64) error {
	info := map[string]any{
		"kind": "word2vec", "kiban": readVersion().Version, "inputs": in, "words": len(v.Words), "corpus_words": words, "seed": o.Seed, "cbow": o.CBOW, "size": o.Dim,
		"window": o.Window, "negative": o.Negative, "min_count": o.MinCount, "epochs": o.Epochs, "sample": o.Sample, "lr": o.Rate, "min_lr": o.MinRate, "fast": o.Fast,
	}
	about, err := json.MarshalIndent(info, "", "  ")
	if err != nil {
		return err
	}
	return checkpoint.WriteDir(dir, func(temp string) error {
		if err := checkpoint.WriteFile(filepath.Join(temp, "vectors.bin"), v.WriteBinary); err != nil {
			return err
		}
		if err := checkpoint.WriteFile(filepath.Join(temp, "vocabulary.tsv"), func(w io.Writer) error {
			out := bufio.NewWriter(w)
			for i, word := range v.Words {
				fmt.Fprintf(out, "%s\t%d\n", word, v.Counts[i])
			}
			return out.Flush()
		}); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(temp, "kiban.json"), append(about, '\n'), 0o644)
	})
}

// keepInput copies standard input into a file, since a corpus is read more than
// once.
func keepInput(c *cli.Context, in []string) ([]string, func(), error) {
	out, remove := append([]string(nil), in...), func() {}
	for i, name := range in {
		if name != "-" {
			continue
		}
		f, err := os.CreateTemp("", "kiban-text-*.tmp")
		if err != nil {
			return nil, remove, err
		}
		remove = func() { os.Remove(f.Name()) }
		_, err = io.Copy(f, c.App.Reader)
		if err = errors.Join(err, f.Close()); err != nil {
			remove()
			return nil, func() {}, err
		}
		out[i] = f.Name()
	}
	return out, remove, nil
}

func heedful(c *cli.Context, corpus w2v.Corpus) w2v.Corpus {
	return func() iter.Seq2[[]string, error] {
		return func(yield func([]string, error) bool) {
			for words, err := range corpus() {
				if err == nil {
					err = c.Context.Err()
				}
				if !yield(words, err) || err != nil {
					return
				}
			}
		}
	}
}

// wordCorpus is the lines of text files, gzipped or not, as words.
func wordCorpus(files []string, cut func(string) []string) w2v.Corpus {
	return func() iter.Seq2[[]string, error] {
		return func(yield func([]string, error) bool) {
			for _, name := range files {
				if !wordLines(name, cut, yield) {
					return
				}
			}
		}
	}
}

func wordLines(name string, cut func(string) []string, yield func([]string, error) bool) bool {
	in, closeInput, err := openText(nil, name)
	if err != nil {
		yield(nil, err)
		return false
	}
	defer closeInput()
	s := bufio.NewScanner(in)
	s.Buffer(nil, maxTextLine)
	for number := 1; s.Scan(); number++ {
		if !utf8.Valid(s.Bytes()) {
			yield(nil, fmt.Errorf("%s:%d: not UTF-8; decode the file first", name, number))
			return false
		}
		if !yield(cut(s.Text()), nil) {
			return false
		}
	}
	if err := s.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			err = fmt.Errorf("a line of more than %d MiB; give a text a line", maxTextLine>>20)
		}
		yield(nil, fmt.Errorf("%s: %w", name, err))
		return false
	}
	return true
}

// openText opens a file, or standard input for "-", compressed or not.
func openText(c *cli.Context, name string) (io.Reader, func() error, error) {
	var r io.Reader
	closeFile := func() error { return nil }
	if name == "-" && c != nil {
		r = c.App.Reader
	} else {
		f, err := os.Open(name)
		if err != nil {
			return nil, nil, err
		}
		r, closeFile = f, f.Close
	}
	in := bufio.NewReaderSize(r, 1<<18)
	switch m, _ := in.Peek(4); {
	case bytes.HasPrefix(m, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", name, errors.Join(err, closeFile()))
		}
		return z, closeFile, nil
	case bytes.Equal(m, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(in)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", name, errors.Join(err, closeFile()))
		}
		return z, func() error { z.Close(); return closeFile() }, nil
	}
	return in, closeFile, nil
}
