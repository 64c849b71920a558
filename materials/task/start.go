package task

import (
	"fmt"
	"strings"

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
	if err := s.Config.CheckLabels(); err != nil {
		return s, fmt.Errorf("the labels of the data: %w", err)
	}
	var err error
	s.Source, s.Fresh, err = m.Source(s.Config.Declared(nn.Policy{}, h.Declare), seed)
	return s, err
}

// Some lists labels in an error: the first of many.
func Some(labels []string) string {
	const most = 40
	var all []string
	for _, l := range labels[:min(len(labels), most)] {
		all = append(all, fmt.Sprintf("%.40s", l))
	}
	if n := len(labels) - most; n > 0 {
		all = append(all, fmt.Sprintf("and %d more", n))
	}
	return strings.Join(all, ", ")
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
