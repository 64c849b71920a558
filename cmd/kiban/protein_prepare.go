package main

import (
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/bio/protein"
	"github.com/kiban-models/kiban/bio/sequence"
	"github.com/kiban-models/kiban/core/dataset"
	"github.com/kiban-models/kiban/core/token"
)

func runPrepare(c *cli.Context) error {
	in, err := inputs(c)
	if err != nil {
		return err
	}
	out := c.String("out")
	if out == "" || out == "-" {
		return usagef("no output directory given; name one with -o DIR. See %s --help", c.Command.HelpName)
	}
	s, err := seed(c)
	if err != nil {
		return err
	}
	reader, err := readerOptions(c)
	if err != nil {
		return err
	}
	if reader.Duplicates, err = sequence.ParseDuplicates(c.String("duplicates")); err != nil {
		return err
	}
	switch c.String("seq-type") {
	case "protein":
		reader.Type = sequence.Protein
	case "dna":
		reader.Type = sequence.DNA
	case "rna":
		reader.Type = sequence.RNA
	}
	o := protein.PrepareOptions{
		Inputs: in, Out: out, Reader: reader, Limit: int64(c.Int("limit")),
		MinLength: c.Int("min-length"), MaxLength: c.Int("max-length"),
		Split:     dataset.SplitRule{Validation: c.Float64("validation"), Seed: s},
		VocabSize: c.Int("vocab-size"),
		Threads:   threads(c), Overwrite: c.Bool("overwrite"),
	}
	if dir := c.String("tokenizer"); dir != "" {
		if o.Vocabulary, err = vocabularyOf(dir); err != nil {
			return err
		}
	}
	var p *progress
	phase := ""
	o.Progress = func(name string, done, total int64) {
		if name != phase {
			if p != nil {
				p.Done()
			}
			unit := "byte"
			if name == "training tokenizer" {
				unit = "residue"
			}
			phase, p = name, newProgress(c, name, total).Unit(unit)
		}
		p.Update(done)
	}
	sum, err := protein.Prepare(c.Context, o)
	if p != nil {
		p.Done()
	}
	if err != nil {
		return err
	}
	t := table{columns: []string{"file", "format", "type", "num_seqs", "sum_len", "min_len", "avg_len", "max_len",
		"duplicates", "invalid", "train", "validation", "tokens", "residues_per_token"}}
	t.add(sum.File, sum.Format, sum.Type, sum.Num, sum.Sum, sum.Min, sum.Avg, sum.Max,
		sum.Duplicates, sum.Invalid, sum.Train.Sequences, sum.Validation.Sequences, sum.Tokens, sum.ResiduesPerToken)
	if err := printTable(c, c.App.Writer, t); err != nil {
		return err
	}
	message(c, "kept %s of %s sequences: %s to train on, %s to validate with; dropped %s duplicates, %s invalid, %s empty, %s too short, %s too long",
		human(sum.Train.Sequences+sum.Validation.Sequences), human(sum.Num+sum.Invalid+sum.Empty), human(sum.Train.Sequences), human(sum.Validation.Sequences),
		human(sum.Duplicates), human(sum.Invalid), human(sum.Empty), human(sum.TooShort), human(sum.TooLong))
	message(c, "next: kiban protein pretrain %s -o run", out)
	return nil
}

// readerOptions are the policies for unclean records.
func readerOptions(c *cli.Context) (sequence.Options, error) {
	var o sequence.Options
	var err error
	if o.Invalid, err = sequence.ParseInvalid(c.String("invalid")); err != nil {
		return o, err
	}
	if o.Gaps, err = sequence.ParseGaps(c.String("gaps")); err != nil {
		return o, err
	}
	if o.Empty, err = sequence.ParseEmpty(c.String("empty")); err != nil {
		return o, err
	}
	return o, nil
}

// vocabularyOf is the tokenizer of a model directory.
func vocabularyOf(dir string) (protein.Vocabulary, error) {
	v, err := token.OpenBPE(dir)
	if err != nil {
		return protein.Vocabulary{}, err
	}
	return protein.VocabularyOf(v)
}

// tokenizerHash is the SHA-256 of the tokenizer.json that the tokenizer saves,
// which is what prepare records.
func tokenizerHash(v *token.BPE) (string, error) {
	dir, err := os.MkdirTemp("", "kiban-tokenizer-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	if err := v.Save(dir); err != nil {
		return "", err
	}
	return dataset.HashFile(filepath.Join(dir, "tokenizer.json"))
}
