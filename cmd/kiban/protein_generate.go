package main

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/bio/protein"
	"github.com/kiban-models/kiban/bio/sequence"
	"github.com/kiban-models/kiban/core/decode"
)

func runGenerate(c *cli.Context) error {
	if c.NArg() > 0 {
		return usagef("unexpected input %q; sequences come from the model, and a beginning by --prompt. See %s --help", c.Args().First(), c.Command.HelpName)
	}
	o, err := generateOptions(c)
	if err != nil {
		return err
	}
	out, err := createOutput(c)
	if err != nil {
		return err
	}
	defer out.Abort()
	var rows *output
	if name := c.String("table"); name != "" { // before the work, which it may spoil
		if rows, err = createFile(c, name); err != nil {
			return err
		}
		defer rows.Abort()
	}
	model, err := loadProtein(c)
	if err != nil {
		return err
	}
	defer model.Close()
	began := time.Now()
	p := newProgress(c, "generating", int64(o.N)).Unit("sequence")
	o.Progress = func(done, _ int) { p.Update(int64(done)) }
	g := protein.Generator{Scoring: model.Scoring}
	all, discarded, err := g.Generate(c.Context, o)
	p.Done()
	if err != nil {
		return err
	}
	switch c.String("sort") {
	case "perplexity":
		protein.Rank(all)
	case "length":
		slices.SortStableFunc(all, func(a, b protein.Candidate) int { return b.Length - a.Length })
	}
	if c.Bool("json") {
		err = printTable(c, out, candidateTable(all))
	} else {
		err = writeCandidates(c, out, all)
	}
	if err != nil {
		return err
	}
	if err := out.Commit(); err != nil {
		return err
	}
	if rows != nil {
		if _, err := rows.Write(candidateTable(all).tsv()); err != nil {
			return fmt.Errorf("%s: %w", rows.name, err)
		}
		if err := rows.Commit(); err != nil {
			return err
		}
	}
	tokens := 0
	for _, x := range all {
		tokens += x.Tokens
	}
	best := slices.MinFunc(all, func(a, b protein.Candidate) int { return cmp.Compare(a.Perplexity, b.Perplexity) })
	message(c, "%d sequences, perplexity from %s (%s) · %d samples discarded · %s tokens in %s on %s",
		len(all), human(best.Perplexity), best.ID, discarded, human(tokens), time.Since(began).Round(time.Second/10), model.Backend.Name())
	if out.name != "-" {
		message(c, "next: kiban protein score -m %s %s", model.path, out.name)
	}
	return nil
}

func generateOptions(c *cli.Context) (protein.GenerateOptions, error) {
	s, err := seed(c)
	if err != nil {
		return protein.GenerateOptions{}, err
	}
	o := protein.GenerateOptions{
		N: c.Int("number"), MaxTokens: c.Int("max-tokens"), Batch: c.Int("batch-size"),
		Prompt:    bytes.ToUpper([]byte(strings.TrimSpace(c.String("prompt")))),
		MinLength: c.Int("min-length"), MaxLength: c.Int("max-length"), AsPublished: c.Bool("as-published"), Nonstandard: c.Bool("nonstandard"),
		Sampling: decode.Sampling{
			Temperature: c.Float64("temperature"), Greedy: c.Float64("temperature") == 0,
			TopK: c.Int("top-k"), TopP: c.Float64("top-p"), RepetitionPenalty: c.Float64("repetition-penalty"), Seed: s,
		},
	}
	if o.N <= 0 || o.MaxTokens < 2 || o.Batch <= 0 || o.MinLength < 0 || o.MaxLength < 0 ||
		o.Sampling.Temperature < 0 || o.Sampling.TopK < 0 || o.Sampling.TopP <= 0 || o.Sampling.TopP > 1 || o.Sampling.RepetitionPenalty <= 0 {
		return o, usagef("--number, --batch-size and --repetition-penalty must be positive, --max-tokens at least 2, --top-p above 0 and at most 1, the other numbers not negative. See %s --help", c.Command.HelpName)
	}
	for _, f := range list(c, "fix") {
		at, residues, ok := strings.Cut(f, ":")
		pos, err := strconv.Atoi(at)
		if !ok || err != nil || pos < 1 || residues == "" {
			return o, usagef("flag --fix: %q is not POSITION:RESIDUES such as 10:C. See %s --help", f, c.Command.HelpName)
		}
		if o.Fixed == nil {
			o.Fixed = map[int]byte{}
		}
		for i, r := range []byte(strings.ToUpper(residues)) {
			o.Fixed[pos-1+i] = r
		}
	}
	return o, nil
}

func writeCandidates(c *cli.Context, out *output, all []protein.Candidate) error {
	w := sequence.NewWriter(out, c.Int("line-width"))
	for _, x := range all {
		end := "complete"
		if !x.Complete {
			end = "cut"
		}
		err := w.Write(sequence.Record{ID: x.ID, Residues: x.Residues, Description: fmt.Sprintf("perplexity=%.4f length=%d tokens=%d end=%s seed=%s",
			x.Perplexity, x.Length, x.Tokens, end, strings.Split(x.ID, "_")[1])})
		if err != nil {
			return err
		}
	}
	return w.Flush()
}

func candidateTable(all []protein.Candidate) table {
	t := table{columns: []string{"id", "length", "tokens", "log_likelihood", "perplexity", "perplexity_per_residue", "complete", "sequence"}}
	for _, x := range all {
		t.add(x.ID, x.Length, x.Tokens, x.LogLikelihood, x.Perplexity, x.ResiduePerplexity, x.Complete, string(x.Residues))
	}
	return t
}
