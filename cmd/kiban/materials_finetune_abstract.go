package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/core/backend"
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
func readExamples(c *cli.Context, names []string, sum io.Writer) ([]abstract.Example, error) {
	o, err := documentOptions(c)
	if err != nil {
		return nil, err
	}
	told := newTold(c)
	defer told.rest()
	var all []abstract.Example
	for d, err := range corpus.Files(names, o) {
		if err != nil {
			return nil, err
		}
		told.warnings(d.Warnings)
		label := d.Meta[strings.ToLower(c.String("label"))]
		if label == "" {
			return nil, fmt.Errorf("%s:%d: %.60s has no class in %q; name the column or field by --label", d.Source, d.Line, d.ID, c.String("label"))
		}
		text := d.Text
		if d.Title != "" && !strings.HasPrefix(text, d.Title) {
			text = d.Title + ". " + text
		}
		all = append(all, abstract.Example{ID: d.ID, Where: fmt.Sprintf("%s:%d: %.60s", d.Source, d.Line, d.ID), Text: text, Label: label})
		if sum != nil {
			fmt.Fprintf(sum, "%q %q\n", text, label)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s: no texts", strings.Join(names, ", "))
	}
	return all, nil
}

func abstractData(c *cli.Context) taskData[abstract.Example] {
	return taskData[abstract.Example]{
		noun: "texts", source: "file",
		read:  func(names []string, sum io.Writer) ([]abstract.Example, error) { return readExamples(c, names, sum) },
		key:   func(e abstract.Example) string { return e.Text },
		words: func(e abstract.Example, add func(string)) { add(e.Text) },
	}
}

func runFinetuneAbstract(c *cli.Context) error {
	if c.NArg() == 0 {
		return usagef("name one file of texts with classes or more. See %s --help", c.Command.HelpName)
	}
	data := abstractData(c)
	d, err := data.gather(c)
	if err != nil {
		return err
	}
	f, err := data.begin(c, d, abstractEpochs, "accuracy")
	if err != nil {
		return err
	}
	defer f.model.Close()
	s, err := abstract.Begin(f.model, abstract.Labels(d.learn), f.seed)
	if err != nil {
		return err
	}
	rows, cut, err := s.Rows(d.learn, s.Head.Labels)
	if err != nil {
		return err
	}
	if cut > 0 {
		warning(c, "of %d texts the end was cut off: they are longer than %d tokens", cut, f.model.About.Length)
	}
	x := start{Start: s.Start, rows: rows, counts: fmt.Sprintf("%d texts", len(d.learn)), held: len(d.held)}
	if len(d.held) > 0 {
		held, _, err := s.Rows(d.held, s.Head.Labels)
		if err != nil {
			return err
		}
		x.score = func(ctx context.Context, _ backend.Backend, session *task.Session) (train.Evaluation, error) {
			return abstract.Scores(ctx, session, held, s.Head.Labels)
		}
	}
	x.data = fmt.Sprintf("%x", d.sum.Sum(nil))
	return f.run(c, x)
}
