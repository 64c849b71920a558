package forecast

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/tensor"
)

// Weights shows the tensors of a file whose model is stored under the names and
// shapes that a program of the model want declares, and fresh names what it
// took from initial instead.
//
// A file is what Save writes, or a state dictionary of the published code: in
// Lightning's checkpoint or alone, with the prefix "net." or without, with
// "channel_" in old names for "var_", with a convolution for each variable or
// one tensor for all. Places are resized to another grid. Variables are matched
// by their names: one that the file lacks begins fresh, with its outputs. A
// projector that is made of a forecaster begins with fresh embeddings of its
// variables, head and years, as published. Everything else that disagrees is
// left for checkpoint.Fill to report, names that nothing wants among it.
func Weights(file checkpoint.Lister, stored, want Config, initial checkpoint.Source) (view checkpoint.Lister, fresh []string, err error) {
	if stored.Patch != want.Patch {
		return nil, nil, fmt.Errorf("forecast: the file's patches are %dx%d cells, the model's %dx%d; keep the patch size, the grid may differ",
			stored.Patch, stored.Patch, want.Patch, want.Patch)
	}
	named, err := published(file)
	if err != nil {
		return nil, nil, err
	}
	r := reader{named: named, stored: stored, want: want, initial: initial, view: made{}, used: map[string]bool{}}
	for _, d := range want.Declared(zeroPolicy) {
		r.declare(d.Name, d.Shape)
	}
	if !stored.IsProjector() && want.IsProjector() { // the head of the forecaster
		for _, name := range named.Names() {
			if strings.HasPrefix(name, "net.head.") || strings.HasPrefix(name, "net.token_embeds.") {
				r.used[name] = true
			}
		}
	}
	for _, name := range named.Names() {
		if _, taken := r.view[name]; !taken && !r.used[name] {
			r.pass(name)
		}
	}
	return r.view, r.fresh, r.err
}

// StoredConfig completes what is known of a model in a file without a
// configuration: the sizes are read off the shapes. variables are those of the
// file, nil for the published ones; rows is the number of the grid's rows, 0 for
// a grid that is twice as wide as high; heads cannot be told.
func StoredConfig(file checkpoint.Lister, variables []string, rows, heads int) (Config, error) {
	named, err := published(file)
	if err != nil {
		return Config{}, err
	}
	shape := func(name string) []int {
		s, serr := named.Spec(name)
		if serr != nil && err == nil {
			err = fmt.Errorf("forecast: this is no ClimaX model: it has no %s; give a checkpoint of ClimaX, or a directory with config.json", name)
		}
		return append(s.Shape, 1, 1, 1, 1, 1)
	}
	if variables == nil {
		variables = PublishedVariables()
	}
	places, vars := shape("net.pos_embed"), shape("net.var_embed")
	c := NewConfig(variables, 0, 0, 1, places[2], 0, heads)
	names := named.Names()
	c.Stacked = slices.Contains(names, stackedWeights)
	if c.Stacked {
		c.Patch = shape(stackedWeights)[3]
	} else {
		c.Patch = shape(listed(0, "weight"))[2]
	}
	for slices.Contains(names, fmt.Sprintf("net.blocks.%d.norm1.weight", c.Depth)) {
		c.Depth++
	}
	c.MLPRatio = float64(shape("net.blocks.0.mlp.fc1.weight")[0]) / float64(max(1, c.Width))
	c.DecoderDepth = 0
	for slices.Contains(names, fmt.Sprintf("net.head.%d.weight", 2*c.DecoderDepth+2)) {
		c.DecoderDepth++
	}
	patchRows := rows / c.Patch
	if rows == 0 {
		for 2*patchRows*patchRows < places[1] {
			patchRows++
		}
	}
	if err == nil && (patchRows == 0 || places[1]%patchRows != 0 || rows == 0 && 2*patchRows*patchRows != places[1]) {
		err = fmt.Errorf("forecast: %d patches are no grid of %d rows of patches; give the number of the grid's rows", places[1], patchRows)
	}
	if err == nil && vars[1] != len(variables) {
		err = fmt.Errorf("forecast: the file has %d variables, named are %d; give the names of the file's in their order", vars[1], len(variables))
	}
	if err != nil {
		return c, err
	}
	c.Grid = [2]int{patchRows * c.Patch, places[1] / patchRows * c.Patch}
	if slices.Contains(names, "net.time_pos_embed") {
		c = c.Projecting(variables, "", shape("net.time_pos_embed")[1])
	}
	return c, c.Validate()
}

const (
	stackedWeights = "net.token_embeds.proj_weights"
	stackedBiases  = "net.token_embeds.proj_biases"
)

// listed is the name of the embedding of one variable.
func listed(variable int, part string) string {
	return fmt.Sprintf("net.token_embeds.%d.proj.%s", variable, part)
}

// published shows the model of a file under the published names of today.
func published(file checkpoint.Lister) (checkpoint.Lister, error) {
	const state = "state_dict."
	names := file.Names()
	lightning := slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, state) })
	if lightning {
		file = only{file, state}
	}
	prefixed := slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(strings.TrimPrefix(n, state), "net.") })
	return checkpoint.Rename(file, func(name string) string {
		name = strings.ReplaceAll(strings.TrimPrefix(name, state), "channel", "var")
		if !prefixed {
			name = "net." + name
		}
		return name
	})
}

// only shows the tensors of a prefix.
type only struct {
	checkpoint.Lister
	prefix string
}

func (o only) Names() []string {
	return slices.DeleteFunc(slices.Clone(o.Lister.Names()), func(n string) bool { return !strings.HasPrefix(n, o.prefix) })
}

// entry is a tensor that is made when it is asked for.
type entry struct {
	spec checkpoint.Spec
	load func() (*tensor.Tensor, error)
}

// made is a Lister of such.
type made map[string]entry

func (m made) Names() []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (m made) Spec(name string) (checkpoint.Spec, error) {
	e, ok := m[name]
	if !ok {
		return checkpoint.Spec{}, fmt.Errorf("forecast: no tensor %q", name)
	}
	return e.spec, nil
}

func (m made) Tensor(name string) (*tensor.Tensor, error) {
	e, ok := m[name]
	if !ok {
		return nil, fmt.Errorf("forecast: no tensor %q", name)
	}
	return e.load()
}

// reader makes the tensors of a model out of those of a file.
type reader struct {
	named        checkpoint.Lister
	stored, want Config
	initial      checkpoint.Source
	view         made
	used         map[string]bool
	fresh        []string
	err          error
}

func (r *reader) has(name string) bool {
	_, err := r.named.Spec(name)
	return err == nil
}

// declare makes the entry of one parameter.
func (r *reader) declare(name string, shape []int) {
	v, d, cells := len(r.stored.Variables), r.stored.Width, r.stored.cells()
	head := fmt.Sprint("net.head.", 2*r.stored.DecoderDepth)
	switch {
	case name == stackedWeights && !r.becomes():
		r.byVariable(name, shape, 1, cells*d, func() ([]float32, error) { return r.embedding("weight", v, d, cells) })
	case name == stackedBiases && !r.becomes():
		r.byVariable(name, shape, 1, d, func() ([]float32, error) { return r.embedding("bias", v, d, 1) })
	case name == "net.var_embed":
		r.byVariable(name, shape, 1, d, r.rows(name, v*d))
	case name == head+".weight" && !r.want.IsProjector():
		r.byVariable(name, shape, cells, d, r.rows(name, cells*v*d))
	case name == head+".bias" && !r.want.IsProjector():
		r.byVariable(name, shape, cells, 1, r.rows(name, cells*v))
	case name == "net.pos_embed":
		r.places(name, shape)
	case r.becomes() && (strings.HasPrefix(name, "net.token_embeds.") || strings.HasPrefix(name, "net.head.") || strings.HasPrefix(name, "net.time_")):
		r.begin(name, shape)
	case strings.HasSuffix(name, "_query"), strings.HasSuffix(name, "time_pos_embed"):
		r.squeezed(name, shape)
	}
}

// becomes tells whether a forecaster becomes a projector.
func (r *reader) becomes() bool { return r.want.IsProjector() && !r.stored.IsProjector() }

func (r *reader) put(name string, shape []int, load func() ([]float32, error)) {
	r.used[name] = true
	r.view[name] = entry{checkpoint.Spec{Name: name, DType: tensor.F32, Shape: shape}, func() (*tensor.Tensor, error) {
		x, err := load()
		if err != nil {
			return nil, err
		}
		if len(x) != tensor.NumElements(shape) {
			return nil, fmt.Errorf("forecast: %s has %d numbers, wanted %v", name, len(x), shape)
		}
		return tensor.Of(x, shape...), nil
	}}
}

// begin takes a parameter from the fresh ones.
func (r *reader) begin(name string, shape []int) {
	r.fresh = append(r.fresh, name)
	r.put(name, shape, func() ([]float32, error) { return r.initially(name) })
}

func (r *reader) initially(name string) ([]float32, error) {
	if r.initial == nil {
		return nil, fmt.Errorf("forecast: the file has no %s, or not for all variables, and nothing is fresh", name)
	}
	x, err := numbers(r.initial, name)
	return slices.Clone(x), err
}

// rows loads a tensor of the file that must have n numbers.
func (r *reader) rows(name string, n int) func() ([]float32, error) {
	r.used[name] = true
	return func() ([]float32, error) {
		x, err := numbers(r.named, name)
		if err == nil && len(x) != n {
			err = fmt.Errorf("forecast: %s has %d numbers in the file, wanted %d", name, len(x), n)
		}
		return x, err
	}
}

// numbers are those of a tensor, as f32.
func numbers(from checkpoint.Source, name string) ([]float32, error) {
	t, err := from.Tensor(name)
	if err != nil {
		return nil, err
	}
	if t.DType() == tensor.F32 {
		return t.Float32(), nil
	}
	if !t.DType().IsFloat() {
		return nil, fmt.Errorf("forecast: %s is %v in the file, wanted floats", name, t.DType())
	}
	x := make([]float32, t.Len())
	for i := range x {
		x[i] = float32(t.At(i))
	}
	return x, nil
}

// byVariable makes a tensor of groups, each with a part of so many numbers for
// every variable, taking those of the file where it has them.
func (r *reader) byVariable(name string, shape []int, groups, part int, load func() ([]float32, error)) {
	there := r.has(name)
	if name == stackedWeights || name == stackedBiases {
		there = there || r.has(listed(0, "weight"))
	}
	if !there {
		return // Fill says that it is missing
	}
	from := make([]int, len(r.want.Variables))
	lacks := []string{}
	for i, v := range r.want.Variables {
		if from[i] = slices.Index(r.stored.Variables, v); from[i] < 0 {
			lacks = append(lacks, v)
		}
	}
	if len(lacks) > 0 {
		r.fresh = append(r.fresh, fmt.Sprintf("%s of %s", name, strings.Join(lacks, ", ")))
	}
	r.put(name, shape, func() ([]float32, error) {
		x, err := load()
		if err != nil {
			return nil, err
		}
		if slices.Equal(r.want.Variables, r.stored.Variables) {
			return x, nil
		}
		out := make([]float32, groups*len(from)*part)
		if len(lacks) > 0 {
			fresh, err := r.initially(name)
			if err != nil {
				return nil, err
			}
			if len(fresh) != len(out) {
				return nil, fmt.Errorf("forecast: the file's %s does not fit the model; the width must be the same", name)
			}
			copy(out, fresh)
		}
		for g := range groups {
			for i, at := range from {
				if at >= 0 {
					copy(out[(g*len(from)+i)*part:][:part], x[(g*len(r.stored.Variables)+at)*part:])
				}
			}
		}
		return out, nil
	})
}

// embedding loads the weights [variables, cells, width], or the biases, of the
// convolutions, whose own order is [variables, width, cells].
func (r *reader) embedding(part string, variables, width, cells int) ([]float32, error) {
	var all []float32
	stacked := stackedWeights
	if part == "bias" {
		stacked = stackedBiases
	}
	if r.has(stacked) {
		x, err := numbers(r.named, stacked)
		if err != nil {
			return nil, err
		}
		all = x
	} else {
		for v := range variables {
			x, err := numbers(r.named, listed(v, part))
			if err != nil {
				return nil, err
			}
			all = append(all, x...)
		}
	}
	if len(all) != variables*width*cells {
		return nil, fmt.Errorf("forecast: the embeddings of variables have %d numbers, wanted %d variables of %d", len(all), variables, width*cells)
	}
	return turned(all, variables, width, cells), nil
}

// turned swaps the last two axes of [n, a, b].
func turned(x []float32, n, a, b int) []float32 {
	out := make([]float32, len(x))
	for v := range n {
		for i := range a {
			for j := range b {
				out[(v*b+j)*a+i] = x[(v*a+i)*b+j]
			}
		}
	}
	return out
}

// places resizes the embedding of the grid.
func (r *reader) places(name string, shape []int) {
	if !r.has(name) {
		return
	}
	s, w := r.stored, r.want
	load := r.rows(name, s.Patches()*s.Width)
	r.put(name, shape, func() ([]float32, error) {
		x, err := load()
		if err != nil || s.patchRows() == w.patchRows() && s.patchColumns() == w.patchColumns() {
			return x, err
		}
		return resize(x, s.patchRows(), s.patchColumns(), w.patchRows(), w.patchColumns(), s.Width), nil
	})
}

// squeezed drops the leading ones of a shape.
func (r *reader) squeezed(name string, shape []int) {
	if r.has(name) {
		r.put(name, shape, r.rows(name, tensor.NumElements(shape)))
	}
}

// pass shows a tensor as it is; embeddings of single variables are part of the
// stacked ones.
func (r *reader) pass(name string) {
	if rest, ok := strings.CutPrefix(name, "net.token_embeds."); ok && !r.has(stackedWeights) {
		number, part, _ := strings.Cut(rest, ".")
		if n, err := strconv.Atoi(number); err == nil && n >= 0 && n < len(r.stored.Variables) && (part == "proj.weight" || part == "proj.bias") {
			return
		}
	}
	spec, err := r.named.Spec(name)
	if err != nil {
		r.err = err
		return
	}
	r.view[name] = entry{spec, func() (*tensor.Tensor, error) { return r.named.Tensor(name) }}
}
