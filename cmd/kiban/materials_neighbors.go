package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	corefigure "github.com/kiban-models/kiban/core/figure"
	w2v "github.com/kiban-models/kiban/materials/embedding"
)

func neighborsFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "minus", Category: catInput, Usage: "take away the vector of `WORD`: king woman --minus man"},
		&cli.IntFlag{Name: "top", Category: catOutput, Value: 10, Usage: "print the `N` nearest words"},
		&cli.IntFlag{Name: "restrict", Category: catInput, Usage: "look at the `N` most frequent words only; 0 is all"},
		&cli.StringFlag{Name: "figure", Category: catOutput, Usage: "draw a map of the words as `NAME`.svg, .png and .csv"},
		&cli.StringFlag{Name: "export", Category: catOutput, Usage: "write the vectors as word2vec text to `FILE`, or binary if it ends in .bin"},
	}
}

// loadVectors opens -m: a file of vectors, or a directory with one.
func loadVectors(c *cli.Context) (*w2v.Vectors, error) {
	name, err := requireModel(c)
	if err != nil {
		return nil, err
	}
	st, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if st.IsDir() {
		name = filepath.Join(name, "vectors.bin")
	}
	v, err := w2v.Open(name)
	if err != nil {
		return nil, err
	}
	if v.Duplicates > 0 {
		warning(c, "%s: %s words stand twice; the first vector counts", name, human(v.Duplicates))
	}
	return v, nil
}

// mapWords is how many words a map has room for.
const mapWords = 24

func runNeighbors(c *cli.Context) error {
	positive, negative := c.Args().Slice(), c.StringSlice("minus")
	if len(positive)+len(negative) == 0 && c.String("export") == "" {
		return usagef("no word given; name one or more. See %s --help", c.Command.HelpName)
	}
	if c.Int("top") < 1 || c.Int("restrict") < 0 {
		return usagef("flags --top and --restrict take numbers from 1 and 0. See %s --help", c.Command.HelpName)
	}
	v, err := loadVectors(c)
	if err != nil {
		return err
	}
	if name := c.String("export"); name != "" {
		if err := exportVectors(c, v, name); err != nil {
			return err
		}
		if len(positive)+len(negative) == 0 {
			return nil
		}
	}
	near, err := v.Nearest(positive, negative, c.Int("top"), c.Int("restrict"))
	if err != nil {
		return fmt.Errorf("%s: %w", c.String("model"), err)
	}
	out, err := createOutput(c)
	if err != nil {
		return err
	}
	defer out.Abort()
	t := table{columns: []string{"word", "similarity", "rank"}}
	for i, n := range near {
		t.add(n.Word, n.Similarity, i+1)
	}
	if err := printTable(c, out, t); err != nil {
		return err
	}
	if err := out.Commit(); err != nil {
		return err
	}
	if name := c.String("figure"); name != "" {
		words := append(append([]string{}, positive...), negative...)
		for _, n := range near {
			words = append(words, n.Word)
		}
		return wordMap(c, v, words, name)
	}
	return nil
}

func exportVectors(c *cli.Context, v *w2v.Vectors, name string) error {
	out, err := createFile(c, name)
	if err != nil {
		return err
	}
	defer out.Abort()
	write := v.WriteText
	if filepath.Ext(name) == ".bin" {
		write = v.WriteBinary
	}
	if err := write(out); err != nil {
		return err
	}
	return out.Commit()
}

// wordMap draws words by the two directions in which their vectors differ most.
func wordMap(c *cli.Context, v *w2v.Vectors, words []string, name string) error {
	if len(words) > mapWords {
		words = words[:mapWords]
	}
	xy, shares, err := v.Map(words)
	if err != nil {
		return err
	}
	var series []corefigure.Series
	for i, w := range words {
		series = append(series, corefigure.Series{Name: w, X: []float64{xy[i][0]}, Y: []float64{xy[i][1]}})
	}
	f, err := corefigure.Scatter(series, corefigure.Options{Title: "Words by the first two principal components", Subtitle: fmt.Sprintf("n = %d words", len(words)),
		XLabel: fmt.Sprintf("component 1 (%.0f%% of variance)", 100*shares[0]), YLabel: fmt.Sprintf("component 2 (%.0f%% of variance)", 100*shares[1])})
	if err != nil {
		return err
	}
	files, err := corefigure.Save(f, name, corefigure.Double)
	for _, f := range files {
		detail(c, "wrote %s", f)
	}
	return err
}

func analogiesFlags() []cli.Flag {
	return []cli.Flag{
		&cli.IntFlag{Name: "restrict", Category: catInput, Value: 300000, Usage: "look at the `N` most frequent words only"},
		&cli.BoolFlag{Name: "case-sensitive", Category: catInput, Usage: "tell Co from CO", DisableDefaultText: true},
		&cli.BoolFlag{Name: "count-unknown", Category: catInput, Usage: "count questions with words that have no vector as wrong", DisableDefaultText: true},
	}
}

func runAnalogies(c *cli.Context) error {
	in, err := inputs(c)
	if err != nil {
		return err
	}
	if len(in) != 1 {
		return usagef("one file of analogies is asked at a time, %d given. See %s --help", len(in), c.Command.HelpName)
	}
	if c.Int("restrict") < 1 {
		return usagef("flag --restrict: %d words; give a number from 1. See %s --help", c.Int("restrict"), c.Command.HelpName)
	}
	v, err := loadVectors(c)
	if err != nil {
		return err
	}
	r, closeInput, err := openText(c, in[0])
	if err != nil {
		return err
	}
	sections, err := v.Analogies(c.Context, in[0], r, w2v.AnalogyOptions{Restrict: c.Int("restrict"), CaseSensitive: c.Bool("case-sensitive"), CountUnknown: c.Bool("count-unknown")})
	if err = errors.Join(err, closeInput()); err != nil {
		return err
	}
	out, err := createOutput(c)
	if err != nil {
		return err
	}
	defer out.Abort()
	t := table{columns: []string{"section", "accuracy", "correct", "n", "unknown", "invalid"}}
	for _, s := range sections {
		t.add(s.Name, s.Accuracy(), s.Correct, s.Asked, s.Unknown, s.Invalid)
	}
	if err := printTable(c, out, t); err != nil {
		return err
	}
	if err := out.Commit(); err != nil {
		return err
	}
	all := sections[len(sections)-1]
	message(c, "accuracy %s (%s of %s; %s with unknown words)", human(all.Accuracy()), human(all.Correct), human(all.Asked), human(all.Unknown))
	return nil
}
