package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/packed"
	"github.com/kiban-models/kiban/core/train"
	"github.com/kiban-models/kiban/materials/corpus"
	"github.com/kiban-models/kiban/materials/ner"
	"github.com/kiban-models/kiban/materials/task"
)

// nerEpochs is MatSciBERT's for Matscholar.
const nerEpochs = 15

func finetuneNERFlags() []cli.Flag {
	return append([]cli.Flag{
		newChoice(&cli.StringFlag{Name: "head", Category: catModel, Value: "linear", Usage: "labels of words one by one, or as a chain"}, "linear", "crf"),
		&cli.BoolFlag{Name: "new-head", Category: catModel, Usage: "train a head of its own for a model that has one", DisableDefaultText: true},
	}, append(conllFlags(), taskFlags(taskDefaults(nerEpochs))...)...)
}

// conllFlags are of verbs that read files of a word a line.
func conllFlags() []cli.Flag {
	return []cli.Flag{
		&cli.IntFlag{Name: "column", Category: catInput, Usage: "take the tags of column `N`, counted from 1; 0 is the last"},
		&cli.StringFlag{Name: "empty-tag", Category: catInput, Usage: "take `TAG` for a tag that is missing"},
		&cli.BoolFlag{Name: "repair", Category: catInput, Usage: "begin an entity at an I- that goes on nothing", DisableDefaultText: true},
	}
}

// readTagged reads annotated sentences: of CoNLL files, of Prodigy's, spaCy's and
// our own JSON lines, and of brat's folders, plain or compressed. sum, if not
// nil, sees what they hold.
func readTagged(c *cli.Context, names []string, sum io.Writer) ([]corpus.Tagged, error) {
	o := corpus.CoNLLOptions{Column: c.Int("column"), EmptyTag: c.String("empty-tag"), Repair: c.Bool("repair")}
	var all []corpus.Tagged
	for _, name := range names {
		if marked, ok, err := readMarked(c, name); err != nil {
			return nil, err
		} else if ok {
			all = append(all, marked...)
			if sum != nil {
				if err := json.NewEncoder(sum).Encode(marked); err != nil {
					return nil, err
				}
			}
			continue
		}
		columns, err := readColumns(name, o, sum)
		if err != nil {
			return nil, err
		}
		all = append(all, columns...)
	}
	return all, nil
}

// readColumns reads a file of CoNLL; sum, if not nil, sees its bytes.
func readColumns(name string, o corpus.CoNLLOptions, sum io.Writer) ([]corpus.Tagged, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw := io.Reader(f)
	if sum != nil {
		raw = io.TeeReader(f, sum)
	}
	text, err := packed.NewReader(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	defer text.Close()
	var all []corpus.Tagged
	for s, err := range corpus.ReadCoNLL(text, name, o) {
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s: has no sentences; a line is a word, a blank or a tab, and its tag", name)
	}
	_, err = io.Copy(io.Discard, raw) // what the packing does not need
	return all, err
}

// nerData is what finetune ner reads: documents stay together where files tell
// them apart.
func nerData(c *cli.Context) taskData[corpus.Tagged] {
	return taskData[corpus.Tagged]{
		noun: "sentences", source: "file",
		read: func(names []string, sum io.Writer) ([]corpus.Tagged, error) {
			all, err := readTagged(c, names, sum)
			if err == nil && sum != nil {
				fmt.Fprintf(sum, "column %d empty %q repair %t", c.Int("column"), c.String("empty-tag"), c.Bool("repair"))
			}
			return all, err
		},
		key: func(s corpus.Tagged) string {
			if s.Doc != "" {
				return s.Doc
			}
			return fmt.Sprint(s.Words)
		},
		words: func(s corpus.Tagged, add func(string)) {
			for _, w := range s.Words {
				add(w)
			}
		},
	}
}

func runFinetuneNER(c *cli.Context) error {
	if c.NArg() == 0 {
		return usagef("name one file of annotated sentences or more. See %s --help", c.Command.HelpName)
	}
	data := nerData(c)
	d, err := data.gather(c)
	if err != nil {
		return err
	}
	f, err := data.begin(c, d, nerEpochs, "f1")
	if err != nil {
		return err
	}
	defer f.model.Close()
	s, err := ner.Begin(f.model, ner.Labels(d.learn), task.Kind(f.opt.Head), c.Bool("new-head"), f.seed)
	if err != nil {
		return err
	}
	rows, cut, err := s.Rows(c.Args().First(), d.learn, s.Head.Labels)
	if err != nil {
		return err
	}
	if cut > 0 {
		warning(c, "%d sentences are longer than %d tokens and were cut in parts", cut, s.Frame.Length)
	}
	x := start{Start: s.Start, rows: rows, counts: fmt.Sprintf("%d sentences", len(d.learn)), held: len(d.held)}
	if len(d.held) > 0 {
		numbers := make([][]int32, len(d.held))
		for i, v := range d.held {
			if numbers[i], err = ner.Numbers(d.heldIn, v, s.Head.Labels); err != nil {
				return err
			}
		}
		x.score = func(ctx context.Context, b backend.Backend, session *task.Session) (train.Evaluation, error) {
			return s.Scores(ctx, b, session, s.Head, d.held, numbers)
		}
		x.report = func(c *cli.Context, dir string, b backend.Backend, session *task.Session) (any, error) {
			t, err := s.Tagger(b, session, s.Head)
			if err != nil {
				return nil, err
			}
			e, err := t.Evaluate(c.Context, d.held, numbers)
			if err != nil {
				return nil, err
			}
			j, err := reportNER(c, dir, s.Head.Labels, e, d.held, d.learn)
			return j.nerResults, err
		}
	}
	x.data = fmt.Sprintf("%x", d.sum.Sum(nil))
	return f.run(c, x)
}
