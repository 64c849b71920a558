package lora

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/tensor"
)

// prefix is what peft puts before the names of a model's layers.
const prefix = "base_model.model."

// maxConfig bounds adapter_config.json, in bytes.
const maxConfig = 16 << 20

// Adapter is an open adapter directory.
type Adapter struct {
	Config
	// Weights are the matrices under the names of package nn, such as
	// "transformer.h.0.attn.c_attn.lora_A.weight".
	Weights checkpoint.Lister
	path    string
	file    *checkpoint.File
}

// Open opens an adapter directory and makes sure that it is whole: each layer
// has both matrices, of the rank of the configuration.
func Open(dir string) (*Adapter, error) {
	path := filepath.Join(dir, ConfigFile)
	text, err := readConfig(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: there is no %s; name the directory of an adapter, as peft or finetune --lora-rank writes it", dir, ConfigFile)
	}
	if err != nil {
		return nil, err
	}
	a := &Adapter{path: dir}
	if a.Config, err = parseConfig(path, text); err != nil {
		return nil, err
	}
	if a.file, err = checkpoint.Open(filepath.Join(dir, WeightsFile)); err != nil {
		return nil, err
	}
	if err := a.check(); err != nil {
		a.file.Close()
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, WeightsFile), err)
	}
	return a, nil
}

func readConfig(path string) ([]byte, error) {
	if st, err := os.Stat(path); err != nil {
		return nil, err
	} else if !st.Mode().IsRegular() || st.Size() > maxConfig {
		return nil, fmt.Errorf("%s: found %v of %d bytes, wanted a file of at most %d", path, st.Mode().Type(), st.Size(), maxConfig)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxConfig))
}

func (a *Adapter) check() error {
	var err error
	a.Weights, err = checkpoint.Rename(a.file, func(stored string) string { return strings.TrimPrefix(stored, prefix) })
	if err != nil {
		return err
	}
	names := a.Weights.Names()
	if len(names) == 0 {
		return errors.New("it holds no tensor")
	}
	for _, name := range names {
		layer, ok := nn.AdaptedLayer(name)
		if !ok {
			return fmt.Errorf("tensor %q is no lora_A.weight or lora_B.weight", name)
		}
		if _, _, err := a.shape(layer); err != nil {
			return err
		}
	}
	return nil
}

// shape returns the sizes of the layer that an adapter belongs to.
func (a *Adapter) shape(layer string) (in, out int, err error) {
	first, err := a.Weights.Spec(layer + nn.LoRAA)
	if err != nil {
		return 0, 0, err
	}
	second, err := a.Weights.Spec(layer + nn.LoRAB)
	if err != nil {
		return 0, 0, err
	}
	x, y := first.Shape, second.Shape
	if len(x) != 2 || len(y) != 2 || x[0] != a.Rank || y[1] != a.Rank || !first.DType.IsFloat() || !second.DType.IsFloat() {
		return 0, 0, fmt.Errorf("%v and %v, wanted [%d, in] and [out, %d] of the rank that %s gives", first, second, a.Rank, a.Rank, ConfigFile)
	}
	return x[1], y[0], nil
}

// Layers returns the names of the layers that have adapters, sorted.
func (a *Adapter) Layers() []string { return slices.Sorted(layers(a.Weights.Names())) }

// layers yields each layer once.
func layers(names []string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, name := range names {
			if layer, ok := strings.CutSuffix(name, nn.LoRAA); ok && !yield(layer) {
				return
			}
		}
	}
}

// Path returns the directory as it was given to Open.
func (a *Adapter) Path() string { return a.path }

// Close closes the file; tensors already read stay valid.
func (a *Adapter) Close() error { return a.file.Close() }

// Write writes an adapter directory, which exists, as peft reads it: the
// parameters of params that are adapters', in f32, from src. Each of the two
// files replaces an older one in one step.
func Write(dir string, c Config, params []nn.Declared, src checkpoint.Source) error {
	var specs []checkpoint.Spec
	for _, d := range params {
		if _, ok := nn.AdaptedLayer(d.Name); ok {
			specs = append(specs, checkpoint.Spec{Name: prefix + d.Name, DType: tensor.F32, Shape: d.Shape})
		}
	}
	if len(specs) == 0 {
		return errors.New("lora: no adapter among the parameters to be written")
	}
	if err := checkpoint.Write(filepath.Join(dir, WeightsFile), specs, unprefixed{src}, map[string]string{"format": "pt"}); err != nil {
		return err
	}
	return c.write(dir)
}

// unprefixed reads a source by peft's names.
type unprefixed struct{ src checkpoint.Source }

func (u unprefixed) Tensor(name string) (*tensor.Tensor, error) {
	return u.src.Tensor(strings.TrimPrefix(name, prefix))
}
