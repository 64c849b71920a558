package task

import (
	"context"
	"errors"

	"github.com/kiban-models/kiban/climate/forecast"
	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/train"
)

// shape is the program that a batch is for: so many examples, each of the records
// that the model sees at once.
type shape struct{ samples, variables, patches int }

// network is a model as it is computed: with adapters beside it, or not.
type network struct {
	config forecast.Config
	lora   *nn.LoRA
}

// build declares the model over inputs of a shape and returns what it makes.
func (n network) build(s nn.Scope, sh shape, dropout bool) *graph.Node {
	in := forecast.Declare(s.Graph, n.config, sh.samples*max(1, n.config.History), sh.variables, sh.patches, dropout && n.drops())
	if n.lora != nil {
		s.LoRA = n.lora
		if n.lora.Dropout > 0 {
			s.AdapterSeed = in.Seed
		}
	}
	if n.config.IsProjector() {
		return forecast.NewProjection(s, n.config).Forward(in)
	}
	return forecast.New(s, n.config).Forward(in)
}

// drops tells whether training needs a seed.
func (n network) drops() bool { return n.config.Drops() || n.lora != nil && n.lora.Dropout > 0 }

// declared are the parameters, those of adapters among them.
func (n network) declared(p nn.Policy) []nn.Declared {
	s := nn.NewScope(graph.New(), p)
	n.build(s, shape{1, 1, 1}, false)
	return s.Declared()
}

// compile plans a pass without targets; its output is "forecast".
func (n network) compile(lim plan.Limits, p nn.Policy, sh shape, dropout bool) (*plan.Program, error) {
	g := graph.New()
	out := n.build(nn.NewScope(g, p), sh, dropout)
	return plan.Compile(g, lim, plan.Options{}, map[string]*graph.Node{"forecast": out})
}

// runner runs passes of one shape.
type runner struct {
	batch   *forecast.Batch
	run     backend.Runner
	out     []int32
	samples int
	made    []float32
	seed    train.Seed
}

func newRunner(b backend.Backend, n network, p nn.Policy, samples int, variables, out, patches []int32, dropout bool) (*runner, error) {
	if !dropout {
		n.config = n.config.WithoutDropout()
	}
	program, err := n.compile(b.Limits(), p, shape{samples, len(variables), len(patches)}, dropout)
	if err != nil {
		return nil, err
	}
	r := &runner{out: out, samples: samples}
	if r.batch, err = forecast.NewBatch(n.config, samples*max(1, n.config.History), variables, patches); err != nil {
		return nil, err
	}
	r.run, err = b.Load(program)
	return r, err
}

// pass runs the model on what the batch holds. A seed is for dropout.
func (r *runner) pass(ctx context.Context, seed *[2]uint64) error {
	if seed != nil {
		if err := r.seed.Write(r.run, int64(seed[0]), seed[1]); err != nil {
			return err
		}
	}
	if err := errors.Join(r.batch.Write(r.run), r.run.Run(ctx)); err != nil {
		return err
	}
	x, err := r.run.Read("forecast")
	if err != nil {
		return err
	}
	r.made = x.Float32()
	return nil
}

// field is the forecast of sample i, normalised; NaN outside the patches.
func (r *runner) field(i int) []float32 { return r.batch.Field(i, r.made, r.out) }

func (r *runner) close() error { return r.run.Close() }
