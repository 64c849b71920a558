package reference

import (
	"errors"
	"fmt"
	"slices"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

// Backend is the reference implementation of backend.Backend.
type Backend struct {
	// Trace, if set, is called after each step with what the step stored. An
	// error ends the run and is returned by it; see FirstNaN.
	Trace func(step plan.Step, out [][]float64) error

	exact bool // nothing is rounded
	named map[string]*variable
}

// variable is a parameter or a state.
type variable struct {
	dtype tensor.DType
	shape []int
	data  []float64
}

var _ backend.Backend = (*Backend)(nil)

// New returns an empty backend. With F float32 every stored value is rounded
// to the storage type of its slot; with float64 none is, and Get and Read give
// f64 tensors for whatever is not an integer.
func New[F float32 | float64]() *Backend {
	var f F
	_, exact := any(f).(float64)
	return &Backend{exact: exact, named: map[string]*variable{}}
}

// Name returns "reference" and the precision.
func (b *Backend) Name() string {
	if b.exact {
		return "reference (f64)"
	}
	return "reference (f32)"
}

// Limits returns no limits.
func (b *Backend) Limits() plan.Limits { return plan.Limits{} }

// Put sets a parameter or state. An f64 tensor makes an f32 one.
func (b *Backend) Put(name string, t *tensor.Tensor) error {
	v := b.named[name]
	if v == nil {
		dt := t.DType()
		switch dt {
		case tensor.F64:
			dt = tensor.F32
		case tensor.I64, tensor.U8, tensor.I16, tensor.Bool:
			return fmt.Errorf("reference: %s: %v is a type of files; convert it to i32, i8 or a float type", name, t)
		}
		v = &variable{dtype: dt, shape: slices.Clone(t.Shape()), data: make([]float64, t.Len())}
	}
	if err := b.fill(v.data, v.dtype, v.shape, t); err != nil {
		return fmt.Errorf("reference: %s: %w", name, err)
	}
	b.named[name] = v
	return nil
}

// Get returns a copy of a parameter or state.
func (b *Backend) Get(name string) (*tensor.Tensor, error) {
	v := b.named[name]
	if v == nil {
		return nil, fmt.Errorf("reference: there is no parameter or state %q", name)
	}
	return b.tensor(v.data, v.dtype, v.shape), nil
}

// GetTo copies a parameter or state into t, which has its storage type and size.
func (b *Backend) GetTo(name string, t *tensor.Tensor) error {
	v := b.named[name]
	if v == nil {
		return fmt.Errorf("reference: there is no parameter or state %q", name)
	}
	return b.copyTo(t, name, v.data, v.dtype, v.shape)
}

// Close frees everything.
func (b *Backend) Close() error {
	clear(b.named)
	return nil
}

// Load prepares a program. Missing and misfit parameters are one error that
// lists them all.
func (b *Backend) Load(p *plan.Program) (backend.Runner, error) {
	var wrong []error
	check := func(n plan.Named, v *variable) {
		kindred := b.exact && n.DType.IsFloat() && v.dtype.IsFloat()
		if !slices.Equal(n.Shape, v.shape) || (n.DType != v.dtype && !kindred) {
			wrong = append(wrong, fmt.Errorf("%s is %v%v, but the program wants %v%v", n.Name, v.dtype, v.shape, n.DType, n.Shape))
		}
	}
	for _, n := range p.Params {
		if v := b.named[n.Name]; v == nil {
			wrong = append(wrong, fmt.Errorf("parameter %s %v%v is missing", n.Name, n.DType, n.Shape))
		} else {
			check(n, v)
		}
	}
	for _, n := range p.States {
		if v := b.named[n.Name]; v != nil {
			check(n, v)
		}
	}
	r := &runner{b: b, p: p}
	for _, s := range p.Steps {
		if kernels[s.Kernel] == nil {
			wrong = append(wrong, fmt.Errorf("kernel %q is not known", s.Kernel))
		}
		if b.exact && graph.Joined(s.Kernel) {
			wrong = append(wrong, fmt.Errorf("kernel %q rounds within, and f64 is for nothing rounded; compile for the backend's own limits", s.Kernel))
		}
	}
	if len(wrong) > 0 {
		return nil, fmt.Errorf("reference: the program cannot be loaded:\n%w", errors.Join(wrong...))
	}
	for _, n := range p.States {
		if b.named[n.Name] == nil {
			b.named[n.Name] = &variable{n.DType, n.Shape, make([]float64, tensor.NumElements(n.Shape))}
		}
	}
	r.allocate()
	return r, nil
}

// fill copies t into the memory of something that is declared dt and shape.
func (b *Backend) fill(data []float64, dt tensor.DType, shape []int, t *tensor.Tensor) error {
	if !slices.Equal(t.Shape(), shape) {
		return fmt.Errorf("got %v, wanted %v%v", t, dt, shape)
	}
	if t.DType() != dt && !(t.DType().IsFloat() && dt.IsFloat()) {
		return fmt.Errorf("got %v, wanted %v", t, dt)
	}
	for i := range data {
		data[i] = t.At(i)
	}
	b.round(data, dt)
	return nil
}

// tensor copies memory out.
func (b *Backend) tensor(data []float64, dt tensor.DType, shape []int) *tensor.Tensor {
	t := tensor.New(b.stored(dt), shape...)
	for i, v := range data {
		t.Set(i, v)
	}
	return t
}

// stored is the type in which values of a type are kept.
func (b *Backend) stored(dt tensor.DType) tensor.DType {
	if b.exact && dt.IsFloat() {
		return tensor.F64
	}
	return dt
}

// copyTo copies data into t. A backend that computes in float64 fills any floats.
func (b *Backend) copyTo(t *tensor.Tensor, name string, data []float64, dt tensor.DType, shape []int) error {
	fits := t.DType() == dt || b.exact && dt.IsFloat() && t.DType().IsFloat()
	if !fits || t.Len() != len(data) {
		return fmt.Errorf("reference: %s is %v%v and does not fit %v%v", name, dt, shape, t.DType(), t.Shape())
	}
	for i, v := range data {
		t.Set(i, v)
	}
	return nil
}

// round makes data what memory of the type would hold.
func (b *Backend) round(data []float64, dt tensor.DType) {
	if !b.exact {
		round(data, dt)
	}
}

func round(data []float64, dt tensor.DType) {
	switch dt {
	case tensor.F32:
		for i, v := range data {
			data[i] = float64(float32(v))
		}
	case tensor.BF16:
		for i, v := range data {
			data[i] = float64(tensor.FromBF16(tensor.ToBF16(float32(v))))
		}
	case tensor.F16:
		for i, v := range data {
			data[i] = float64(tensor.FromF16(tensor.ToF16(float32(v))))
		}
	}
}
