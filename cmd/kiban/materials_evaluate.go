package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	corefigure "github.com/kiban-models/kiban/core/figure"
	"github.com/kiban-models/kiban/core/metric"
	"github.com/kiban-models/kiban/materials/baseline"
	"github.com/kiban-models/kiban/materials/corpus"
	"github.com/kiban-models/kiban/materials/figure"
	"github.com/kiban-models/kiban/materials/ner"
)

func evaluateFlags() []cli.Flag {
	return append([]cli.Flag{
		&cli.BoolFlag{Name: "conlleval", Category: catOutput, Usage: "print the text of conlleval instead of a table", DisableDefaultText: true},
		&cli.BoolFlag{Name: "figures", Category: catOutput, Value: true, Usage: "draw figures into the directory of -o", DisableDefaultText: true},
		&cli.StringFlag{Name: "baseline", Category: catInput, Usage: "compare with a dictionary of the entities of `FILE`, the sentences of training"},
		&cli.IntFlag{Name: "bootstrap", Category: catOutput, Value: 1000, Usage: "draw documents `N` times for the intervals; 0 gives none"},
		newChoice(&cli.StringFlag{Name: "kind", Category: catInput, DefaultText: "by the suffix", Usage: "what is evaluated"}, "entities", "classes"),
		newChoice(&cli.StringFlag{Name: "aggregate", Category: catModel, Value: string(ner.First), Usage: "pieces that decide on a word's label"}, ner.Aggregates...),
		&cli.IntFlag{Name: "stride", Category: catModel, Value: 128, Usage: "windows of a sentence that is too long for the model share `N` tokens"},
	}, conllFlags()...)
}

func runEvaluate(c *cli.Context) error {
	names := c.Args().Slice()
	if len(names) == 0 || len(names) > 2 || len(names) == 2 && c.String("model") != "" {
		return usagef("name the file of gold labels, and -m MODEL or a file of what was found; a single CoNLL file has both in its last columns. See %s --help", c.Command.HelpName)
	}
	if c.Int("bootstrap") < 0 {
		return usagef("flag --bootstrap: %d draws; give 0 or more. See %s --help", c.Int("bootstrap"), c.Command.HelpName)
	}
	dir := ""
	if c.String("out") != "" {
		var err error
		if dir, err = outputDir(c, false); err != nil {
			return err
		}
	}
	if kind := c.String("kind"); kind == "classes" || kind == "" && isTable(names[0]) {
		return evaluateClasses(c, names, dir)
	}
	e, err := evaluatedEntities(c, names)
	if err != nil {
		return err
	}
	if name := c.String("baseline"); name != "" {
		trained, err := readTagged(c, []string{name}, nil)
		if err != nil {
			return err
		}
		known := baseline.LearnDictionary(trained)
		e.dictionary = &metric.Entities{}
		for _, s := range e.gold {
			e.dictionary.Add(s.Tags, known.Tag(s.Words))
		}
	}
	return e.report(c, dir)
}

func isTable(name string) bool {
	for _, suffix := range []string{".gz", ".zst", ".bz2", ".xz"} {
		name = strings.TrimSuffix(name, suffix)
	}
	return strings.HasSuffix(name, ".csv") || strings.HasSuffix(name, ".tsv")
}

// evaluated are sentences with the tags that they should have and those that
// were found.
type evaluated struct {
	gold        []corpus.Tagged
	found       [][]string
	calibration metric.Calibration // of a model
	dictionary  *metric.Entities   // nil without --baseline
}

func evaluatedEntities(c *cli.Context, names []string) (*evaluated, error) {
	e := &evaluated{}
	var err error
	if c.String("model") == "" && len(names) == 1 {
		e.gold, e.found, err = readTagPairs(names[0])
		return e, err
	}
	if e.gold, err = readTagged(c, names[:1], nil); err != nil {
		return nil, err
	}
	if path := c.String("model"); path != "" {
		return e, e.tag(c, names[0], path)
	}
	found, err := readTagged(c, names[1:], nil)
	if err != nil {
		return nil, err
	}
	for i, g := range e.gold {
		if i >= len(found) {
			return nil, fmt.Errorf("%s: has %s sentences, %s has %s; both must be of the same sentences", names[1], human(len(found)), names[0], human(len(e.gold)))
		}
		if f := found[i]; !slices.Equal(g.Words, f.Words) {
			k := 0
			for k < min(len(g.Words), len(f.Words)) && g.Words[k] == f.Words[k] {
				k++
			}
			return nil, fmt.Errorf("%s: sentence %d, word %d is not that of %s; both must be of the same words", placeOf(names[1], f, k), i+1, k+1, placeOf(names[0], g, k))
		}
		e.found = append(e.found, found[i].Tags)
	}
	if len(found) > len(e.gold) {
		return nil, fmt.Errorf("%s: has %s sentences, %s has %s; both must be of the same sentences", names[1], human(len(found)), names[0], human(len(e.gold)))
	}
	return e, nil
}

// placeOf is the line of a word, or its document where that is all that is
// known.
func placeOf(name string, s corpus.Tagged, word int) string {
	if s.Line > 0 {
		return fmt.Sprintf("%s:%d", name, s.Line+min(word, len(s.Words)-1))
	}
	return name + ": " + s.Doc
}

// tag lets a model find the entities.
func (e *evaluated) tag(c *cli.Context, name, path string) error {
	m, err := openNER(c, path)
	if err != nil {
		return err
	}
	defer m.close()
	words := make([][]string, len(e.gold))
	for i, s := range e.gold {
		if _, err := ner.Numbers(name, s, m.Labels); err != nil {
			return err
		}
		words[i] = s.Words
	}
	sentences, err := m.Tag(c.Context, words)
	if err != nil {
		return err
	}
	for i, s := range sentences {
		tags := make([]string, len(s.Tags))
		for k, l := range s.Tags {
			tags[k] = m.Labels[l]
		}
		e.found = append(e.found, tags)
		right := map[metric.Chunk]bool{}
		for _, g := range metric.Chunks(e.gold[i].Tags) {
			right[g] = true
		}
		for _, f := range s.Entities {
			e.calibration.Add(f.Score, right[metric.Chunk{Label: f.Label, First: f.First, Past: f.Past}])
		}
	}
	return nil
}

// documents counts each document by itself; sentences of a file that doesn't say
// which document they are of are documents of their own.
func (e *evaluated) documents() []*metric.Entities {
	var all []*metric.Entities
	at := map[string]int{}
	for i, s := range e.gold {
		k, ok := at[s.Doc]
		if !ok || s.Doc == "" {
			k = len(all)
			at[s.Doc] = k
			all = append(all, &metric.Entities{})
		}
		all[k].Add(s.Tags, e.found[i])
	}
	return all
}

func (e *evaluated) report(c *cli.Context, dir string) error {
	documents := e.documents()
	var sum metric.Entities
	for _, d := range documents {
		sum.Join(d, 1)
	}
	names := sum.Names()
	// The F1 of each type, then of all together, then their mean.
	f1 := func(e *metric.Entities) []float64 {
		var all []float64
		for _, name := range names {
			all = append(all, e.Labels[name].F1())
		}
		return append(all, e.Micro().F1(), e.MacroF1())
	}
	draws := c.Int("bootstrap")
	by, err := seed(c)
	if err != nil {
		return err
	}
	var within []metric.Interval
	if draws > 0 {
		within = metric.Bootstrap(len(documents), draws, by, func(times []int) []float64 {
			var e metric.Entities
			for k, n := range times {
				if n > 0 {
					e.Join(documents[k], n)
				}
			}
			return f1(&e)
		})
	}
	t := table{columns: []string{"type", "precision", "recall", "f1", "f1_low", "f1_high", "support", "found"}}
	var known []float64
	if e.dictionary != nil {
		t.columns = append(t.columns, "baseline_f1")
		known = f1(e.dictionary)
	}
	add := func(name string, p, r, f float64, support, found int) {
		row := []any{name, p, r, f, nil, nil, support, found}
		k := len(t.rows)
		if within != nil {
			row[4], row[5] = within[k].Low, within[k].High
		}
		if known != nil {
			row = append(row, known[k])
		}
		t.add(row...)
	}
	for _, name := range names {
		n := sum.Labels[name]
		add(name, n.Precision(), n.Recall(), n.F1(), n.Gold, n.Found)
	}
	all := sum.Micro()
	add("micro", all.Precision(), all.Recall(), all.F1(), all.Gold, all.Found)
	p, r, f := sum.Macro()
	add("macro", p, r, f, all.Gold, all.Found)
	if c.Bool("conlleval") {
		_, err = io.WriteString(c.App.Writer, sum.CoNLL())
	} else {
		err = printTable(c, c.App.Writer, t)
	}
	if err != nil {
		return err
	}
	if dir != "" {
		if err := e.files(c, dir, &sum, t); err != nil {
			return err
		}
	}
	beside, between := "", ""
	if known != nil {
		beside = fmt.Sprintf("dictionary %s, ", human(e.dictionary.Micro().F1()))
	}
	if within != nil {
		i := within[len(names)]
		between = fmt.Sprintf(" (95%% of draws of %s documents %s to %s)", human(len(documents)), human(i.Low), human(i.High))
	}
	message(c, "micro F1 %s%s%s · macro %s · words with the right tag %s of %s · strict: label and both ends must be right",
		beside, human(all.F1()), between, human(f), human(sum.Correct), human(sum.Words))
	return nil
}

// files leaves the table, conlleval's text, what was taken for what, and figures
// in a directory.
func (e *evaluated) files(c *cli.Context, dir string, sum *metric.Entities, t table) error {
	types := append(sum.Names(), "O")
	at := map[string]int{}
	var counts [][]int
	for i, name := range types {
		at[name] = i
		counts = append(counts, make([]int, len(types)))
	}
	of := func(tag string) int {
		if i, ok := at[entityType(tag)]; ok {
			return i
		}
		return len(types) - 1 // the label 0, which conlleval takes for none
	}
	for i, s := range e.gold {
		for k, tag := range s.Tags {
			counts[of(tag)][of(e.found[i][k])]++
		}
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	if err := writeWhole(filepath.Join(dir, "scores.tsv"), t.tsv()); err != nil {
		return err
	}
	if err := writeWhole(filepath.Join(dir, "conlleval.txt"), []byte(sum.CoNLL())); err != nil {
		return err
	}
	if !c.Bool("figures") {
		return nil
	}
	names := sum.Names()
	if len(names) > 0 {
		support := make([]int, len(names))
		scores := []figure.Scores{{Name: "found", Micro: sum.Micro().F1()}}
		if e.dictionary != nil {
			scores = append(scores, figure.Scores{Name: "dictionary", Micro: e.dictionary.Micro().F1()})
		}
		for i, name := range names {
			support[i] = sum.Labels[name].Gold
			scores[0].F1 = append(scores[0].F1, sum.Labels[name].F1())
			if e.dictionary != nil {
				scores[1].F1 = append(scores[1].F1, e.dictionary.Labels[name].F1())
			}
		}
		f, err := figure.F1ByType(names, support, scores...)
		if err := saveFigure(c, dir, "f1_by_type", f, err); err != nil {
			return err
		}
	}
	return evaluationFigures(c, dir, types, counts, "words", &e.calibration, "entities")
}

// evaluationFigures draws what was taken for what, if that can be read, and how
// far confidence can be trusted, if there is any.
func evaluationFigures(c *cli.Context, dir string, labels []string, counts [][]int, what string, cal *metric.Calibration, scored string) error {
	if len(labels) > figure.MaxClasses {
		warning(c, "no figure of what was taken for what: %d classes are too many to read", len(labels))
	} else {
		f, err := figure.Confusion(labels, counts, what)
		if err := saveFigure(c, dir, "confusion", f, err); err != nil {
			return err
		}
	}
	if cal.N() == 0 {
		return nil
	}
	f, err := figure.Calibration(cal, scored)
	return saveFigure(c, dir, "calibration", f, err)
}

func saveFigure(c *cli.Context, dir, name string, f *corefigure.Figure, err error) error {
	if err != nil {
		return fmt.Errorf("figure %s: %w", name, err)
	}
	files, err := corefigure.Save(f, filepath.Join(dir, "figures", name), corefigure.Double)
	for _, f := range files {
		detail(c, "wrote %s", f)
	}
	return err
}

// entityType is MAT of B-MAT, and O of what is outside.
func entityType(tag string) string {
	if _, t, ok := strings.Cut(tag, "-"); ok {
		return t
	}
	return "O"
}
