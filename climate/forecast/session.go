package forecast

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/plan"
)

// Session runs a model over batches, keeping its last program.
//
// A Session is for one goroutine.
type Session struct {
	b      backend.Backend
	config Config
	policy nn.Policy
	runner backend.Runner
	shape  [3]int // of the runner: samples, variables, patches
}

// NewSession returns a session over a backend that has the parameters of a
// model.
func NewSession(b backend.Backend, c Config, p nn.Policy) *Session {
	return &Session{b: b, config: c.WithoutDropout(), policy: p}
}

// Compile plans the program of a batch of so many samples (years, of a
// projector), variables and patches; the output is "forecast".
func (s *Session) Compile(lim plan.Limits, samples, variables, patches int) (*plan.Program, error) {
	g := graph.New()
	scope := nn.NewScope(g, s.policy)
	in := Declare(g, s.config, samples, variables, patches, false)
	var out *graph.Node
	if s.config.IsProjector() {
		out = NewProjection(scope, s.config).Forward(in)
	} else {
		out = New(scope, s.config).Forward(in)
	}
	return plan.Compile(g, lim, plan.Options{}, map[string]*graph.Node{"forecast": out})
}

// Request is a batch of fields, [variables][rows][columns] normalised, each
// with its lead time; a projector's are the years of one history after another.
type Request struct {
	Variables []int32 // their numbers, see Config.IDs
	Out       []int32 // what is forecast; of a projector nothing, it makes one
	Patches   []int32 // nil for the whole grid; see Config.Region
	Fields    [][]float32
	LeadHours []float64 // one for each field
}

// Run returns the forecasts [out][rows][columns], one for each field or
// history, normalised; NaN outside the patches. missing counts the values of
// the fields that were not there and taken as 0.
func (s *Session) Run(ctx context.Context, r Request) (fields [][]float32, missing int, err error) {
	if r.Patches == nil {
		r.Patches = s.config.All()
	}
	if len(r.LeadHours) != len(r.Fields) {
		return nil, 0, fmt.Errorf("forecast: %d lead times for %d fields", len(r.LeadHours), len(r.Fields))
	}
	b, err := NewBatch(s.config, len(r.Fields), r.Variables, r.Patches)
	if err != nil {
		return nil, 0, err
	}
	for _, v := range r.Out {
		if v < 0 || int(v) >= len(s.config.Variables) {
			return nil, 0, fmt.Errorf("forecast: variable %d of a model that has %d", v, len(s.config.Variables))
		}
	}
	for i, f := range r.Fields {
		n, err := b.SetField(i, f, r.LeadHours[i])
		if err != nil {
			return nil, 0, err
		}
		missing += n
	}
	if err := s.load([3]int{len(r.Fields), len(r.Variables), len(r.Patches)}); err != nil {
		return nil, 0, err
	}
	if err := errors.Join(b.Write(s.runner), s.runner.Run(ctx)); err != nil {
		return nil, 0, err
	}
	x, err := s.runner.Read("forecast")
	if err != nil {
		return nil, 0, err
	}
	results := len(r.Fields)
	if s.config.IsProjector() {
		results /= s.config.History
	}
	for i := range results {
		fields = append(fields, b.Field(i, x.Float32(), slices.Clone(r.Out)))
	}
	return fields, missing, nil
}

func (s *Session) load(shape [3]int) error {
	if s.runner != nil && s.shape == shape {
		return nil
	}
	if err := s.Close(); err != nil {
		return err
	}
	p, err := s.Compile(s.b.Limits(), shape[0], shape[1], shape[2])
	if err != nil {
		return err
	}
	s.runner, err = s.b.Load(p)
	s.shape = shape
	return err
}

// Close frees the program.
func (s *Session) Close() error {
	if s.runner == nil {
		return nil
	}
	err := s.runner.Close()
	s.runner = nil
	return err
}
