// Package checkpoint reads and writes model weights and the files around them.
//
// A [File] is one safetensors file, a [Dir] a Hugging Face style model
// directory, or one file, with weights in any form that they are published in:
// safetensors or what torch.save writes, now or before torch 1.6, whole or in
// shards. Both list what they hold before any of it is read. A pickle is taken
// as data: nothing that it asks for is ever called. [WriteSharded] writes weights
// as transformers reads them, and [Cast] changes their type on the way. [Fill] hands
// the tensors that a model wants to it and reports every disagreement in one
// error. [WriteFile] replaces a file in one step, and [Save], [Latest] and
// [Prune] do the same with the checkpoint directories of a training run, so
// that an interrupted or failed save never costs the one before.
//
// Files are taken to be hostile: sizes are checked before memory is asked for,
// and whatever the format does not allow is refused.
package checkpoint

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kiban-models/kiban/core/tensor"
)

// Source gives tensors by their published names: a file, a fresh
// initialisation, or an overlay.
type Source interface {
	Tensor(name string) (*tensor.Tensor, error)
}

// Spec says what a tensor is without its data.
type Spec struct {
	Name  string
	DType tensor.DType
	Shape []int
}

// String returns name, type and shape, such as "ln_f.bias f32[768]".
func (s Spec) String() string { return fmt.Sprintf("%s %v%v", s.Name, s.DType, s.Shape) }

// Lister is a Source that knows what it holds.
type Lister interface {
	Source
	Names() []string // sorted
	Spec(name string) (Spec, error)
}

// Tensors is a Lister of tensors in memory.
type Tensors map[string]*tensor.Tensor

// Tensor returns the tensor of that name.
func (ts Tensors) Tensor(name string) (*tensor.Tensor, error) {
	t, ok := ts[name]
	if !ok {
		return nil, fmt.Errorf("checkpoint: no tensor %q", name)
	}
	return t, nil
}

// Names returns the names, sorted.
func (ts Tensors) Names() []string { return slices.Sorted(maps.Keys(ts)) }

// Spec describes the tensor of that name.
func (ts Tensors) Spec(name string) (Spec, error) {
	t, err := ts.Tensor(name)
	if err != nil {
		return Spec{}, err
	}
	return Spec{name, t.DType(), t.Shape()}, nil
}

// Specs describes all tensors, sorted by name.
func (ts Tensors) Specs() []Spec {
	specs := make([]Spec, 0, len(ts))
	for _, name := range ts.Names() {
		specs = append(specs, Spec{name, ts[name].DType(), ts[name].Shape()})
	}
	return specs
}

type renamed struct {
	src    Lister
	stored map[string]string // by the name shown
}

// Rename shows src under other names: to maps each stored name to the name
// shown. Two names that become one are an error.
func Rename(src Lister, to func(stored string) string) (Lister, error) {
	r := renamed{src, map[string]string{}}
	for _, old := range src.Names() {
		name := to(old)
		if other, taken := r.stored[name]; taken {
			return nil, fmt.Errorf("checkpoint: tensors %q and %q would both be called %q", other, old, name)
		}
		r.stored[name] = old
	}
	return r, nil
}

// StripPrefix shows src without the prefix on those names that carry it. The
// same GPT-2 weights are published both as "transformer.h.0…" and as "h.0…":
// StripPrefix(src, "transformer.") makes them one.
func StripPrefix(src Lister, prefix string) (Lister, error) {
	return Rename(src, func(name string) string { return strings.TrimPrefix(name, prefix) })
}

func (r renamed) Names() []string { return slices.Sorted(maps.Keys(r.stored)) }

func (r renamed) Tensor(name string) (*tensor.Tensor, error) {
	old, ok := r.stored[name]
	if !ok {
		return nil, fmt.Errorf("checkpoint: no tensor %q", name)
	}
	return r.src.Tensor(old)
}

func (r renamed) Spec(name string) (Spec, error) {
	old, ok := r.stored[name]
	if !ok {
		return Spec{}, fmt.Errorf("checkpoint: no tensor %q", name)
	}
	s, err := r.src.Spec(old)
	s.Name = name
	return s, err
}
