package task

import (
	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/token"
	"github.com/kiban-models/kiban/materials/encoder"
)

// Start is what the training of a head begins with.
type Start struct {
	Config    encoder.Config
	WordPiece *token.WordPiece
	Head      Head
	About     About
	Source    checkpoint.Lister
	Fresh     []string // the parameters that were drawn
}

// Begin makes the start of a model, which gets a head for a task. What the
// directory does not have of it is drawn with the seed.
func (m *Model) Begin(task string, h Head, seed uint64) (Start, error) {
	s := Start{Config: m.Config.WithLabels(h.Architecture(), h.Labels), WordPiece: m.WordPiece, Head: h, About: m.About}
	s.About.Task, s.About.Head = task, h.Kind
	var err error
	s.Source, s.Fresh, err = m.Source(s.Config.Declared(nn.Policy{}, h.Declare), seed)
	return s, err
}

// OpenHead opens the model of a directory for a task and puts its weights on a
// backend. read makes of it, before that, what reads texts for it; the model is
// closed when OpenHead returns.
func OpenHead(path, task string, b backend.Backend, p nn.Policy, read func(m *Model, h Head) error) (*Session, error) {
	m, err := OpenModel(path)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	h, err := m.Head(task)
	if err == nil {
		err = read(m, h)
	}
	if err == nil {
		err = m.Load(b, h, p)
	}
	if err != nil {
		return nil, err
	}
	return NewSession(b, h, m.Config, p), nil
}
