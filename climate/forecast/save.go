package forecast

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/tensor"
)

var zeroPolicy nn.Policy

// Stored shows the parameters of a model, under the names and shapes of a
// program, as the published code has them in a file, and lists them.
func Stored(c Config, src checkpoint.Source) (checkpoint.Lister, []checkpoint.Spec) {
	view := made{}
	var specs []checkpoint.Spec
	put := func(name string, shape []int, load func() ([]float32, error)) {
		s := checkpoint.Spec{Name: name, DType: tensor.F32, Shape: shape}
		specs = append(specs, s)
		view[name] = entry{s, func() (*tensor.Tensor, error) {
			x, err := load()
			if err != nil {
				return nil, err
			}
			return tensor.Of(x, shape...), nil
		}}
	}
	v, d, p := len(c.Variables), c.Width, c.Patch
	for _, param := range c.Declared(zeroPolicy) {
		name, shape := param.Name, param.Shape
		whole := func() ([]float32, error) { return numbers(src, name) }
		switch name {
		case stackedWeights, stackedBiases:
			own, part, cells := []int{d}, "bias", 1
			if name == stackedWeights {
				own, part, cells = []int{d, 1, p, p}, "weight", c.cells()
			}
			load := func() ([]float32, error) {
				x, err := whole()
				if err != nil {
					return nil, err
				}
				return turned(x, v, cells, d), nil
			}
			if c.Stacked {
				put(name, append([]int{v}, own...), load)
				continue
			}
			n := d * cells
			for i := range v {
				put(listed(i, part), own, func() ([]float32, error) {
					x, err := load()
					if err != nil {
						return nil, err
					}
					return slices.Clone(x[i*n:][:n]), nil
				})
			}
		case "net.var_embed", "net.pos_embed", "net.time_pos_embed", "net.var_query", "net.time_query":
			put(name, append([]int{1}, shape...), whole)
		default:
			put(name, shape, whole)
		}
	}
	return view, specs
}

// Save writes config.json and model.safetensors into dir, in f32, with the
// names and shapes of the published code.
func Save(dir string, c Config, src checkpoint.Source) error {
	if err := c.Validate(); err != nil {
		return fmt.Errorf("forecast: %w", err)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(c); err != nil {
		return err
	}
	err := checkpoint.WriteFile(filepath.Join(dir, "config.json"), func(w io.Writer) error {
		_, err := w.Write(b.Bytes())
		return err
	})
	if err != nil {
		return err
	}
	view, specs := Stored(c, src)
	return checkpoint.Write(filepath.Join(dir, "model.safetensors"), specs, view, map[string]string{"format": "pt"})
}
