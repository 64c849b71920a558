package protein

import (
	"cmp"
	"fmt"
	"path/filepath"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/run"
	"github.com/kiban-models/kiban/core/train"
)

// dataState is data_state.json: what decides which tokens a step sees.
type dataState struct {
	Manifest string `json:"train_manifest_sha256"`
	Seed     uint64 `json:"seed"`
	Rows     int    `json:"batch_size"`
	Length   int    `json:"seq_len"`
	Accum    int    `json:"grad_accum"`
	Steps    int    `json:"steps"`
	Frozen   string `json:"frozen,omitempty"`
	Adapter  string `json:"adapter,omitempty"`
	Base     string `json:"base_sha256,omitempty"` // of the weights that adapters stand beside
}

func (s dataState) fields() []run.Field {
	return []run.Field{
		{Name: "training data (manifest hash)", Value: s.Manifest}, {Name: "seed", Value: s.Seed}, {Name: "batch size", Value: s.Rows},
		{Name: "sequence length", Value: s.Length}, {Name: "accumulation", Value: s.Accum}, {Name: "steps", Value: s.Steps},
		{Name: "frozen", Value: cmp.Or(s.Frozen, "nothing")}, {Name: "adapter", Value: cmp.Or(s.Adapter, "none")},
		{Name: "model (hash of its weights)", Value: s.Base},
	}
}

// findCheckpoint sets t.from to the checkpoint that the run is to go on from,
// after making sure that it is whole and belongs to this run.
func (t *Training) findCheckpoint() error {
	o := &t.opt
	dir, err := run.GoOn(t.directory(), o.Resume, t.state, dataState.fields)
	if err != nil || dir == "" {
		return err
	}
	if o.Config.LoRA != nil { // the state says all of an adapter
		t.from = dir
		return nil
	}
	model, err := checkpoint.OpenDir(dir)
	if err != nil {
		return err
	}
	defer model.Close()
	config, err := ParseConfig(filepath.Join(dir, "config.json"), model.Config())
	if err != nil {
		return err
	}
	if was, is := config.shape(), o.Config.shape(); was != is {
		return fmt.Errorf("%s: its model has %v; the run asks for %v; give the options of its config.yaml, or start a new run", dir, was, is)
	}
	t.from = dir
	return nil
}

// shape is what decides the sizes of the weights.
type shape struct{ layers, width, heads, vocab, context int }

func (c Config) shape() shape { return shape{c.Layers, c.Width, c.Heads, c.Vocab, c.Context} }

func (s shape) String() string {
	return fmt.Sprintf("%d layers of width %d with %d heads, a vocabulary of %d and a context of %d", s.layers, s.width, s.heads, s.vocab, s.context)
}

// LoadWeights puts the weights, fresh, given or of a checkpoint, and the
// moments of the latter. Run does it if it has not been done: a caller that
// does it first knows, before it says that a run has begun, that they fit.
func (t *Training) LoadWeights(b backend.Backend) error {
	if t.loaded {
		return nil
	}
	var err error
	t.progress, err = t.begin(b)
	t.loaded = err == nil
	return err
}

func (t *Training) begin(b backend.Backend) (train.Progress, error) {
	o := &t.opt
	var p train.Progress
	if t.from != "" {
		return t.directory().Restore(b, t.from, o.Optimizer.Steps, func(dir string) error { return t.restoreWeights(b, dir) })
	}
	if o.Config.LoRA != nil {
		if err := t.putBase(b); err != nil {
			return p, err
		}
		return p, t.beginAdapter(b)
	}
	if o.Source != nil {
		return p, checkpoint.Fill(b.Put, Specs(o.Config, o.Policy), o.Source, checkpoint.FillOptions{AllowExtra: AllowExtra})
	}
	return p, putFresh(b, nn.Fresh{Seed: o.Seed, Params: t.Plan.Declared()}, func(string) bool { return true })
}

// putFresh puts the parameters that are wanted.
func putFresh(b backend.Backend, fresh nn.Fresh, want func(name string) bool) error {
	for _, d := range fresh.Params {
		if !want(d.Name) {
			continue
		}
		x, err := fresh.Tensor(d.Name)
		if err == nil {
			err = b.Put(d.Name, x)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *Training) restoreWeights(b backend.Backend, dir string) error {
	if t.opt.Config.LoRA != nil {
		if err := t.putBase(b); err != nil {
			return err
		}
		a, err := OpenAdapter(dir)
		if err != nil {
			return err
		}
		defer a.Close()
		return checkpoint.Fill(b.Put, adapterSpecs(t.opt.Config), a.Weights, checkpoint.FillOptions{})
	}
	model, err := checkpoint.OpenDir(dir)
	if err != nil {
		return err
	}
	defer model.Close()
	return Load(model, t.opt.Config, t.opt.Policy, b.Put)
}
