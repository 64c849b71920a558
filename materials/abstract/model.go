package abstract

import (
	"context"
	"fmt"
	"slices"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/train"
	"github.com/kiban-models/kiban/materials/task"
)

// Example is a text with its class.
type Example struct {
	ID    string
	Where string // file and line, for errors
	Text  string
	Label string
}

// Labels returns the classes of examples in order.
func Labels(examples []Example) []string {
	labels := make([]string, len(examples))
	for i, e := range examples {
		labels[i] = e.Label
	}
	slices.Sort(labels)
	return slices.Compact(labels)
}

// Start is what a classifier begins with.
type Start struct {
	task.Start
	Reader
}

// Begin makes the start of an encoder, which gets a classifier, and a pooler if
// it has none.
func Begin(m *task.Model, labels []string, seed uint64) (Start, error) {
	var s Start
	if len(labels) < 2 {
		return s, fmt.Errorf("all texts are of one class, %s; there is nothing to learn from them", task.Some(labels))
	}
	var err error
	if s.Reader, err = newReader(m); err != nil {
		return s, err
	}
	s.Start, err = m.Begin(task.Abstract, task.Head{Kind: task.Text, Labels: labels}, seed)
	return s, err
}

// Reader makes rows of texts.
type Reader struct {
	encoder  task.Encoder
	cls, sep int32
	length   int
}

func newReader(m *task.Model) (Reader, error) {
	e, err := m.Encoder()
	return Reader{e, m.WordPiece.CLS(), m.WordPiece.SEP(), m.About.Length}, err
}

// Row returns the row of a text, and whether its end was cut off, as published,
// because it is longer than the model.
func (r Reader) Row(text string) (row task.Row, cut bool) {
	pieces := r.encoder.Encode(text)
	if room := r.length - 2; len(pieces) > room {
		pieces, cut = pieces[:room], true
	}
	row.IDs = append(row.IDs, r.cls)
	for _, p := range pieces {
		row.IDs = append(row.IDs, p.ID)
	}
	row.IDs = append(row.IDs, r.sep)
	return row, cut
}

// Rows returns the rows to learn from, and how many texts were cut. A class
// that is none of labels is an error.
func (r Reader) Rows(examples []Example, labels []string) (rows []task.Row, cut int, err error) {
	for _, e := range examples {
		row, short := r.Row(e.Text)
		at := slices.Index(labels, e.Label)
		if at < 0 {
			return nil, 0, fmt.Errorf("%s: the class %.60q is none of the model's %s; use a file with these, or train a model of its own", e.Where, e.Label, task.Some(labels))
		}
		row.Labels = []int32{int32(at)}
		rows = append(rows, row)
		if short {
			cut++
		}
	}
	return rows, cut, nil
}

// Scores evaluates a session over rows with labels, for the history: the
// accuracy decides, as published.
func Scores(ctx context.Context, s *task.Session, rows []task.Row, labels []string) (train.Evaluation, error) {
	e, err := task.EvaluateClasses(ctx, s, rows, labels)
	return train.Evaluation{Loss: e.Loss, By: "accuracy", Scores: train.Scores{
		"accuracy": e.Confusion.Accuracy(), "macro_f1": e.Confusion.MacroF1(),
	}}, err
}

// Model classifies texts.
type Model struct {
	Path    string
	Labels  []string
	session *task.Session
	Reader
}

// Open opens the model of a directory on a backend.
func Open(path string, b backend.Backend, p nn.Policy) (*Model, error) {
	x := &Model{Path: path}
	var err error
	x.session, err = task.OpenHead(path, task.Abstract, b, p, func(m *task.Model, h task.Head) error {
		x.Labels = h.Labels
		x.Reader, err = newReader(m)
		return err
	})
	return x, err
}

// Classify returns the probability of each class for each text. What it says
// of one does not depend on the others.
func (m *Model) Classify(ctx context.Context, texts []string) ([][]float64, error) {
	rows := make([]task.Row, len(texts))
	for i, t := range texts {
		rows[i], _ = m.Row(t)
	}
	out := make([][]float64, len(texts))
	err := m.session.Run(ctx, rows, func(i int, scores [][]float32) error {
		out[i] = task.Softmax(scores[0])
		return nil
	})
	return out, err
}

// Close frees the programs.
func (m *Model) Close() error { return m.session.Close() }
