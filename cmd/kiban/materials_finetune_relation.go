package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/dataset"
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
func readRelated(c *cli.Context, dirs []string, sum hash.Hash) ([]corpus.Annotated, error) {
	var all []corpus.Annotated
	for _, dir := range dirs {
		n := len(all)
		for d, err := range brat.Folder(dir, brat.Options{Skip: c.Bool("skip-wrong"), Overlaps: brat.KeepOverlaps}) {
			if err != nil {
				return nil, err
			}
			for _, w := range d.Warnings {
				warning(c, "%v", w)
			}
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

func runFinetuneRelation(c *cli.Context) error {
	if c.NArg() == 0 {
		return usagef("name one folder of brat's files or more. See %s --help", c.Command.HelpName)
	}
	sum := sha256.New()
	docs, err := readRelated(c, c.Args().Slice(), sum)
	if err != nil {
		return err
	}
	valid, err := validationDocuments(c, &docs, sum)
	if err != nil {
		return err
	}
	f, err := beginFinetuning(c, task.Relation, relationEpochs, "macro_f1", func(add func(string)) error {
		for _, d := range docs {
			add(d.Text)
		}
		return nil
	})
	if err != nil {
		return err
	}
	defer f.model.Close()
	fmt.Fprintf(sum, "negatives %g", f.opt.Negatives)
	pairing := relation.Pairing{Negatives: f.opt.Negatives, Seed: f.seed}
	examples, counts := relation.Pairs(docs, pairing)
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
	x := start{config: s.Config, head: s.Head, about: s.About, source: s.Source, fresh: s.Fresh, wordPiece: s.WordPiece, rows: rows}
	f.counts = fmt.Sprintf("%d pairs, %d of them unrelated", len(rows), relation.Unrelated(rows, s.Head.Labels))
	if len(valid) > 0 {
		held, _ := relation.Pairs(valid, pairing)
		heldRows, long, err := s.Rows(held, s.Head.Labels)
		if err != nil {
			return err
		}
		warnLong(c, long, len(held), s.About.Length)
		f.counts += fmt.Sprintf(", %d held out", len(heldRows))
		x.score = func(ctx context.Context, _ backend.Backend, session *task.Session) (train.Evaluation, error) {
			return relation.Scores(ctx, session, heldRows, s.Head.Labels)
		}
	}
	x.data = fmt.Sprintf("%x", sum.Sum(nil))
	return f.run(c, x)
}

// warnLong says how many of so many pairs the model cannot see whole.
func warnLong(c *cli.Context, long, of, length int) {
	if long > 0 {
		warning(c, "%d of %d pairs were left out: they span more than the %d tokens that the model sees", long, of, length)
	}
}

// validationDocuments are those of --validation: of a folder, or a share of the
// documents, which are taken away from the others.
func validationDocuments(c *cli.Context, docs *[]corpus.Annotated, sum io.Writer) ([]corpus.Annotated, error) {
	v := c.String("validation")
	share, ok := shareOf(v)
	switch {
	case v == "":
		return nil, nil
	case !ok:
		return readRelated(c, []string{v}, nil)
	}
	fmt.Fprintf(sum, "validation %g", share)
	rule := dataset.SplitRule{Validation: share}
	var rest, valid []corpus.Annotated
	for _, d := range *docs {
		if rule.IsValidation(dataset.DigestOf([]byte(d.ID))) {
			valid = append(valid, d)
		} else {
			rest = append(rest, d)
		}
	}
	if len(rest) == 0 || len(valid) == 0 {
		return nil, fmt.Errorf("--validation %s leaves %d documents to learn from and %d to evaluate on; give a folder, or another share", v, len(rest), len(valid))
	}
	*docs = rest
	return valid, nil
}
