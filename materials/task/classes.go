package task

import (
	"context"
	"math"
	"slices"

	"github.com/kiban-models/kiban/core/metric"
)

// Classes is what a classifier of texts or pairs comes to on rows whose labels
// are known.
type Classes struct {
	Loss        float64 // nats a row
	Confusion   *metric.Confusion
	Calibration metric.Calibration
	// Found is the class of each row, with its probability.
	Found       []int
	Probability []float64
}

// EvaluateClasses runs a session over rows with labels.
func EvaluateClasses(ctx context.Context, s *Session, rows []Row, labels []string) (Classes, error) {
	e := Classes{Confusion: metric.NewConfusion(labels), Found: make([]int, len(rows)), Probability: make([]float64, len(rows))}
	loss := make([]float64, len(rows)) // added up in the order of the rows
	err := s.Run(ctx, rows, func(i int, scores [][]float32) error {
		p := Softmax(scores[0])
		best, gold := Largest(p), int(rows[i].Labels[0])
		loss[i] = -math.Log(max(p[gold], 1e-300))
		e.Found[i], e.Probability[i] = best, p[best]
		e.Calibration.Add(p[best], best == gold)
		return e.Confusion.Add(gold, best)
	})
	for _, l := range loss {
		e.Loss += l / float64(len(rows))
	}
	return e, err
}

// Softmax returns the probabilities of classes.
func Softmax(scores []float32) []float64 {
	top, sum := slices.Max(scores), 0.0
	p := make([]float64, len(scores))
	for i, x := range scores {
		p[i] = math.Exp(float64(x - top))
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
	return p
}

// Largest returns the number of the largest, the first of equal ones.
func Largest(p []float64) int {
	at := 0
	for i, x := range p {
		if x > p[at] {
			at = i
		}
	}
	return at
}
