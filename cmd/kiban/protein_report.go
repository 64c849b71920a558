package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/bio/figure"
	"github.com/kiban-models/kiban/bio/protein"
	"github.com/kiban-models/kiban/bio/sequence"
	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/dataset"
	corefigure "github.com/kiban-models/kiban/core/figure"
	"github.com/kiban-models/kiban/core/train"
)

// results is results.json of a run.
type results struct {
	protein.Evaluation
	Runtime      float64 `json:"train_runtime"`
	Steps        int     `json:"train_steps"`
	Tokens       int64   `json:"train_tokens"`
	TokensPerSec float64 `json:"train_tokens_per_second"`
	BestEvalLoss float64 `json:"best_eval_loss"`
	BestStep     int     `json:"best_step"`
}

func writeResults(dir string, e protein.Evaluation, p train.Progress) error {
	r := results{e, p.Seconds, p.Step, p.Tokens, float64(p.Tokens) / max(1e-9, p.Seconds), p.Best, p.BestAt}
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return writeWhole(filepath.Join(dir, "results.json"), append(b, '\n'))
}

// reportInput is what a report is made from.
type reportInput struct {
	run       string // the run directory
	data      string // what prepare wrote
	generated string // FASTA of generate; "" without
}

func runReport(c *cli.Context) error {
	if c.NArg() != 1 || c.String("data") == "" {
		return usagef("name a run directory, and its data with --data DIR. See %s --help", c.Command.HelpName)
	}
	return writeReport(c, reportInput{c.Args().First(), c.String("data"), c.String("generated")})
}

// writeReport draws the figures of a run into its figures folder and gathers
// them in report.html.
func writeReport(c *cli.Context, in reportInput) error {
	var r results
	if err := readJSONFile(filepath.Join(in.run, "results.json"), &r); err != nil {
		return err
	}
	var prepared protein.Summary
	if err := readJSONFile(filepath.Join(in.data, protein.SummaryFile), &prepared); err != nil {
		return err
	}
	history, err := train.ReadHistory(filepath.Join(in.run, "metrics.jsonl"))
	if err != nil {
		return err
	}
	rep := corefigure.Report{
		Title: "Protein language model " + filepath.Base(in.run),
		Result: fmt.Sprintf("Held-out perplexity per residue: unigram %.2f, order-2 Markov %.2f, this model %.2f (%s sequences that it has not seen).",
			r.Unigram, r.Markov, r.Perplexity, commas(strconv.Itoa(r.Sequences))),
		Generator: readVersion().line(),
		Limits: []string{
			"Training and validation sequences differ, but may be relatives: equal sequences were removed, similar ones were not.",
			"A low perplexity says that a sequence is like the training data. It does not say that the protein folds or works.",
		},
		Versions: []corefigure.KV{{Key: "kiban", Value: readVersion().line()}},
	}
	for _, f := range []string{"command.txt", "config.yaml"} {
		text, err := os.ReadFile(filepath.Join(in.run, f))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if f == "command.txt" && err == nil {
			rep.Repeat = append(rep.Repeat, strings.TrimSpace(string(text)))
		} else if err == nil {
			rep.Asked = append(rep.Asked, corefigure.KV{Key: "options", Value: strings.Join(strings.Fields(strings.ReplaceAll(string(text), "\n", ", ")), " ")})
		}
	}
	if r.Sequences == 0 {
		rep.Result = "No sequence was set aside for validation: nothing says how good this model is."
	} else {
		rep.Tables = append(rep.Tables, resultTable(r))
	}
	rep.Tables = append(rep.Tables, dataTable(prepared))
	add := func(name, caption, finding string, f *corefigure.Figure, err error) error {
		if err != nil {
			return fmt.Errorf("figure %s: %w", name, err)
		}
		files, err := corefigure.Save(f, filepath.Join(in.run, "figures", name), corefigure.Double)
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
	h := curve(history)
	f, err := figure.LossCurve(h)
	if err := add("loss", "Loss by step on training and validation tokens.", fmt.Sprintf("The loss falls from %.2f to %.2f nats a token.", first(h.Loss), final(h.EvalLoss, h.Loss)), f, err); err != nil {
		return err
	}
	if in.generated != "" {
		if err := generatedFigures(in, r, &rep, add); err != nil {
			return err
		}
	}
	path := filepath.Join(in.run, "report.html")
	if err := checkpoint.WriteFile(path, rep.Write); err != nil {
		return err
	}
	message(c, "wrote %s", path)
	return nil
}

func first(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	return v[0]
}

// final is the last of the first list that is not empty.
func final(lists ...[]float64) float64 {
	for _, v := range lists {
		if len(v) > 0 {
			return v[len(v)-1]
		}
	}
	return 0
}

func curve(records []train.Record) figure.History {
	var h figure.History
	for _, r := range records {
		if r.Split == "eval" {
			h.EvalStep, h.EvalLoss = append(h.EvalStep, float64(r.Step)), append(h.EvalLoss, r.Loss)
		} else {
			h.Step, h.Loss = append(h.Step, float64(r.Step)), append(h.Loss, r.Loss)
		}
	}
	return h
}

func resultTable(r results) corefigure.Table {
	row := func(name string, v float64) []string { return []string{name, fmt.Sprintf("%.3f", v)} }
	return corefigure.Table{
		Caption: fmt.Sprintf("Perplexity per residue of %s held-out sequences (%s residues); lower is better", commas(strconv.Itoa(r.Sequences)), commas(strconv.FormatInt(r.Residues, 10))),
		Header:  []string{"model", "perplexity"},
		Numbers: true,
		Rows:    [][]string{row("unigram", r.Unigram), row("order-2 Markov", r.Markov), row("this model", r.Perplexity)},
	}
}

func dataTable(s protein.Summary) corefigure.Table {
	t := corefigure.Table{Caption: "Data", Header: []string{"source", "SHA-256 (first 12)", "sequences", "residues", "tokens"}}
	for _, src := range s.Sources {
		t.Rows = append(t.Rows, []string{filepath.Base(src.File), src.SHA256[:min(12, len(src.SHA256))], "", "", ""})
	}
	for _, p := range []struct {
		name string
		p    protein.Part
	}{{"training part", s.Train}, {"validation part", s.Validation}} {
		t.Rows = append(t.Rows, []string{p.name, "", human(p.p.Sequences), human(p.p.Residues), human(p.p.Tokens)})
	}
	return t
}

// maxTrainSequences bounds the sample of training sequences that generated
// ones are compared with.
const maxTrainSequences = 50000

func generatedFigures(in reportInput, r results, rep *corefigure.Report, add func(name, caption, finding string, f *corefigure.Figure, err error) error) error {
	all, err := readGenerated(in.generated)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return fmt.Errorf("%s: no sequences; generate some first", in.generated)
	}
	v, err := vocabularyOf(in.run)
	if err != nil {
		return err
	}
	lengths, counts, err := trainingShape(in.data, v)
	if err != nil {
		return err
	}
	newLengths, newCounts := make([]int, len(all)), map[byte]int{}
	var perplexities []float64
	for i, g := range all {
		newLengths[i] = len(g.Residues)
		for _, c := range g.Residues {
			newCounts[c]++
		}
		if p, ok := headerNumber(g.Description, "perplexity"); ok {
			perplexities = append(perplexities, p)
		}
	}
	f, err := figure.Lengths(newLengths, lengths, "training")
	if err := add("length", "Lengths of generated and training sequences.", fmt.Sprintf("Generated sequences have %d residues on average, training sequences %d.", mean(newLengths), mean(lengths)), f, err); err != nil {
		return err
	}
	f, err = figure.Composition(newCounts, counts, "training")
	if err := add("composition", "Share of each amino acid among generated residues over its share in training, log2.", "Bars near 0 are amino acids as frequent as in the training data.", f, err); err != nil {
		return err
	}
	if len(perplexities) > 0 {
		finding := fmt.Sprintf("%d sequences, the likeliest of perplexity %.1f", len(perplexities), minOf(perplexities))
		var natural []corefigure.Baseline
		if r.Sequences > 0 {
			natural = []corefigure.Baseline{{Name: "held-out natural", Value: r.TokenPerplexity}}
			finding += fmt.Sprintf("; natural held-out sequences have %.1f", r.TokenPerplexity)
		}
		f, err = figure.PerplexityRanking(perplexities, natural...)
		if err := add("perplexity_ranking", "Perplexity a token of the generated sequences, ranked.", finding+".", f, err); err != nil {
			return err
		}
	}
	var text strings.Builder
	w := sequence.NewWriter(&text, sequence.DefaultWidth)
	for _, g := range all[:min(10, len(all))] {
		if err := w.Write(g); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	rep.Sections = append(rep.Sections, corefigure.Section{Heading: "The first generated sequences", Pre: text.String()})
	return nil
}

func readGenerated(path string) ([]sequence.Record, error) {
	r, err := sequence.Open(path, sequence.Options{Type: sequence.Protein})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var all []sequence.Record
	for {
		rec, err := r.Next()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		all = append(all, rec.Clone())
	}
}

// trainingShape returns lengths and residue counts of training sequences.
func trainingShape(data string, v protein.Vocabulary) ([]int, map[byte]int, error) {
	set, err := dataset.Open(filepath.Join(data, protein.TrainDir), dataset.OpenOptions{})
	if err != nil {
		return nil, nil, err
	}
	defer set.Close()
	spell := v.Tokenizer.(protein.Spelling)
	var lengths []int
	counts := map[byte]int{}
	for doc, err := range set.Documents() {
		if err != nil {
			return nil, nil, err
		}
		n := 0
		for _, id := range doc[1:] {
			for _, c := range spell.TokenBytes(id) {
				if c != '\n' {
					counts[c]++
					n++
				}
			}
		}
		if lengths = append(lengths, n); len(lengths) == maxTrainSequences {
			break
		}
	}
	return lengths, counts, nil
}

// headerNumber reads key=number from a header.
func headerNumber(description, key string) (float64, bool) {
	for _, f := range strings.Fields(description) {
		if v, ok := strings.CutPrefix(f, key+"="); ok {
			x, err := strconv.ParseFloat(v, 64)
			return x, err == nil
		}
	}
	return 0, false
}

func mean(v []int) int {
	sum := 0
	for _, x := range v {
		sum += x
	}
	return sum / max(1, len(v))
}

func minOf(v []float64) float64 {
	m := v[0]
	for _, x := range v {
		m = min(m, x)
	}
	return m
}

func readJSONFile(path string, v any) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
