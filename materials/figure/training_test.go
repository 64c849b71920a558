package figure_test

import (
	"bytes"
	"math"
	"testing"

	corefigure "github.com/kiban-models/kiban/core/figure"
	"github.com/kiban-models/kiban/materials/figure"
)

func TestTraining(t *testing.T) {
	var h figure.History
	for i := range 250 {
		x := float64(10 * (i + 1))
		h.Step, h.Loss = append(h.Step, x), append(h.Loss, 2+5*math.Exp(-x/500)+0.3*float64(i%2))
		h.Rate, h.Speed = append(h.Rate, 1e-4*(1-x/2500)), append(h.Speed, 4000+x)
	}
	h.Loss[17] = math.Inf(1)
	h.EvalStep, h.EvalLoss = []float64{1000, 2000}, []float64{3, 2.4}
	for name, draw := range map[string]func() (*corefigure.Figure, error){
		"Loss (nats per masked token)": func() (*corefigure.Figure, error) {
			return figure.Loss(h, corefigure.Baseline{Name: "unigram", Value: 6.2})
		},
		"Learning rate":                  func() (*corefigure.Figure, error) { return figure.LearningRate(h) },
		"Throughput (tokens per second)": func() (*corefigure.Figure, error) { return figure.Throughput(h) },
	} {
		f, err := draw()
		if err != nil {
			t.Fatal(err)
		}
		svg, err := f.SVG(corefigure.Double)
		if err != nil || !bytes.Contains(svg, []byte(name)) {
			t.Errorf("%s: not in the picture, %v", name, err)
		}
		table, err := f.CSV()
		if err != nil || bytes.Count(table, []byte("\n")) < 251 {
			t.Errorf("%s: the table has %d lines, %v", name, bytes.Count(table, []byte("\n")), err)
		}
	}
	if f, err := figure.Loss(h); err != nil || f.Subtitle != "training: mean of 2 log lines" {
		t.Errorf("the subtitle does not tell of the mean: %v", err)
	}
	h.Rate = h.Rate[1:]
	if _, err := figure.LearningRate(h); err == nil {
		t.Error("fewer rates than steps were drawn")
	}
}
