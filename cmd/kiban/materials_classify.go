package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/materials/abstract"
	"github.com/kiban-models/kiban/materials/corpus"
)

func classifyFlags() []cli.Flag {
	return append([]cli.Flag{
		&cli.IntFlag{Name: "top-k", Category: catOutput, Value: 1, Usage: "give the scores of the `K` likeliest classes; 0 gives all"},
		newChoice(&cli.StringFlag{Name: "format", Category: catOutput, Value: "jsonl", Usage: "form of the output"}, "jsonl", "tsv"),
	}, documentFlags()...)
}

// classified is a line of classify's output.
type classified struct {
	ID     string             `json:"id"`
	Label  string             `json:"label"`
	Score  float64            `json:"score"`
	Scores map[string]float64 `json:"scores,omitempty"`
}

// classifyTogether is the number of texts that are in memory at a time.
const classifyTogether = 512

func runClassify(c *cli.Context) error {
	names, err := inputs(c)
	if err != nil {
		return err
	}
	path, err := requireModel(c)
	if err != nil {
		return err
	}
	b, err := openBackend(c)
	if err != nil {
		return err
	}
	defer b.Close()
	p, err := policy(c.String("precision"), false, b)
	if err != nil {
		return err
	}
	m, err := abstract.Open(path, b, p)
	if err != nil {
		return err
	}
	defer m.Close()
	out, err := createOutput(c)
	if err != nil {
		return err
	}
	defer out.Abort()
	w := bufio.NewWriter(out)
	done, failed, err := classifyAll(c, m, names, w)
	if err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if err := out.Commit(); err != nil {
		return err
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d documents could not be read; the others are classified", failed, done+failed)
	}
	return nil
}

func classifyAll(c *cli.Context, m *abstract.Model, names []string, w io.Writer) (done, failed int, err error) {
	bar := newProgress(c, "classifying", 0).Unit("text")
	defer bar.Done()
	if c.String("format") == "tsv" {
		fmt.Fprintln(w, "id\tlabel\tscore")
	}
	var together []corpus.Document
	flush := func() error {
		texts := make([]string, len(together))
		for i, d := range together {
			texts[i] = d.Text
			if d.Title != "" && !strings.HasPrefix(d.Text, d.Title) {
				texts[i] = d.Title + ". " + d.Text
			}
		}
		p, err := m.Classify(c.Context, texts)
		if err != nil {
			return err
		}
		for i, d := range together {
			if err := writeClassified(c, w, d.ID, m.Labels, p[i]); err != nil {
				return err
			}
		}
		done += len(together)
		bar.Update(int64(done))
		together = together[:0]
		return nil
	}
	told := newTold(c)
	defer told.rest()
	limit := c.Int("limit")
	o, err := documentOptions(c)
	if err != nil {
		return 0, 0, err
	}
	for d, err := range corpus.Files(names, o) {
		if err != nil {
			told.skip(err)
			continue
		}
		told.warnings(d.Warnings)
		if limit > 0 && done+len(together) == limit {
			break
		}
		if together = append(together, d); len(together) == classifyTogether {
			if err := flush(); err != nil {
				return done, told.skipped, err
			}
		}
	}
	err = flush()
	return done, told.skipped, err
}

func writeClassified(c *cli.Context, w io.Writer, id string, labels []string, p []float64) error {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case p[a] > p[b]:
			return -1
		case p[a] < p[b]:
			return 1
		}
		return 0
	})
	x := classified{ID: id, Label: labels[order[0]], Score: p[order[0]]}
	if c.String("format") == "tsv" {
		_, err := fmt.Fprintf(w, "%s\t%s\t%.6g\n", strings.ReplaceAll(id, "\t", " "), x.Label, x.Score)
		return err
	}
	if k := c.Int("top-k"); k != 1 {
		x.Scores = map[string]float64{}
		for i, at := range order {
			if k <= 0 || i < k {
				x.Scores[labels[at]] = p[at]
			}
		}
	}
	line, err := json.Marshal(x)
	if err != nil {
		return err
	}
	_, err = w.Write(append(line, '\n'))
	return err
}
