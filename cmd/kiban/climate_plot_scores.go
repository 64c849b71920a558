package main

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
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
	metric := c.String("metric")
	var some []figure.Score
	var variables, regions, metrics []string
	once := func(all *[]string, s string) {
		if !slices.Contains(*all, s) {
			*all = append(*all, s)
		}
	}
	err := readScores(paths[0], func(s figure.Score) {
		name := (field.Channel{Name: s.Variable, Level: s.Level * 100}).String()
		once(&variables, name)
		once(&regions, s.Region)
		once(&metrics, s.Metric)
		if s.Metric == metric && (c.String("var") == "" || c.String("var") == name) && (c.String("region") == "" || c.String("region") == s.Region) && !math.IsNaN(s.Value) {
			some = append(some, s)
		}
	})
	if err != nil {
		return nil, err
	}
	switch {
	case len(some) == 0:
		return nil, fmt.Errorf("%s: has no %s of what is asked for; it has %s of %s in %s", paths[0], metric, strings.Join(metrics, ", "), strings.Join(variables, ", "), strings.Join(regions, ", "))
	case len(some) > mostScores:
		return nil, fmt.Errorf("%s: has %d rows of what is asked for, more than %d; is it skill.csv of kiban climate evaluate?", paths[0], len(some), mostScores)
	case c.String("var") == "" && len(variables) > 1:
		return nil, fmt.Errorf("%s: has %s; choose one with --var", paths[0], strings.Join(variables, ", "))
	case c.String("region") == "" && len(regions) > 1:
		return nil, fmt.Errorf("%s: has the regions %s; choose one with --region", paths[0], strings.Join(regions, ", "))
	}
	return figure.ByLead(some, metric)
}

// Scores come by lines, of which no file has more bytes or more to draw.
const (
	mostScoreLine = 64 << 10
	mostScores    = 100_000
)

// readScores reads what skill.Table.WriteCSV writes, and hands each score to take.
func readScores(path string, take func(figure.Score)) error {
	if st, err := os.Stat(path); err != nil {
		return err
	} else if !st.Mode().IsRegular() {
		return fmt.Errorf("%s: is no regular file; name skill.csv of kiban climate evaluate", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, mostScoreLine)
	number := 0
	fail := func(err error) error {
		return fmt.Errorf("%s:%d: %w; is it skill.csv of kiban climate evaluate?", path, max(1, number), err)
	}
	for lines.Scan() {
		number++
		row, err := csv.NewReader(strings.NewReader(lines.Text())).Read()
		switch {
		case err == io.EOF: // an empty line
			continue
		case errors.As(err, new(*csv.ParseError)):
			return fail(errors.Unwrap(err))
		case err != nil:
			return fail(err)
		case number == 1:
			if !slices.Equal(row, skill.Columns) {
				return fail(fmt.Errorf("wanted the columns %s", strings.Join(skill.Columns, ",")))
			}
			continue
		case len(row) != len(skill.Columns):
			return fail(csv.ErrFieldCount)
		}
		s, err := readScore(row)
		if err != nil {
			return fail(err)
		}
		take(s)
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		number++
		return fail(fmt.Errorf("a line of more than %d bytes", mostScoreLine))
	} else if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if number < 2 {
		return fail(fmt.Errorf("wanted the columns %s, and rows", strings.Join(skill.Columns, ",")))
	}
	return nil
}

func readScore(row []string) (figure.Score, error) {
	var bad error
	number := func(column int, missing float64) float64 {
		if row[column] == "" {
			return missing
		}
		x, err := strconv.ParseFloat(row[column], 64)
		if err == nil && (math.IsNaN(x) || math.IsInf(x, 0)) {
			err = fmt.Errorf("%s is %s; wanted a finite number", skill.Columns[column], row[column])
		}
		bad = errors.Join(bad, err)
		return x
	}
	s := figure.Score{Model: row[0], Variable: row[1], Level: number(2, 0), Region: row[3], LeadHours: number(4, 0), Metric: row[5],
		Value: number(6, math.NaN()), Units: row[7], N: int(number(8, 0))}
	if bad == nil && (s.LeadHours < 0 || s.Level < 0) {
		bad = fmt.Errorf("a lead of %g hours at a level of %g hPa; wanted none below 0", s.LeadHours, s.Level)
	}
	return s, bad
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
