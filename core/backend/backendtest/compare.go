package backendtest

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/backend/reference"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

// Compare runs every case on b and on the reference and reports where they
// differ by more than the case allows. Each runs twice on b, over memory full
// of NaNs, and must give the same bytes.
func Compare(t *testing.T, b backend.Backend) {
	for _, c := range Cases() {
		t.Run(c.Name, func(t *testing.T) { c.compare(t, b, plan.Options{}, plan.Options{NoFusion: true}) })
	}
}

// CompareJoined is Compare with the cases of kernels that plans join of others, for
// a backend that asks for them.
func CompareJoined(t *testing.T, b backend.Backend) {
	for _, c := range Cases() {
		if kernel, _, _ := strings.Cut(c.Name, "/"); graph.Joined(kernel) {
			t.Run(c.Name, func(t *testing.T) { c.compare(t, b, plan.Options{}) })
		}
	}
}

// storages are the types that a case runs in, and the least tolerance in each:
// two steps of its grid, for what is rounded on the way.
func (c Case) storages() map[tensor.DType]float64 {
	tol := c.Tol
	if tol == 0 {
		tol = 1e-5
	}
	all := map[tensor.DType]float64{tensor.F32: tol}
	if c.Storage {
		all[tensor.BF16] = max(tol, 1.0/64)
		all[tensor.F16] = max(tol, 1.0/512)
	}
	return all
}

func (c Case) compare(t *testing.T, b backend.Backend, opts ...plan.Options) {
	for dt, tol := range c.storages() {
		for _, opt := range opts {
			t.Run(fmt.Sprintf("%v,nofusion=%t", dt, opt.NoFusion), func(t *testing.T) {
				m := c.make(dt)
				want := m.results(t, reference.New[float32](), opt)
				got := m.results(t, b, opt)
				again := m.results(t, b, opt)
				for _, name := range sortedKeys(want) {
					if !bytes.Equal(got[name].Bytes(), again[name].Bytes()) {
						t.Errorf("%s: two runs gave different bytes", name)
					}
					if err := differ(got[name], want[name], tol); err != nil {
						t.Errorf("%s: %v", name, err)
					}
				}
			})
		}
	}
}

// results runs the case once and returns its outputs and the parameters and
// states that it stores to.
func (m made) results(t *testing.T, b backend.Backend, opt plan.Options) map[string]*tensor.Tensor {
	t.Helper()
	p, err := plan.Compile(m.Graph, b.Limits(), opt, m.outputs)
	if err != nil {
		t.Fatal(err)
	}
	poison(p, b.Limits())
	for _, l := range m.leaves {
		if l.node.Kind() != graph.Input {
			if err := b.Put(l.node.Name(), l.value); err != nil {
				t.Fatal(err)
			}
		}
	}
	r, err := b.Load(p)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, l := range m.leaves {
		if l.node.Kind() == graph.Input {
			if err := r.Write(l.node.Name(), l.value); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := r.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	all := map[string]*tensor.Tensor{}
	for name := range m.outputs {
		if all[name], err = r.Read(name); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range m.Stores() {
		name := s.Dst.Name()
		if all[name], err = b.Get(name); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// poison makes a program begin with steps that fill scratch memory and outputs
// with NaNs, so that an element which a kernel forgets shows.
func poison(p *plan.Program, lim plan.Limits) {
	// bf16 NaNs are NaNs as pairs, too.
	const most = 1 << 24
	var steps []plan.Step
	fill := func(r plan.Region, from, to int64) {
		for from < to {
			end := min(to, from+most)
			if lim.MaxBuffer > 0 {
				end = min(end, (from/lim.MaxBuffer+1)*lim.MaxBuffer)
			}
			slot := plan.Slot{Region: r, Offset: from, DType: tensor.BF16, Shape: []int{int(end-from) / 2}}
			steps = append(steps, plan.Step{
				Kernel: "fill", Attr: graph.FillAttr{Value: float32(math.NaN())}, Out: []plan.Slot{slot},
			})
			from = end
		}
	}
	fill(plan.Scratch, 0, p.ScratchBytes)
	inputs := map[int64]bool{}
	for _, s := range p.Inputs {
		inputs[s.Offset] = true
	}
	for _, name := range sortedKeys(p.Outputs) {
		if s := p.Outputs[name]; s.Region == plan.IO && !inputs[s.Offset] {
			fill(plan.IO, s.Offset, s.Offset+s.Bytes())
		}
	}
	rest := slices.Clone(p.Steps)
	if len(rest) > 0 {
		rest[0].Barrier = true
	}
	p.Steps = append(steps, rest...)
}

// differ explains how got strays from want: largest and root-mean-square
// error, each relative to the same measure of want.
func differ(got, want *tensor.Tensor, tol float64) error {
	if got.DType() != want.DType() || !slices.Equal(got.Shape(), want.Shape()) {
		return fmt.Errorf("got %v, wanted %v", got, want)
	}
	if !want.DType().IsFloat() {
		tol = 0
	}
	var worst, worstAt, scale, sumError, sum float64
	for i := range want.Len() {
		g, w := got.At(i), want.At(i)
		if math.IsNaN(g) || math.IsNaN(w) || ((math.IsInf(g, 0) || math.IsInf(w, 0)) && g != w) {
			return fmt.Errorf("element %d of %v is %g, wanted %g", i, want, g, w)
		}
		if math.IsInf(w, 0) {
			continue
		}
		if e := math.Abs(g - w); e > worst {
			worst, worstAt = e, float64(i)
		}
		scale = max(scale, math.Abs(w))
		sumError += (g - w) * (g - w)
		sum += w * w
	}
	i := int(worstAt)
	if worst > tol*scale {
		return fmt.Errorf("element %d of %v is %g, wanted %g: off by %.2g of the largest, %.2g allowed",
			i, want, got.At(i), want.At(i), worst/scale, tol)
	}
	if math.Sqrt(sumError) > tol*math.Sqrt(sum) {
		return fmt.Errorf("%v is off by %.2g (root mean square), %.2g allowed; most at element %d: %g, wanted %g",
			want, math.Sqrt(sumError/sum), tol, i, got.At(i), want.At(i))
	}
	return nil
}
