package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/core/checkpoint"
	corefigure "github.com/kiban-models/kiban/core/figure"
	"github.com/kiban-models/kiban/core/metric"
	"github.com/kiban-models/kiban/core/train"
	"github.com/kiban-models/kiban/materials/baseline"
	"github.com/kiban-models/kiban/materials/corpus"
	"github.com/kiban-models/kiban/materials/figure"
	"github.com/kiban-models/kiban/materials/ner"
)

// nerResults are what a model of entities comes to on held-out sentences, beside
// a dictionary of the entities of training.
type nerResults struct {
	Labels      map[string]labelResult `json:"labels"`
	Micro       labelResult            `json:"micro"`
	MacroF1     float64                `json:"macro_f1"`
	Accuracy    float64                `json:"word_accuracy"`
	Dictionary  labelResult            `json:"dictionary_baseline"`
	Calibration calibrationResult      `json:"calibration"`
}

type labelResult struct {
	Precision float64 `json:"precision"`
	Recall    float64 `json:"recall"`
	F1        float64 `json:"f1"`
	Support   int     `json:"support"`
}

type calibrationResult struct {
	Entities int     `json:"entities"`
	Error    float64 `json:"expected_error"`
	Brier    float64 `json:"brier"`
}

func labelOf(c metric.Counts) labelResult {
	return labelResult{c.Precision(), c.Recall(), c.F1(), c.Gold}
}

// judged is an evaluation with what is drawn of it.
type judged struct {
	nerResults
	entities, dictionary metric.Entities
	calibration          metric.Calibration
	types                []string // and O
	words                [][]int  // gold type to found type
}

// judge holds what a tagger found against the tags.
func judge(e ner.Evaluation, labels []string, valid, trained []corpus.Tagged) judged {
	j := judged{entities: e.Entities, types: typesOf(labels)}
	at := map[string]int{}
	for i, t := range j.types {
		at[t] = i
		j.words = append(j.words, make([]int, len(j.types)))
	}
	known := baseline.LearnDictionary(trained)
	for i, s := range e.Sentences {
		gold := valid[i]
		j.dictionary.Add(gold.Tags, known.Tag(gold.Words))
		right := map[metric.Chunk]bool{}
		for _, c := range metric.Chunks(gold.Tags) {
			right[c] = true
		}
		for _, f := range s.Entities {
			j.calibration.Add(f.Score, right[metric.Chunk{Label: f.Label, First: f.First, Past: f.Past}])
		}
		for w, l := range s.Tags {
			j.words[at[typeOf(gold.Tags[w])]][at[typeOf(labels[l])]]++
		}
	}
	j.nerResults = nerResults{
		Labels: map[string]labelResult{}, Micro: labelOf(j.entities.Micro()), MacroF1: j.entities.MacroF1(), Accuracy: j.entities.Accuracy(),
		Dictionary:  labelOf(j.dictionary.Micro()),
		Calibration: calibrationResult{j.calibration.N(), j.calibration.Error(), j.calibration.Brier()},
	}
	for name, c := range j.entities.Labels {
		j.Labels[name] = labelOf(c)
	}
	return j
}

func typeOf(tag string) string {
	if _, t, ok := strings.Cut(tag, "-"); ok {
		return t
	}
	return "O"
}

// typesOf are the types of labels in their order, O last.
func typesOf(labels []string) []string {
	var types []string
	for _, l := range labels {
		if t, ok := strings.CutPrefix(l, "B-"); ok {
			types = append(types, t)
		}
	}
	return append(types, "O")
}

// writePredictions writes a word, its tag and what was found a line.
func writePredictions(path string, valid []corpus.Tagged, e ner.Evaluation, labels []string) error {
	var b strings.Builder
	for i, s := range valid {
		for w, word := range s.Words {
			fmt.Fprintf(&b, "%s\t%s\t%s\n", word, s.Tags[w], labels[e.Sentences[i].Tags[w]])
		}
		b.WriteByte('\n')
	}
	return writeWhole(path, []byte(b.String()))
}

// reportNER leaves the scores, the found tags and report.html in a run
// directory.
func reportNER(c *cli.Context, dir string, labels []string, e ner.Evaluation, valid, trained []corpus.Tagged) (judged, error) {
	j := judge(e, labels, valid, trained)
	if err := writeWhole(filepath.Join(dir, "conlleval.txt"), []byte(j.entities.CoNLL())); err != nil {
		return j, err
	}
	if err := writePredictions(filepath.Join(dir, "predictions.conll"), valid, e, labels); err != nil {
		return j, err
	}
	history, err := train.ReadHistory(filepath.Join(dir, "metrics.jsonl"))
	if err != nil {
		return j, err
	}
	rep := corefigure.Report{
		Title: "Entities: model " + filepath.Base(dir),
		Result: fmt.Sprintf("F1 of entities: dictionary of the training entities %.3f, this model %.3f (%s entities in %s sentences that it has not seen; label and both ends must be right).",
			j.Dictionary.F1, j.Micro.F1, human(j.Micro.Support), human(len(valid))),
		Generator: readVersion().line(),
		Tables:    []corefigure.Table{labelTable(j)},
		Limits: []string{
			"The best epoch was chosen by the same held-out sentences: on new ones the model is a little worse.",
			"Sentences of one document may be on both sides where the files do not say which document they are of.",
		},
		Versions: []corefigure.KV{{Key: "kiban", Value: readVersion().line()}},
	}
	text, err := os.ReadFile(filepath.Join(dir, "command.txt"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return j, err
	}
	rep.Repeat = append(rep.Repeat, strings.TrimSpace(string(text)))
	if err := nerFigures(dir, j, history, &rep); err != nil {
		return j, err
	}
	path := filepath.Join(dir, "report.html")
	if err := checkpoint.WriteFile(path, rep.Write); err != nil {
		return j, err
	}
	detail(c, "wrote %s", path)
	return j, nil
}

func labelTable(j judged) corefigure.Table {
	t := corefigure.Table{
		Caption: "Entities of held-out sentences; label and both ends must be right", Numbers: true,
		Header: []string{"label", "precision", "recall", "F1", "support"},
	}
	row := func(name string, l labelResult) {
		t.Rows = append(t.Rows, []string{name, fmt.Sprintf("%.3f", l.Precision), fmt.Sprintf("%.3f", l.Recall), fmt.Sprintf("%.3f", l.F1), human(l.Support)})
	}
	for _, name := range j.entities.Names() {
		row(name, j.Labels[name])
	}
	row("all, this model", j.Micro)
	row("all, dictionary", j.Dictionary)
	return t
}

func nerFigures(dir string, j judged, history []train.Record, rep *corefigure.Report) error {
	add := func(name, caption, finding string, f *corefigure.Figure, err error) error {
		if err != nil {
			return fmt.Errorf("figure %s: %w", name, err)
		}
		files, err := corefigure.Save(f, filepath.Join(dir, "figures", name), corefigure.Double)
		if err != nil {
			return err
		}
		for _, file := range files {
			if strings.HasSuffix(file, ".svg") {
				svg, err := os.ReadFile(file)
				if err != nil {
					return err
				}
				rep.Figures = append(rep.Figures, corefigure.Fig{SVG: svg, Caption: caption, Finding: finding})
			}
		}
		return nil
	}
	loss, scores := epochs(history)
	f, err := corefigure.Curve(loss, corefigure.Options{Title: "Loss", XLabel: "epoch", YLabel: "loss (nats)"})
	if err := add("loss", "Loss by epoch on training and held-out sentences.", "Where the held-out loss rises again the model learns its training sentences by heart.", f, err); err != nil {
		return err
	}
	f, err = corefigure.Curve(scores, corefigure.Options{Title: "F1 of entities", Subtitle: "held-out sentences", XLabel: "epoch", YLabel: "F1", YFromZero: true,
		Baselines: []corefigure.Baseline{{Name: "dictionary", Value: j.Dictionary.F1}}})
	if err := add("f1", "F1 of held-out entities by epoch.", fmt.Sprintf("The best epoch has %.3f.", j.Micro.F1), f, err); err != nil {
		return err
	}
	names := j.entities.Names()
	support := make([]int, len(names))
	own, known := figure.Scores{Name: "this model", Micro: j.Micro.F1}, figure.Scores{Name: "dictionary", Micro: j.Dictionary.F1}
	for i, name := range names {
		support[i] = j.entities.Labels[name].Gold
		own.F1, known.F1 = append(own.F1, j.entities.Labels[name].F1()), append(known.F1, j.dictionary.Labels[name].F1())
	}
	f, err = figure.F1ByType(names, support, own, known)
	if err := add("f1_by_type", "F1 of each label beside a dictionary of the training entities.", "Bars above the dictionary's are what the model makes of context.", f, err); err != nil {
		return err
	}
	f, err = figure.Confusion(j.types, j.words, "words")
	if err := add("confusion", "What the words of each label, a row, were taken for.", "O is a word of no entity.", f, err); err != nil {
		return err
	}
	if j.calibration.N() == 0 {
		return nil
	}
	f, err = figure.Calibration(&j.calibration, "entities")
	return add("calibration", "How often entities were right over how sure the model was.", fmt.Sprintf("Confidence is off by %.3f on average.", j.Calibration.Error), f, err)
}

// epochs are the curves of a history.
func epochs(history []train.Record) (loss, scores []corefigure.Series) {
	var trained, held, f1 corefigure.Series
	trained.Name, held.Name, f1.Name = "training", "held-out", "this model"
	for _, r := range history {
		if r.Split == "eval" {
			held.X, held.Y = append(held.X, r.Epoch), append(held.Y, r.Loss)
			f1.X, f1.Y = append(f1.X, r.Epoch), append(f1.Y, r.Scores["f1"])
		} else {
			trained.X, trained.Y = append(trained.X, r.Epoch), append(trained.Y, r.Loss)
		}
	}
	for _, s := range []corefigure.Series{trained, held} {
		if len(s.X) > 0 {
			loss = append(loss, s)
		}
	}
	return loss, []corefigure.Series{f1}
}
