package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/dataset"
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
func readTagged(c *cli.Context, names []string, sum hash.Hash) ([]corpus.Tagged, error) {
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
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		if sum != nil {
			sum.Write(data)
		}
		text, err := packed.NewReader(bytes.NewReader(data))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		n := len(all)
		for s, err := range corpus.ReadCoNLL(text, name, o) {
			if err != nil {
				return nil, err
			}
			all = append(all, s)
		}
		if len(all) == n {
			return nil, fmt.Errorf("%s: has no sentences; a line is a word, a blank or a tab, and its tag", name)
		}
	}
	return all, nil
}

func runFinetuneNER(c *cli.Context) error {
	if c.NArg() == 0 {
		return usagef("name one file of annotated sentences or more. See %s --help", c.Command.HelpName)
	}
	sum := sha256.New()
	sentences, err := readTagged(c, c.Args().Slice(), sum)
	if err != nil {
		return err
	}
	fmt.Fprintf(sum, "column %d empty %q repair %t", c.Int("column"), c.String("empty-tag"), c.Bool("repair"))
	valid, validFile, err := validationSentences(c, &sentences, sum)
	if err != nil {
		return err
	}
	f, err := beginFinetuning(c, task.NER, nerEpochs, "f1", func(add func(string)) error {
		for _, s := range sentences {
			for _, w := range s.Words {
				add(w)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	defer f.model.Close()
	s, err := ner.Begin(f.model, ner.Labels(sentences), task.Kind(f.opt.Head), c.Bool("new-head"), f.seed)
	if err != nil {
		return err
	}
	rows, cut, err := s.Rows(c.Args().First(), sentences, s.Head.Labels)
	if err != nil {
		return err
	}
	if cut > 0 {
		warning(c, "%d sentences are longer than %d tokens and were cut in parts", cut, s.Frame.Length)
	}
	x := start{config: s.Config, head: s.Head, about: s.About, source: s.Source, fresh: s.Fresh, wordPiece: f.model.WordPiece, rows: rows}
	f.counts = fmt.Sprintf("%d sentences", len(sentences))
	if len(valid) > 0 {
		f.counts += fmt.Sprintf(", %d held out", len(valid))
		numbers := make([][]int32, len(valid))
		for i, v := range valid {
			if numbers[i], err = ner.Numbers(validFile, v, s.Head.Labels); err != nil {
				return err
			}
		}
		x.score = func(ctx context.Context, b backend.Backend, session *task.Session) (train.Evaluation, error) {
			return s.Scores(ctx, b, session, s.Head, valid, numbers)
		}
		x.report = func(c *cli.Context, dir string, b backend.Backend, session *task.Session) (any, error) {
			t, err := s.Tagger(b, session, s.Head)
			if err != nil {
				return nil, err
			}
			e, err := t.Evaluate(c.Context, valid, numbers)
			if err != nil {
				return nil, err
			}
			j, err := reportNER(c, dir, s.Head.Labels, e, valid, sentences)
			return j.nerResults, err
		}
	}
	x.data = fmt.Sprintf("%x", sum.Sum(nil))
	return f.run(c, x)
}

// validationSentences are those of --validation: of a file, or a share of the
// documents, or of the sentences where there are no documents, which are taken
// away from the others.
func validationSentences(c *cli.Context, sentences *[]corpus.Tagged, sum io.Writer) (valid []corpus.Tagged, file string, err error) {
	v := c.String("validation")
	share, ok := shareOf(v)
	switch {
	case v == "":
		return nil, "", nil
	case !ok:
		valid, err = readTagged(c, []string{v}, nil)
		return valid, v, err
	}
	fmt.Fprintf(sum, "validation %g", share)
	rule := dataset.SplitRule{Validation: share}
	var rest []corpus.Tagged
	for _, s := range *sentences {
		key := s.Doc
		if key == "" {
			key = fmt.Sprint(s.Words)
		}
		if rule.IsValidation(dataset.DigestOf([]byte(key))) {
			valid = append(valid, s)
		} else {
			rest = append(rest, s)
		}
	}
	if len(rest) == 0 || len(valid) == 0 {
		return nil, "", fmt.Errorf("--validation %s leaves %d sentences to learn from and %d to evaluate on; give a file, or another share", v, len(rest), len(valid))
	}
	*sentences = rest
	return valid, c.Args().First(), nil
}
