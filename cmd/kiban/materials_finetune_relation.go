package main

import (
	"context"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/train"
	"github.com/kiban-models/kiban/materials/corpus"
	"github.com/kiban-models/kiban/materials/corpus/brat"
	"github.com/kiban-models/kiban/materials/relation"
	"github.com/kiban-models/kiban/materials/task"
)

// relationEpochs is MatSciBERT's for annotated syntheses.
const relationEpochs = 10

func finetuneRelationFlags() []cli.Flag {
	return append([]cli.Flag{
		&cli.Float64Flag{Name: "negatives", Category: catInput, Value: 1, Usage: "learn from `X` unrelated pairs for each related one, which extract needs; 0 is the published form, which names relations of pairs that are related"},
		&cli.BoolFlag{Name: "skip-wrong", Category: catInput, Usage: "leave out annotations that are wrong, with a warning", DisableDefaultText: true},
	}, taskFlags(taskDefaults(relationEpochs))...)
}

// readRelated reads the documents of brat folders.
func readRelated(c *cli.Context, dirs []string, sum io.Writer) ([]corpus.Annotated, error) {
	told := newTold(c)
	defer told.rest()
	var all []corpus.Annotated
	for _, dir := range dirs {
		n := len(all)
		for d, err := range brat.Folder(dir, brat.Options{Skip: c.Bool("skip-wrong"), Overlaps: brat.KeepOverlaps}) {
			if err != nil {
				return nil, err
			}
			told.warnings(d.Warnings)
			all = append(all, d.Annotated)
			if sum != nil {
				fmt.Fprintf(sum, "%q %v %v\n", d.Text, d.Entities, d.Relations)
			}
		}
		if len(all) == n {
			return nil, fmt.Errorf("%s: has no .txt and .ann files of brat", dir)
		}
	}
	return all, nil
}

func relationData(c *cli.Context) taskData[corpus.Annotated] {
	return taskData[corpus.Annotated]{
		noun: "documents", source: "folder",
		read:  func(dirs []string, sum io.Writer) ([]corpus.Annotated, error) { return readRelated(c, dirs, sum) },
		key:   func(d corpus.Annotated) string { return d.ID },
		words: func(d corpus.Annotated, add func(string)) { add(d.Text) },
	}
}

func runFinetuneRelation(c *cli.Context) error {
	if c.NArg() == 0 {
		return usagef("name one folder of brat's files or more. See %s --help", c.Command.HelpName)
	}
	data := relationData(c)
	d, err := data.gather(c)
	if err != nil {
		return err
	}
	f, err := data.begin(c, d, relationEpochs, "macro_f1")
	if err != nil {
		return err
	}
	defer f.model.Close()
	fmt.Fprintf(d.sum, "negatives %g", f.opt.Negatives)
	pairing := relation.Pairing{Negatives: f.opt.Negatives, Seed: f.seed}
	examples, counts := relation.Pairs(d.learn, pairing)
	if counts.Related == 0 {
		return fmt.Errorf("%s: no relation of two entities in one paragraph", c.Args().First())
	}
	if n := counts.AcrossParagraphs + counts.Overlapping; n > 0 {
		warning(c, "%d relations were left out: %d across paragraphs, %d between entities that overlap", n, counts.AcrossParagraphs, counts.Overlapping)
	}
	s, err := relation.Begin(f.model, relation.Labels(examples), relation.NewCandidates(examples[:counts.Related]), f.seed)
	if err != nil {
		return err
	}
	rows, long, err := s.Rows(examples, s.Head.Labels)
	if err != nil {
		return err
	}
	warnLong(c, long, len(examples), s.About.Length)
	x := start{Start: s.Start, rows: rows, counts: fmt.Sprintf("%d pairs, %d of them unrelated", len(rows), relation.Unrelated(rows, s.Head.Labels))}
	if len(d.held) > 0 {
		pairs, _ := relation.Pairs(d.held, pairing)
		held, long, err := s.Rows(pairs, s.Head.Labels)
		if err != nil {
			return err
		}
		warnLong(c, long, len(pairs), s.About.Length)
		x.held = len(held)
		x.score = func(ctx context.Context, _ backend.Backend, session *task.Session) (train.Evaluation, error) {
			return relation.Scores(ctx, session, held, s.Head.Labels)
		}
	}
	x.data = fmt.Sprintf("%x", d.sum.Sum(nil))
	return f.run(c, x)
}

// warnLong says how many of so many pairs the model cannot see whole.
func warnLong(c *cli.Context, long, of, length int) {
	if long > 0 {
		warning(c, "%d of %d pairs were left out: they span more than the %d tokens that the model sees", long, of, length)
	}
}
