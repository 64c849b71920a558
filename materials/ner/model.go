package ner

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/crf"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/run"
	"github.com/kiban-models/kiban/core/train"
	"github.com/kiban-models/kiban/materials/corpus"
	"github.com/kiban-models/kiban/materials/encoder"
	"github.com/kiban-models/kiban/materials/task"
)

// Start is what a model of entities begins with.
type Start struct {
	task.Start
	Reader
}

// Begin makes the start of an encoder, which gets a head for the labels. A model
// that labels words already goes on with its head, whose labels must be the
// same in any order, unless it is to have a new one.
func Begin(m *task.Model, labels []string, head task.Kind, newHead bool, seed uint64) (Start, error) {
	var s Start
	if m.About.Task == task.NER && !newHead {
		had := m.Config.Labels()
		if !sameLabels(had, labels) {
			return s, fmt.Errorf("%s: the model's labels are %s; those of the data %s; use data with the model's labels, or give --new-head to train a head of its own",
				m.Path, task.Some(had), task.Some(labels))
		}
		labels = had
	}
	if len(labels) < 2 {
		return s, fmt.Errorf("no word of the data has another tag than %s; mark entities in it", task.Some(labels))
	}
	if _, err := NewDecoder(labels, nil); err != nil {
		return s, err
	}
	var err error
	if s.Reader, err = newReader(m); err != nil {
		return s, err
	}
	s.Start, err = m.Begin(task.NER, task.Head{Kind: head, Labels: labels}, seed)
	return s, err
}

func sameLabels(a, b []string) bool {
	x, y := slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(x, y)
}

// Reader makes rows of sentences.
type Reader struct {
	Tokenizer Tokenizer
	Frame     Frame
}

// stride is that of windows unless another is asked for, in tokens; of rows too
// short for it a quarter of what they hold.
const stride = 128

func newReader(m *task.Model) (Reader, error) {
	e, err := m.Encoder()
	return Reader{e, NewFrame(m.WordPiece.CLS(), m.WordPiece.SEP(), m.About.Length)}, err
}

// NewFrame returns the frame of rows of at most length tokens.
func NewFrame(cls, sep int32, length int) Frame {
	return Frame{CLS: cls, SEP: sep, Length: length, Stride: min(stride, (length-2)/4)}
}

// Shorten makes rows of at most n tokens.
func (r *Reader) Shorten(n int) { r.Frame = NewFrame(r.Frame.CLS, r.Frame.SEP, min(n, r.Frame.Length)) }

// Rows returns the rows to learn from: the sentences, those that are too long
// for the model in parts. A tag that is none of labels is an error; file names
// the sentences' in it. cut is the number of sentences in parts.
func (r Reader) Rows(file string, sentences []corpus.Tagged, labels []string) (rows []task.Row, cut int, err error) {
	moves, err := crf.NewMoves(labels)
	if err != nil {
		return nil, 0, err
	}
	for _, s := range sentences {
		numbers, err := Numbers(file, s, labels)
		if err != nil {
			return nil, 0, err
		}
		windows := Windows(r.Tokenizer, r.Frame, s.Words, numbers)
		if len(windows) > 1 {
			cut++
		}
		for _, w := range windows {
			beginAnew(w.Row.Labels, labels, moves)
			rows = append(rows, w.Row)
		}
	}
	return rows, cut, nil
}

// beginAnew makes B of an I whose entity has no word before it in the row: that
// is in the row before, or has no piece.
func beginAnew(row []int32, labels []string, moves *crf.Moves) {
	for i, l := range row {
		if i == 0 && moves.Begin(int(l)) || i > 0 && moves.Follow(int(row[i-1]), int(l)) {
			continue
		}
		if at := slices.Index(labels, "B"+labels[l][1:]); at >= 0 {
			row[i] = int32(at)
		}
	}
}

// Tagger returns a tagger over a session, whose backend has the weights as they
// are now.
func (r Reader) Tagger(b backend.Backend, s *task.Session, h task.Head) (*Tagger, error) {
	var chain *crf.Weights
	if h.Kind == task.Chain {
		w, err := task.ChainWeights(run.Weights(b))
		if err != nil {
			return nil, err
		}
		chain = &w
	}
	d, err := NewDecoder(h.Labels, chain)
	return &Tagger{Tokenizer: r.Tokenizer, Frame: r.Frame, Session: s, Decoder: d}, err
}

// Scores evaluates a session over sentences, for the history.
func (r Reader) Scores(ctx context.Context, b backend.Backend, s *task.Session, h task.Head, sentences []corpus.Tagged, numbers [][]int32) (train.Evaluation, error) {
	t, err := r.Tagger(b, s, h)
	if err != nil {
		return train.Evaluation{}, err
	}
	e, err := t.Evaluate(ctx, sentences, numbers)
	return e.Scores(), err
}

// Model finds the entities of sentences.
type Model struct {
	*Tagger
	Path   string
	Labels []string
	Head   task.Head
	About  task.About
	Config encoder.Config
}

// Open opens the model of a directory on a backend: one of Kiban's or one of
// transformers' BertForTokenClassification.
func Open(path string, b backend.Backend, p nn.Policy) (*Model, error) {
	x := &Model{Path: path}
	var r Reader
	session, err := task.OpenHead(path, task.NER, b, p, func(m *task.Model, h task.Head) error {
		x.Labels, x.Head, x.About, x.Config = h.Labels, h, m.About, m.Config
		if strings.HasPrefix(h.Labels[0], "LABEL_") {
			return fmt.Errorf("%s: the labels are %s and so on, which mean nothing; write the names, such as B-MAT, into id2label and label2id of config.json", path, h.Labels[0])
		}
		var err error
		r, err = newReader(m)
		return err
	})
	if err != nil {
		return nil, err
	}
	if x.Tagger, err = r.Tagger(b, session, x.Head); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return x, nil
}

// Types returns the types of entities that the model knows.
func (m *Model) Types() []string {
	var types []string
	for _, l := range m.Labels {
		if t, ok := strings.CutPrefix(l, "B-"); ok {
			types = append(types, t)
		}
	}
	slices.Sort(types)
	return types
}

// Close frees the programs.
func (m *Model) Close() error { return m.Session.Close() }
