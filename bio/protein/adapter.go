package protein

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/lora"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/run"
	"github.com/kiban-models/kiban/core/tensor"
)

// AdapterDir is the directory within a run's that holds the adapter. Beside a
// merged model it would be taken for one to be added once more.
const AdapterDir = "adapter"

// DefaultTargets are the layers that peft adapts in GPT-2.
var DefaultTargets = []string{"c_attn"}

// OpenAdapter opens a peft adapter of a model whose layers are GPT-2's: stored
// [in, out], whatever adapter_config.json says, and named with or without the
// "transformer." prefix.
func OpenAdapter(dir string) (*lora.Adapter, error) {
	a, err := lora.Open(dir)
	if err != nil {
		return nil, err
	}
	a.FanInOut = true
	a.Weights, err = checkpoint.Rename(a.Weights, func(name string) string {
		return "transformer." + strings.TrimPrefix(name, "transformer.")
	})
	if err != nil {
		a.Close()
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return a, nil
}

// CheckBase reports that an adapter was trained on other weights than those of
// base, if its directory has the kiban.json that says on which.
func CheckBase(adapter string, base checkpoint.Lister) error {
	path := filepath.Join(adapter, "kiban.json")
	var about struct {
		Base string `json:"base_sha256"`
	}
	if err := run.ReadJSON(path, &about); errors.Is(err, os.ErrNotExist) || err == nil && about.Base == "" {
		return nil // peft's own
	} else if err != nil {
		return err
	}
	sum, err := checkpoint.Hash(base)
	if err == nil && sum != about.Base {
		err = fmt.Errorf("%s: the adapter was trained on other weights (SHA-256 %.12s…) than this model's (%.12s…); give the model that it belongs to", path, about.Base, sum)
	}
	return err
}

// LoadAdapted is Load with an adapter merged into the weights, in f32, before
// they are converted.
func LoadAdapted(dir *checkpoint.Dir, a *lora.Adapter, c Config, p nn.Policy, put func(string, *tensor.Tensor) error) error {
	src, err := Weights(dir)
	if err != nil {
		return err
	}
	if src, err = lora.Merge(src, a); err != nil {
		return err
	}
	if err := fill(put, src, c, p); err != nil {
		return fmt.Errorf("%s with %s: %w", dir.Path(), a.Path(), err)
	}
	return nil
}

// base is the model without adapters.
func (c Config) base() Config {
	c.LoRA = nil
	return c
}

// adapterSpecs lists the parameters of the adapters.
func adapterSpecs(c Config) []checkpoint.Spec {
	return slices.DeleteFunc(Specs(c, nn.Policy{}), func(s checkpoint.Spec) bool {
		_, ok := nn.AdaptedLayer(s.Name)
		return !ok
	})
}

// adapterState says for a checkpoint what is adapted.
func adapterState(l *nn.LoRA) string {
	if l == nil {
		return ""
	}
	return fmt.Sprintf("rank %d, factor %g, %s", l.Rank, l.Factor(), strings.Join(l.Targets, " "))
}

// checkAdapter prepares a run that trains adapters.
func (o *TrainingOptions) checkAdapter() error {
	l := o.Config.LoRA
	switch {
	case l == nil && o.Adapter != nil:
		return errors.New("protein: an adapter to begin with, for a run that trains none")
	case l == nil:
		return nil
	case o.Source == nil:
		return errors.New("protein: adapters are trained beside the weights of a model; name one")
	case o.Freeze != Freeze{}:
		return fmt.Errorf("protein: adapters train and all else is frozen anyway, not only %v; leave it out", o.Freeze)
	}
	return l.Validate(o.Config.Declared(o.Policy))
}

// beginAdapter puts the weights that adapters begin with: fresh ones, or given.
func (t *Training) beginAdapter(b backend.Backend) error {
	o := &t.opt
	if o.Adapter != nil {
		return checkpoint.Fill(b.Put, adapterSpecs(o.Config), o.Adapter, checkpoint.FillOptions{})
	}
	return putFresh(b, nn.Fresh{Seed: o.Seed, Params: o.Config.Declared(o.Policy)}, func(name string) bool {
		_, ok := nn.AdaptedLayer(name)
		return ok
	})
}

// putBase puts the weights that adapters stand beside.
func (t *Training) putBase(b backend.Backend) error {
	o := &t.opt
	return checkpoint.Fill(b.Put, Specs(o.Config.base(), o.Policy), o.Source, checkpoint.FillOptions{AllowExtra: AllowExtra})
}

// writeAdapter writes the adapter's two files.
func (t *Training) writeAdapter(weights checkpoint.Source, dir string) error {
	o := &t.opt
	c := lora.Config{LoRA: *o.Config.LoRA, Base: o.Base, Task: "CAUSAL_LM", FanInOut: true}
	return lora.Write(dir, c, o.Config.Declared(o.Policy), weights)
}

// finishAdapter leaves the adapter in the run directory and, unless the caller
// does not want it, the model with the adapter merged in.
func (t *Training) finishAdapter(b backend.Backend) error {
	o := &t.opt
	dir := filepath.Join(o.Dir, AdapterDir)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	if err := t.writeAdapter(run.Weights(b), dir); err != nil {
		return err
	}
	if err := run.WriteJSON(filepath.Join(dir, "kiban.json"), map[string]any{"format": 1, "base_sha256": t.state.Base}); err != nil {
		return err
	}
	if o.NoMerge {
		return nil
	}
	a, err := OpenAdapter(dir)
	if err != nil {
		return err
	}
	defer a.Close()
	merged, err := lora.Merge(o.Source, a)
	if err != nil {
		return err
	}
	return Save(o.Dir, o.Config.base(), merged)
}

// WriteMerged writes a model with an adapter merged in into dir, which exists:
// configuration, weights and tokenizer. Weights are read, merged in f32 and
// written one at a time, in the types of base, or all as *as if that is given.
func WriteMerged(dir string, base *checkpoint.Dir, a *lora.Adapter, as *tensor.DType) error {
	config, err := ParseConfig(filepath.Join(base.Path(), "config.json"), base.Config())
	if err != nil {
		return err
	}
	src, err := Weights(base)
	if err != nil {
		return err
	}
	merged, err := lora.Merge(src, a)
	if err != nil {
		return err
	}
	specs := Specs(config, nn.Policy{})
	for i, s := range specs {
		stored, err := src.Spec(s.Name)
		if err != nil {
			return fmt.Errorf("%s: %w", base.Path(), err)
		}
		if specs[i].DType = stored.DType; as != nil {
			specs[i].DType = *as
		}
		config.TorchDType = torchNames[specs[i].DType]
	}
	if err := checkpoint.Write(filepath.Join(dir, "model.safetensors"), specs, merged, map[string]string{"format": "pt"}); err != nil {
		return err
	}
	if err := writeConfig(dir, config); err != nil {
		return err
	}
	return copyTokenizer(base.Path(), dir)
}

// torchNames are torch's names of the types that weights have.
var torchNames = map[tensor.DType]string{tensor.F32: "float32", tensor.BF16: "bfloat16", tensor.F16: "float16", tensor.F64: "float64"}
