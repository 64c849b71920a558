package relation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/core/train"
	"github.com/kiban-models/kiban/materials/corpus"
	"github.com/kiban-models/kiban/materials/task"
)

// words is the table that grows by the markers.
const words = "bert.embeddings.word_embeddings.weight"

// Start is what a model of relations begins with.
type Start struct {
	task.Start // Fresh is without the markers' embeddings, which are drawn too
	Reader
}

// Begin makes the start of an encoder: its vocabulary grows by the markers,
// whose embeddings are drawn like fresh ones, and it gets a classifier of
// pairs.
func Begin(m *task.Model, labels []string, pairs Candidates, seed uint64) (Start, error) {
	var s Start
	marked := *m
	var err error
	if marked.WordPiece, err = m.WordPiece.WithTokens(Markers...); err != nil {
		return s, fmt.Errorf("%s: %w", m.Path, err)
	}
	marked.Config.Vocab = max(m.Config.Vocab, marked.WordPiece.VocabSize())
	marked.About.Pairs = pairs
	if s.Reader, err = newReader(&marked); err != nil {
		return s, err
	}
	if s.Start, err = marked.Begin(task.Relation, task.Head{Kind: task.Pair, Labels: labels}, seed); err != nil {
		return s, err
	}
	s.Source = grown{s.Source, s.Config.Vocab, nn.Fresh{Seed: seed, Params: s.Config.Declared(nn.Policy{}, s.Head.Declare)}}
	return s, nil
}

// grown shows a source whose table of words has too few rows with more.
type grown struct {
	checkpoint.Lister
	rows  int
	fresh nn.Fresh
}

func (g grown) Spec(name string) (checkpoint.Spec, error) {
	s, err := g.Lister.Spec(name)
	if err == nil && name == words && len(s.Shape) == 2 && s.Shape[0] < g.rows {
		s.Shape = []int{g.rows, s.Shape[1]}
	}
	return s, err
}

func (g grown) Tensor(name string) (*tensor.Tensor, error) {
	x, err := g.Lister.Tensor(name)
	if err != nil || name != words || x.Shape()[0] >= g.rows {
		return x, err
	}
	all, err := g.fresh.Tensor(name)
	if err != nil {
		return nil, err
	}
	copy(all.Float32(), x.Convert(tensor.F32).Float32())
	return all, nil
}

// Reader makes rows of examples.
type Reader struct {
	encoder task.Encoder
	special Special
	length  int
}

func newReader(m *task.Model) (Reader, error) {
	w := m.WordPiece
	r := Reader{length: m.About.Length, special: Special{CLS: w.CLS(), SEP: w.SEP()}}
	for i, name := range Markers {
		id, ok := w.ID(name)
		if !ok {
			return r, fmt.Errorf("%s: the tokenizer has no %s; make a model by kiban materials finetune relation -m %s", m.Path, name, m.Path)
		}
		r.special.Markers[i] = id
	}
	var err error
	r.encoder, err = m.Encoder()
	return r, err
}

// Row returns the row of an example.
func (r Reader) Row(e Example) (task.Row, error) {
	row, err := e.Tokens(func(text string) []int32 {
		pieces := r.encoder.Encode(text)
		ids := make([]int32, len(pieces))
		for i, p := range pieces {
			ids[i] = p.ID
		}
		return ids
	}, r.special, r.length)
	return task.Row{IDs: row.IDs, Places: row.Places[:]}, err
}

// Labels returns the labels of examples in order.
func Labels(examples []Example) []string {
	labels := make([]string, len(examples))
	for i, e := range examples {
		labels[i] = e.Label
	}
	slices.Sort(labels)
	return slices.Compact(labels)
}

// Rows returns the rows to learn from, and how many examples are left out
// because they are too long for the model. A label that is none of labels is an
// error.
func (r Reader) Rows(examples []Example, labels []string) (rows []task.Row, long int, err error) {
	for _, e := range examples {
		row, err := r.Row(e)
		if errors.Is(err, ErrLong) {
			long++
			continue
		}
		if err != nil {
			return nil, 0, err
		}
		at := slices.Index(labels, e.Label)
		if at < 0 {
			return nil, 0, fmt.Errorf("%s: the relation %.60q is none of the model's %s; use documents with these, or train a model of its own", e.Doc, e.Label, task.Some(labels))
		}
		row.Labels = []int32{int32(at)}
		rows = append(rows, row)
	}
	return rows, long, nil
}

// Unrelated returns the number of rows whose label is None.
func Unrelated(rows []task.Row, labels []string) (n int) {
	for _, r := range rows {
		if labels[r.Labels[0]] == None {
			n++
		}
	}
	return n
}

// Scores evaluates a session over rows with labels, for the history: the
// macro-F1 decides, as published.
func Scores(ctx context.Context, s *task.Session, rows []task.Row, labels []string) (train.Evaluation, error) {
	e, err := task.EvaluateClasses(ctx, s, rows, labels)
	return train.Evaluation{Loss: e.Loss, By: "macro_f1", Scores: train.Scores{
		"macro_f1": e.Confusion.MacroF1(), "micro_f1": e.Confusion.MicroF1(None), "accuracy": e.Confusion.Accuracy(),
	}}, err
}

// Model finds relations between the entities of documents.
type Model struct {
	Path    string
	Labels  []string
	Pairs   Candidates
	session *task.Session
	Reader
}

// Open opens the model of a directory on a backend.
func Open(path string, b backend.Backend, p nn.Policy) (*Model, error) {
	x := &Model{Path: path}
	var err error
	x.session, err = task.OpenHead(path, task.Relation, b, p, func(m *task.Model, h task.Head) error {
		x.Labels = h.Labels
		about := filepath.Join(path, "kiban.json")
		raw, err := json.Marshal(m.About.Pairs)
		if err == nil {
			err = json.Unmarshal(raw, &x.Pairs)
		}
		if err != nil {
			return fmt.Errorf("%s: pairs: %w", about, err)
		}
		if len(x.Pairs.Pairs) == 0 {
			return fmt.Errorf("%s: has no \"pairs\", which say what can be related; a published classifier names the relation of given pairs alone: teach it the others by kiban materials finetune relation -m %s", about, path)
		}
		x.Reader, err = newReader(m)
		return err
	})
	return x, err
}

// Relate sets the relations of a document by its entities: of each pair that
// can be related, the label that is likeliest, unless that is None. Score is its
// probability. A pair that is too long for the model is left out; their number
// is returned.
func (m *Model) Relate(ctx context.Context, d *corpus.Annotated) (tooLong int, err error) {
	var rows []task.Row
	var pairs []Example
	for _, e := range m.Pairs.Of(*d) {
		row, err := m.Row(e)
		if errors.Is(err, ErrLong) {
			tooLong++
			continue
		}
		if err != nil {
			return tooLong, err
		}
		rows, pairs = append(rows, row), append(pairs, e)
	}
	found := make([]corpus.Relation, len(pairs))
	err = m.session.Run(ctx, rows, func(i int, scores [][]float32) error {
		p := task.Softmax(scores[0])
		best := task.Largest(p)
		found[i] = corpus.Relation{Label: m.Labels[best], Head: pairs[i].HeadAt, Tail: pairs[i].TailAt, Score: p[best]}
		return nil
	})
	if err != nil {
		return tooLong, err
	}
	d.Relations = slices.DeleteFunc(found, func(r corpus.Relation) bool { return r.Label == None })
	return tooLong, nil
}

// Close frees the programs.
func (m *Model) Close() error { return m.session.Close() }
