package main

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/core/checkpoint"
	corefigure "github.com/kiban-models/kiban/core/figure"
	rundir "github.com/kiban-models/kiban/core/run"
	"github.com/kiban-models/kiban/core/train"
	"github.com/kiban-models/kiban/materials/figure"
	"github.com/kiban-models/kiban/materials/pretrain"
)

// maskedResults is results.json of materials pretrain.
type maskedResults struct {
	*pretrain.Evaluation         // nil without held-out documents
	Runtime              float64 `json:"train_runtime"`
	Steps                int     `json:"train_steps"`
	Tokens               int64   `json:"train_tokens"`
	TokensPerSec         float64 `json:"train_tokens_per_second"`
	BestEvalLoss         float64 `json:"best_eval_loss"`
	BestStep             int     `json:"best_step"`
}

func (r maskedResults) write(dir string) error {
	return rundir.WriteJSON(filepath.Join(dir, "results.json"), r)
}

// writeMaskedReport draws the figures of a run into its figures folder and
// gathers them in report.html.
func writeMaskedReport(c *cli.Context, dir string, r maskedResults, s pretrain.Summary) error {
	records, err := train.ReadHistory(filepath.Join(dir, "metrics.jsonl"))
	if err != nil {
		return err
	}
	var h figure.History
	for _, x := range records {
		if x.Split == "eval" {
			h.EvalStep, h.EvalLoss = append(h.EvalStep, float64(x.Step)), append(h.EvalLoss, x.Loss)
			continue
		}
		h.Step, h.Loss = append(h.Step, float64(x.Step)), append(h.Loss, x.Loss)
		h.Rate, h.Speed = append(h.Rate, x.LR), append(h.Speed, x.TokensPerSec)
	}
	rep := corefigure.Report{
		Title:     "Masked language model " + filepath.Base(dir),
		Result:    "No document was held out: nothing was evaluated.",
		Generator: readVersion().line(),
		Limits: []string{
			"Equal documents were removed, similar ones were not: a held-out abstract may repeat sentences of the training part.",
			"The pseudo-perplexity is of masked words whose neighbours are seen; it cannot be compared between vocabularies.",
		},
		Tables:   []corefigure.Table{maskedData(s)},
		Versions: []corefigure.KV{{Key: "kiban", Value: readVersion().line()}},
	}
	var baselines []corefigure.Baseline
	if e := r.Evaluation; e != nil {
		rep.Result = fmt.Sprintf("Held-out pseudo-perplexity: unigram %.2f, this model %.2f (%s masked tokens of documents that it has not seen).", e.Unigram, e.Perplexity, human(e.Masked))
		rep.Tables = append([]corefigure.Table{maskedTable(*e)}, rep.Tables...)
		baselines = append(baselines, corefigure.Baseline{Name: "unigram", Value: math.Log(e.Unigram)})
	}
	for _, f := range []string{"command.txt", "config.yaml"} {
		text, err := os.ReadFile(filepath.Join(dir, f))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if f == "command.txt" && err == nil {
			rep.Repeat = append(rep.Repeat, strings.TrimSpace(string(text)))
		} else if err == nil {
			rep.Asked = append(rep.Asked, corefigure.KV{Key: "options", Value: strings.Join(strings.Fields(strings.ReplaceAll(string(text), "\n", ", ")), " ")})
		}
	}
	if len(h.Step) > 0 { // a run that MaxTime ended may have no line
		loss, err := figure.Loss(h, baselines...)
		if err != nil {
			return err
		}
		rate, err := figure.LearningRate(h)
		if err != nil {
			return err
		}
		speed, err := figure.Throughput(h)
		if err != nil {
			return err
		}
		for _, f := range []struct {
			name, caption, finding string
			f                      *corefigure.Figure
		}{
			{"loss", "Loss by step on masked tokens of training and held-out documents.", fmt.Sprintf("The loss falls from %.2f to %.2f nats a masked token.", first(h.Loss), final(h.EvalLoss, h.Loss)), loss},
			{"learning_rate", "Learning rate by step.", fmt.Sprintf("The learning rate ends at %.2g.", final(h.Rate)), rate},
			{"throughput", "Tokens trained on in a second, by step.", fmt.Sprintf("%s tokens a second over the whole run.", human(r.TokensPerSec)), speed},
		} {
			files, err := corefigure.Save(f.f, filepath.Join(dir, "figures", f.name), corefigure.Double)
			if err != nil {
				return fmt.Errorf("figure %s: %w", f.name, err)
			}
			for _, file := range files {
				if strings.HasSuffix(file, ".svg") {
					svg, err := os.ReadFile(file)
					if err != nil {
						return err
					}
					rep.Figures = append(rep.Figures, corefigure.Fig{SVG: svg, Caption: f.caption, Finding: f.finding})
				}
			}
		}
	}
	path := filepath.Join(dir, "report.html")
	if err := checkpoint.WriteFile(path, rep.Write); err != nil {
		return err
	}
	message(c, "wrote %s", path)
	return nil
}

func maskedTable(e pretrain.Evaluation) corefigure.Table {
	return corefigure.Table{
		Caption: fmt.Sprintf("Pseudo-perplexity of %s masked tokens in %s held-out rows; lower is better", human(e.Masked), human(e.Rows)),
		Header:  []string{"model", "pseudo-perplexity"}, Numbers: true,
		Rows: [][]string{{"unigram", fmt.Sprintf("%.3f", e.Unigram)}, {"this model", fmt.Sprintf("%.3f", e.Perplexity)}},
	}
}

func maskedData(s pretrain.Summary) corefigure.Table {
	t := corefigure.Table{
		Caption: fmt.Sprintf("Data: %s documents were equal to others, %s could not be read", human(s.Duplicates), human(s.Failed)),
		Header:  []string{"part", "documents", "sentences", "rows", "tokens", "unknown"}, Numbers: true,
	}
	for _, p := range []struct {
		name string
		p    pretrain.Part
	}{{"training", s.Train}, {"held out", s.Validation}} {
		t.Rows = append(t.Rows, []string{p.name, human(p.p.Documents), human(p.p.Sentences), human(p.p.Rows), human(p.p.Tokens), human(p.p.Unknown)})
	}
	return t
}
