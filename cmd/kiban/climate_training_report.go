package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/climate/figure"
	"github.com/kiban-models/kiban/climate/skill"
	"github.com/kiban-models/kiban/climate/task"
	corefigure "github.com/kiban-models/kiban/core/figure"
	rundir "github.com/kiban-models/kiban/core/run"
	"github.com/kiban-models/kiban/core/train"
)

// climateResults is results.json of climate pretrain and finetune.
type climateResults struct {
	Scores        train.Scores `json:"scores,omitempty"` // of the chosen model and the baselines, over the deviation
	Validation    skill.Table  `json:"validation,omitempty"`
	Runtime       float64      `json:"train_runtime"`
	Steps         int          `json:"train_steps"`
	Samples       int64        `json:"train_samples"`
	SamplesPerSec float64      `json:"train_samples_per_second"`
	BestEvalLoss  float64      `json:"best_eval_loss"`
	BestStep      int          `json:"best_step"`
}

func newClimateResults(out task.Outcome) climateResults {
	r := climateResults{
		Scores: out.Scores, Runtime: out.Seconds, Steps: out.Step, Samples: out.Tokens, SamplesPerSec: rate(out.Progress),
		BestEvalLoss: out.Best, BestStep: out.BestAt,
	}
	for _, t := range out.Validation {
		r.Validation = append(r.Validation, t...)
	}
	return r
}

func (r climateResults) write(dir string) error {
	return rundir.WriteJSON(filepath.Join(dir, "results.json"), r)
}

// climateScores are rows of skill as figures take them.
func climateScores(t skill.Table) []figure.Score {
	var out []figure.Score
	for _, r := range t {
		out = append(out, figure.Score{Model: r.Model, Variable: r.Variable, Level: r.Level, Region: r.Region, LeadHours: r.LeadHours,
			Metric: r.Metric, Value: float64(r.Value), Units: r.Units, N: r.N})
	}
	return out
}

// mostByLead bounds the figures of a report, which is one page.
const mostByLead = 8

// writeClimateReport draws the figures of a run into its figures folder and
// gathers them in report.html, with the scores of the first store's validation
// years.
func writeClimateReport(c *cli.Context, dir, title string, r climateResults, out task.Outcome) error {
	rep := corefigure.Report{
		Title: title + " " + filepath.Base(dir), Generator: readVersion().line(),
		Limits: []string{
			"The scores are of the validation years, by which the best epoch was chosen; kiban climate evaluate scores the test years.",
			"Baselines are fitted on the training years only.",
		},
		Versions: []corefigure.KV{{Key: "kiban", Value: readVersion().line()}},
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
	var scores []figure.Score
	if len(out.Validation) > 0 {
		for _, s := range climateScores(out.Validation[0]) {
			if s.Metric == "rmse" || s.Metric == "acc" {
				scores = append(scores, s)
			}
		}
		slices.SortStableFunc(scores, func(a, b figure.Score) int { return strings.Compare(b.Metric, a.Metric) }) // RMSE first
	} else {
		rep.Result = "No years were set aside to validate with: nothing was evaluated."
	}
	shown, err := trainingFigures(dir, r, out.Baselines)
	if err != nil {
		return err
	}
	more, err := leadFigures(scores)
	if err != nil {
		return err
	}
	files, err := figure.WriteReport(dir, rep, scores, append(shown, more...))
	if err != nil {
		return err
	}
	message(c, "wrote %s", files[len(files)-1])
	return nil
}

// trainingFigures are the curves of metrics.jsonl.
func trainingFigures(dir string, r climateResults, names []string) ([]figure.Shown, error) {
	records, err := train.ReadHistory(filepath.Join(dir, "metrics.jsonl"))
	if err != nil {
		return nil, err
	}
	var h figure.History
	var baselines []corefigure.Baseline
	for _, x := range records {
		if x.Split == "eval" {
			h.EvalStep, h.EvalLoss = append(h.EvalStep, float64(x.Step)), append(h.EvalLoss, x.Loss)
			continue
		}
		h.Step, h.Loss = append(h.Step, float64(x.Step)), append(h.Loss, x.Loss)
		h.Rate, h.Speed = append(h.Rate, x.LR), append(h.Speed, x.TokensPerSec)
	}
	for _, name := range names {
		if v, ok := r.Scores["w_rmse_"+name]; ok {
			baselines = append(baselines, corefigure.Baseline{Name: strings.ReplaceAll(name, "_", " "), Value: v * v})
		}
	}
	if len(h.Step) == 0 { // a run that MaxTime ended may have no line
		return nil, nil
	}
	loss, err := figure.Loss(h, baselines...)
	if err != nil {
		return nil, err
	}
	rate, err := figure.LearningRate(h)
	if err != nil {
		return nil, err
	}
	speed, err := figure.Throughput(h)
	if err != nil {
		return nil, err
	}
	return []figure.Shown{
		{Name: "loss", Caption: "Loss by step: the weighted mean squared error of normalised fields, of training and of the validation years.",
			Finding: fmt.Sprintf("The loss falls from %.3g to %.3g.", first(h.Loss), final(h.EvalLoss, h.Loss)), Figure: loss},
		{Name: "learning_rate", Caption: "Learning rate by step.", Finding: fmt.Sprintf("The learning rate ends at %.2g.", final(h.Rate)), Figure: rate},
		{Name: "throughput", Caption: "Examples trained on in a second, by step.", Finding: fmt.Sprintf("%s examples a second over the whole run.", human(r.SamplesPerSec)), Figure: speed},
	}, nil
}

// leadFigures are RMSE and ACC by lead time of each variable, where there is
// more than one.
func leadFigures(scores []figure.Score) ([]figure.Shown, error) {
	var names []string
	by := map[string][]figure.Score{}
	leads := map[float64]bool{}
	for _, s := range scores {
		name := s.Variable
		if s.Level != 0 {
			name += fmt.Sprintf("_%g", s.Level)
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
		by[name] = append(by[name], s)
		leads[s.LeadHours] = true
	}
	if len(leads) < 2 {
		return nil, nil
	}
	var shown []figure.Shown
	for _, name := range names[:min(len(names), mostByLead)] {
		for _, metric := range []string{"rmse", "acc"} {
			if metric == "acc" { // that of the climatology is none
				by[name] = slices.DeleteFunc(by[name], func(s figure.Score) bool { return s.Metric == "acc" && s.Value != s.Value })
			}
			if !slices.ContainsFunc(by[name], func(s figure.Score) bool { return s.Metric == metric }) {
				continue
			}
			f, err := figure.ByLead(by[name], metric)
			if err != nil {
				return nil, err
			}
			shown = append(shown, figure.Shown{Name: metric + "_by_lead_" + strings.ToLower(name), Figure: f,
				Caption: fmt.Sprintf("%s of %s by lead time, on the validation years.", strings.ToUpper(metric), name), Finding: figure.Finding(by[name], metric)})
		}
	}
	return shown, nil
}
