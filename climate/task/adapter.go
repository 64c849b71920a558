package task

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kiban-models/kiban/climate/forecast"
	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/lora"
	"github.com/kiban-models/kiban/core/nn"
)

// AdapterDir is the directory within a run's, and a checkpoint's, that holds an
// adapter. The weights beside it have it merged in.
const AdapterDir = "adapter"

// DefaultTargets are the layers that get adapters: the attention of the blocks.
var DefaultTargets = []string{"attn.qkv", "attn.proj"}

// beside are the parameters that train in full beside adapters: those that say
// what the variables are, in and out, and those of years.
func beside(name string) bool {
	return strings.HasPrefix(name, "net.token_embeds.") || strings.HasPrefix(name, "net.head.") || name == "net.var_embed" || strings.HasPrefix(name, "net.time_")
}

// listed is a Lister of declared parameters that a source has.
type listed struct {
	checkpoint.Source
	declared []nn.Declared
}

func (l listed) Names() []string {
	var names []string
	for _, d := range l.declared {
		names = append(names, d.Name)
	}
	slices.Sort(names)
	return names
}

func (l listed) Spec(name string) (checkpoint.Spec, error) {
	for _, d := range l.declared {
		if d.Name == name {
			return checkpoint.Spec{Name: name, DType: d.DType, Shape: d.Shape}, nil
		}
	}
	return checkpoint.Spec{}, fmt.Errorf("task: no parameter %q", name)
}

// writeAdapted writes the adapter into its directory within dir and returns the
// weights with it merged in, which are to be read before done is called.
func (t *Training) writeAdapted(dir string, weights checkpoint.Source) (merged checkpoint.Source, done func() error, err error) {
	path := filepath.Join(dir, AdapterDir)
	if err := os.MkdirAll(path, 0o777); err != nil {
		return nil, nil, err
	}
	o := &t.opt
	if err := lora.Write(path, lora.Config{LoRA: *o.LoRA, Base: o.Base}, t.declared, weights); err != nil {
		return nil, nil, err
	}
	a, err := lora.Open(path)
	if err != nil {
		return nil, nil, err
	}
	merged, err = lora.Merge(listed{weights, o.Config.Declared(o.Policy)}, a)
	if err != nil {
		a.Close()
		return nil, nil, err
	}
	return merged, a.Close, nil
}

// putAdapted puts the weights of a run that trains adapters as a checkpoint has
// them: what is adapted is the base's, and the adapter stands beside it.
func (t *Training) putAdapted(b backend.Backend, dir string) error {
	o := &t.opt
	a, err := lora.Open(filepath.Join(dir, AdapterDir))
	if err != nil {
		return err
	}
	defer a.Close()
	saved, err := checkpoint.OpenDir(dir)
	if err != nil {
		return err
	}
	defer saved.Close()
	view, _, err := forecast.Weights(saved, o.Config, o.Config, nil)
	if err != nil {
		return err
	}
	if err := t.putBase(b); err != nil {
		return err
	}
	if err := load(b, t.adapters(), a.Weights); err != nil {
		return err
	}
	for _, d := range o.Config.Declared(o.Policy) {
		if !beside(d.Name) {
			continue
		}
		x, err := view.Tensor(d.Name)
		if err == nil {
			err = load(b, []nn.Declared{d}, checkpoint.Tensors{d.Name: x})
		}
		if err != nil {
			return fmt.Errorf("%s: %w", dir, err)
		}
	}
	return nil
}

// putBase puts the weights that a run begins with, but for adapters.
func (t *Training) putBase(b backend.Backend) error {
	o := &t.opt
	base := o.Config.Declared(o.Policy)
	if o.Source == nil {
		return load(b, base, listed{forecast.NewFresh(o.Config, o.Seed), base})
	}
	return load(b, base, o.Source)
}

// adapters are the parameters of adapters.
func (t *Training) adapters() []nn.Declared {
	return slices.DeleteFunc(slices.Clone(t.declared), func(d nn.Declared) bool {
		_, ok := nn.AdaptedLayer(d.Name)
		return !ok
	})
}
