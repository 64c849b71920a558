package main

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"

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
		Threads:   threads(c), Overwrite: c.Bool("overwrite"), Resume: c.Bool("resume"),
		Warn: func(text string) { warning(c, "%s", text) },
	}
	if o.Grouping, err = grouping(c); err != nil {
		return err
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
			phase, p = name, newProgress(c, name, total).Unit(prepareUnit(name)).From(done)
		}
		p.Update(done)
	}
	sum, err := protein.Prepare(c.Context, o)
	if p != nil {
		p.Done()
	}
	if errors.Is(err, protein.ErrUnfinished) && contextInterrupted(c) {
		message(c, "%s: what is finished is kept; go on with --resume", out)
	}
	if err != nil {
		return err
	}
	t := table{columns: []string{"file", "format", "type", "num_seqs", "sum_len", "min_len", "avg_len", "max_len",
		"duplicates", "invalid", "groups", "largest_group", "near_duplicates", "leaked_without_groups", "train", "validation", "tokens", "residues_per_token"}}
	t.add(sum.File, sum.Format, sum.Type, sum.Num, sum.Sum, sum.Min, sum.Avg, sum.Max,
		sum.Duplicates, sum.Invalid, sum.Groups, sum.LargestGroup, sum.NearDuplicates, sum.LeakedAlone, sum.Train.Sequences, sum.Validation.Sequences, sum.Tokens, sum.ResiduesPerToken)
	if err := printTable(c, c.App.Writer, t); err != nil {
		return err
	}
	duplicates, read := sum.Duplicates, sum.Num+sum.Invalid+sum.Empty
	if reader.Duplicates == sequence.FirstDuplicate {
		duplicates += sum.DuplicateIDs
	}
	message(c, "kept %s of %s sequences: %s to train on, %s to validate with; dropped %s duplicates, %s invalid, %s empty, %s too short, %s too long",
		human(sum.Train.Sequences+sum.Validation.Sequences), human(read), human(sum.Train.Sequences), human(sum.Validation.Sequences),
		human(duplicates), human(sum.Invalid), human(sum.Empty), human(sum.TooShort), human(sum.TooLong))
	if n := sum.Train.Sequences + sum.Validation.Sequences; sum.Groups < n {
		message(c, "%s sequences are like others: %s groups, the largest of %s, each on one side (else %s to validate with would be like some to train on)",
			human(sum.NearDuplicates), human(sum.Groups), human(sum.LargestGroup), human(sum.LeakedAlone))
	}
	if sum.UnusedClusterLines > 0 {
		warning(c, "%s: %s of its members are not in the input", c.String("clusters"), human(sum.UnusedClusterLines))
	}
	message(c, "next: kiban protein pretrain %s -o run", out)
	return nil
}

// prepareUnit names what the phases of Prepare count.
func prepareUnit(phase string) string {
	switch phase {
	case "reading":
		return "byte"
	case "training tokenizer", "tokenizing":
		return "residue"
	case "reading clusters":
		return "line"
	case "comparing":
		return "word"
	}
	return "record"
}

// grouping reads --near-duplicates and --clusters.
func grouping(c *cli.Context) (protein.Grouping, error) {
	g := protein.Grouping{Clusters: c.String("clusters")}
	value := c.String("near-duplicates")
	if g.Clusters != "" {
		if c.IsSet("near-duplicates") {
			return g, usagef("flags --near-duplicates and --clusters exclude each other; give one. See %s --help", c.Command.HelpName)
		}
		return g, nil
	}
	if value == "off" {
		g.Off = true
		return g, nil
	}
	s, err := strconv.ParseFloat(value, 64)
	if err != nil || !(s > 0 && s <= 1) {
		return g, usagef("flag --near-duplicates: %q is no share; give a number above 0 and up to 1, or off. See %s --help", value, c.Command.HelpName)
	}
	g.Similarity = s
	return g, nil
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
