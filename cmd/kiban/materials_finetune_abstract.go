package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/dataset"
	"github.com/kiban-models/kiban/core/train"
	"github.com/kiban-models/kiban/materials/abstract"
	"github.com/kiban-models/kiban/materials/corpus"
	"github.com/kiban-models/kiban/materials/task"
)

// abstractEpochs is MatSciBERT's for glasses.
const abstractEpochs = 10

func finetuneAbstractFlags() []cli.Flag {
	return append([]cli.Flag{
		&cli.StringFlag{Name: "label", Category: catInput, Value: "label", Usage: "take the classes of column or field `NAME`"},
	}, append(documentFlags(), taskFlags(taskDefaults(abstractEpochs))...)...)
}

// readExamples reads texts with their classes. A text without a class is an
// error.
func readExamples(c *cli.Context, names []string, sum hash.Hash) ([]abstract.Example, error) {
	o, err := documentOptions(c)
	if err != nil {
		return nil, err
	}
	var all []abstract.Example
	for d, err := range corpus.Files(names, o) {
		if err != nil {
			return nil, err
		}
		for _, w := range d.Warnings {
			warning(c, "%v", w)
		}
		label := d.Meta[strings.ToLower(c.String("label"))]
		if label == "" {
			return nil, fmt.Errorf("%s: %s has no class in %q; name the column or field by --label", d.Source, d.ID, c.String("label"))
		}
		text := d.Text
		if d.Title != "" && !strings.HasPrefix(text, d.Title) {
			text = d.Title + ". " + text
		}
		all = append(all, abstract.Example{ID: d.ID, Where: fmt.Sprintf("%s: %s", d.Source, d.ID), Text: text, Label: label})
		if sum != nil {
			fmt.Fprintf(sum, "%q %q\n", text, label)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s: no texts", strings.Join(names, ", "))
	}
	return all, nil
}

func runFinetuneAbstract(c *cli.Context) error {
	if c.NArg() == 0 {
		return usagef("name one file of texts with classes or more. See %s --help", c.Command.HelpName)
	}
	sum := sha256.New()
	examples, err := readExamples(c, c.Args().Slice(), sum)
	if err != nil {
		return err
	}
	valid, err := validationExamples(c, &examples, sum)
	if err != nil {
		return err
	}
	f, err := beginFinetuning(c, task.Abstract, abstractEpochs, "accuracy", func(add func(string)) error {
		for _, e := range examples {
			add(e.Text)
		}
		return nil
	})
	if err != nil {
		return err
	}
	defer f.model.Close()
	s, err := abstract.Begin(f.model, abstract.Labels(examples), f.seed)
	if err != nil {
		return err
	}
	rows, cut, err := s.Rows(examples, s.Head.Labels)
	if err != nil {
		return err
	}
	if cut > 0 {
		warning(c, "of %d texts the end was cut off: they are longer than %d tokens", cut, f.model.About.Length)
	}
	x := start{config: s.Config, head: s.Head, about: s.About, source: s.Source, fresh: s.Fresh, wordPiece: f.model.WordPiece, rows: rows}
	f.counts = fmt.Sprintf("%d texts", len(examples))
	if len(valid) > 0 {
		f.counts += fmt.Sprintf(", %d held out", len(valid))
		held, _, err := s.Rows(valid, s.Head.Labels)
		if err != nil {
			return err
		}
		x.score = func(ctx context.Context, _ backend.Backend, session *task.Session) (train.Evaluation, error) {
			return abstract.Scores(ctx, session, held, s.Head.Labels)
		}
	}
	x.data = fmt.Sprintf("%x", sum.Sum(nil))
	return f.run(c, x)
}

// validationExamples are those of --validation: of a file, or a share of the
// texts, which are taken away from the others.
func validationExamples(c *cli.Context, examples *[]abstract.Example, sum io.Writer) ([]abstract.Example, error) {
	v := c.String("validation")
	share, ok := shareOf(v)
	switch {
	case v == "":
		return nil, nil
	case !ok:
		if _, err := os.Stat(v); err != nil {
			return nil, err
		}
		return readExamples(c, []string{v}, nil)
	}
	fmt.Fprintf(sum, "validation %g", share)
	rule := dataset.SplitRule{Validation: share}
	var rest, valid []abstract.Example
	for _, e := range *examples {
		if rule.IsValidation(dataset.DigestOf([]byte(e.Text))) {
			valid = append(valid, e)
		} else {
			rest = append(rest, e)
		}
	}
	if len(rest) == 0 || len(valid) == 0 {
		return nil, fmt.Errorf("--validation %s leaves %d texts to learn from and %d to evaluate on; give a file, or another share", v, len(rest), len(valid))
	}
	*examples = rest
	return valid, nil
}
