package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/figure"
	"github.com/kiban-models/kiban/climate/skill"
	corefigure "github.com/kiban-models/kiban/core/figure"
	"github.com/kiban-models/kiban/core/train"
)

// plotScores draws skill.csv by lead time.
func plotScores(c *cli.Context, paths []string) (*corefigure.Figure, error) {
	if len(paths) > 1 {
		return nil, usagef("one table of scores is drawn at a time. See %s --help", c.Command.HelpName)
	}
	all, err := readScores(paths[0])
	if err != nil {
		return nil, err
	}
	metric := c.String("metric")
	var some []figure.Score
	var variables, regions, metrics []string
	once := func(all *[]string, s string) {
		if !slices.Contains(*all, s) {
			*all = append(*all, s)
		}
	}
	for _, s := range all {
		name := (field.Channel{Name: s.Variable, Level: s.Level * 100}).String()
		once(&variables, name)
		once(&regions, s.Region)
		once(&metrics, s.Metric)
		if s.Metric == metric && (c.String("var") == "" || c.String("var") == name) && (c.String("region") == "" || c.String("region") == s.Region) && !math.IsNaN(s.Value) {
			some = append(some, s)
		}
	}
	switch {
	case len(some) == 0:
		return nil, fmt.Errorf("%s: has no %s of what is asked for; it has %s of %s in %s", paths[0], metric, strings.Join(metrics, ", "), strings.Join(variables, ", "), strings.Join(regions, ", "))
	case c.String("var") == "" && len(variables) > 1:
		return nil, fmt.Errorf("%s: has %s; choose one with --var", paths[0], strings.Join(variables, ", "))
	case c.String("region") == "" && len(regions) > 1:
		return nil, fmt.Errorf("%s: has the regions %s; choose one with --region", paths[0], strings.Join(regions, ", "))
	}
	return figure.ByLead(some, metric)
}

// readScores reads what skill.Table.WriteCSV writes.
func readScores(path string) ([]figure.Score, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	in := csv.NewReader(f)
	rows, err := in.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w; is it skill.csv of kiban climate evaluate?", path, err)
	}
	if len(rows) < 2 || !slices.Equal(rows[0], skill.Columns) {
		return nil, fmt.Errorf("%s:1: wanted the columns %s, and rows; is it skill.csv of kiban climate evaluate?", path, strings.Join(skill.Columns, ","))
	}
	var out []figure.Score
	for i, row := range rows[1:] {
		var bad error
		number := func(s string, missing float64) float64 {
			if s == "" {
				return missing
			}
			x, err := strconv.ParseFloat(s, 64)
			bad = errors.Join(bad, err)
			return x
		}
		s := figure.Score{Model: row[0], Variable: row[1], Level: number(row[2], 0), Region: row[3], LeadHours: number(row[4], 0), Metric: row[5],
			Value: number(row[6], math.NaN()), Units: row[7], N: int(number(row[8], 0))}
		if bad != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, i+2, bad)
		}
		out = append(out, s)
	}
	return out, nil
}

// plotRun draws a curve of a training run.
func plotRun(c *cli.Context, paths []string) (*corefigure.Figure, error) {
	if len(paths) > 1 {
		return nil, usagef("one training run is drawn at a time. See %s --help", c.Command.HelpName)
	}
	records, err := train.ReadHistory(filepath.Join(paths[0], "metrics.jsonl"))
	if err != nil {
		return nil, err
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
	if len(h.Step)+len(h.EvalStep) == 0 {
		return nil, fmt.Errorf("%s: has no line yet; draw the run when it has gone on for a while", filepath.Join(paths[0], "metrics.jsonl"))
	}
	switch c.String("curve") {
	case "learning_rate":
		return figure.LearningRate(h)
	case "throughput":
		return figure.Throughput(h)
	}
	return figure.Loss(h)
}
