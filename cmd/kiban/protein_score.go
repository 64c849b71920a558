package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/bio/figure"
	"github.com/kiban-models/kiban/bio/protein"
	"github.com/kiban-models/kiban/bio/sequence"
	corefigure "github.com/kiban-models/kiban/core/figure"
)

// scoreBatch is the number of sequences that are held at a time.
const scoreBatch = 512

func runScore(c *cli.Context) error {
	in, err := inputs(c)
	if err != nil {
		return err
	}
	reader, err := readerOptions(c)
	if err != nil {
		return err
	}
	reader.Type = sequence.Protein
	out, err := createOutput(c)
	if err != nil {
		return err
	}
	defer out.Abort()
	var residues *output
	if name := c.String("per-residue"); name != "" {
		if residues, err = createFile(c, name); err != nil {
			return err
		}
		defer residues.Abort()
		fmt.Fprintln(residues, "id\tposition\tresidue\tlog_likelihood")
	}
	model, err := loadProtein(c)
	if err != nil {
		return err
	}
	defer model.Close()
	model.Options.BatchTokens = c.Int("batch-size") * model.Config.Context
	began := time.Now()
	p := newProgress(c, "scoring", 0).Unit("sequence")
	t := table{columns: []string{"id", "length", "tokens", "log_likelihood", "perplexity", "perplexity_per_residue", "bits_per_residue"}}
	var all []protein.Score
	var last []byte
	nats, places := 0.0, 0
	each := func(records []sequence.Record) error {
		ids, seqs := make([]string, len(records)), make([][]byte, len(records))
		for i, r := range records {
			ids[i], seqs[i] = r.ID, r.Residues
		}
		scores, err := model.Sequences(c.Context, ids, seqs)
		if err != nil {
			return err
		}
		for i, s := range scores {
			t.add(s.ID, s.Length, s.Tokens, s.LogLikelihood, s.Perplexity, s.ResiduePerplexity, s.BitsPerResidue)
			nats, places = nats-s.LogLikelihood, places+s.Length+1
			if residues != nil {
				if err := writeResidues(residues, s, seqs[i]); err != nil {
					return err
				}
			}
			last = seqs[i]
			all = append(all, s)
		}
		p.Update(int64(len(all)))
		return nil
	}
	if err := eachRecords(c.Context, in, reader, c.Int("limit"), each); err != nil {
		return err
	}
	p.Done()
	if err := printTable(c, out, t); err != nil {
		return err
	}
	if err := out.Commit(); err != nil {
		return err
	}
	if residues != nil {
		if err := residues.Commit(); err != nil {
			return err
		}
	}
	if name := c.String("figure"); name != "" {
		if err := scoreFigure(c, name, all, last); err != nil {
			return err
		}
	}
	if len(all) == 0 {
		warning(c, "no sequences in the input")
		return nil
	}
	message(c, "perplexity per residue %s over %s sequences · %s on %s", human(protein.Perplexity(nats, places)), human(len(all)), time.Since(began).Round(time.Second/10), model.Backend.Name())
	return nil
}

// eachRecords hands the records of FASTA files on, some at a time.
func eachRecords(ctx context.Context, in []string, o sequence.Options, limit int, each func([]sequence.Record) error) error {
	var records []sequence.Record
	n := 0
	for _, name := range in {
		r, err := sequence.Open(name, o)
		if err != nil {
			return err
		}
		defer r.Close()
		for {
			rec, err := r.Next()
			if err == io.EOF || err == nil && limit > 0 && n >= limit {
				break
			}
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				return err
			}
			n++
			if records = append(records, rec.Clone()); len(records) == scoreBatch {
				if err := each(records); err != nil {
					return err
				}
				records = records[:0]
			}
		}
	}
	if len(records) > 0 {
		return each(records)
	}
	return nil
}

func writeResidues(w io.Writer, s protein.Score, residues []byte) error {
	for i, n := range s.Nats {
		if _, err := fmt.Fprintf(w, "%s\t%d\t%c\t%.6g\n", s.ID, i+1, residues[i], -n); err != nil {
			return err
		}
	}
	return nil
}

// scoreFigure draws the residues of one sequence, or the ranking of several.
func scoreFigure(c *cli.Context, name string, all []protein.Score, residues []byte) error {
	var f *corefigure.Figure
	var err error
	if len(all) == 1 {
		f, err = figure.Residues(all[0].Nats, string(residues))
	} else {
		values := make([]float64, len(all))
		for i, s := range all {
			values[i] = s.ResiduePerplexity
		}
		f, err = figure.PerplexityRanking(values)
	}
	if err != nil {
		return err
	}
	files, err := corefigure.Save(f, name, corefigure.Double)
	for _, f := range files {
		detail(c, "wrote %s", f)
	}
	return err
}
