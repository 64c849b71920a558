package protein

import (
	"cmp"
	"fmt"
	"path/filepath"
	"strings"

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

// differs names the fields that are not the same.
func (s dataState) differs(o dataState) string {
	var all []string
	for _, f := range []struct {
		name string
		a, b any
	}{
		{"training data (manifest hash)", s.Manifest, o.Manifest}, {"seed", s.Seed, o.Seed}, {"batch size", s.Rows, o.Rows},
		{"sequence length", s.Length, o.Length}, {"accumulation", s.Accum, o.Accum}, {"steps", s.Steps, o.Steps},
		{"frozen", cmp.Or(s.Frozen, "nothing"), cmp.Or(o.Frozen, "nothing")},
		{"adapter", cmp.Or(s.Adapter, "none"), cmp.Or(o.Adapter, "none")}, {"model (hash of its weights)", s.Base, o.Base},
	} {
		if f.a != f.b {
			all = append(all, fmt.Sprintf("%s was %v, is %v", f.name, f.a, f.b))
		}
	}
	return strings.Join(all, ", ")
}

// findCheckpoint sets t.from to the checkpoint that the run is to go on from,
// after making sure that it is whole and belongs to this run.
func (t *Training) findCheckpoint() error {
	o := &t.opt
	var state dataState
	dir, err := t.directory().Find(o.Resume, &state)
	if err != nil || dir == "" {
		return err
	}
	if state != t.state {
		return fmt.Errorf("%s: cannot go on from it with other data or batches: %s; give the options of its config.yaml, or start a new run", dir, state.differs(t.state))
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
		return t.restore(b, t.from)
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

// restore puts a checkpoint.
func (t *Training) restore(b backend.Backend, dir string) (train.Progress, error) {
	p, err := run.ReadProgress(dir, t.opt.Optimizer.Steps)
	if err != nil {
		return p, err
	}
	if err := t.restoreWeights(b, dir); err != nil {
		return p, err
	}
	return p, t.directory().RestoreMoments(b, dir)
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
