package backendtest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/backend/reference"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

// TestComplete lists what is missing of any kernel that a graph can emit, by
// the file in which it should stand. The other backends call Complete from
// their own tests, for they need not be built everywhere.
func TestComplete(t *testing.T) {
	cased, differenced := map[string]bool{}, map[string]bool{}
	for _, c := range Cases() {
		for _, opt := range []plan.Options{{NoFusion: true}, {}} {
			m := c.make(tensor.F32)
			p, err := plan.Compile(m.Graph, asking, opt, m.outputs)
			if err != nil {
				t.Fatalf("%s: %v", c.Name, err)
			}
			for _, s := range p.Steps {
				if strings.HasPrefix(c.Name, stem(s.Kernel)+"/") && (opt.NoFusion || graph.Joined(s.Kernel)) {
					cased[s.Kernel] = true
					differenced[s.Kernel] = differenced[s.Kernel] || (len(c.Wrt) > 0 && !c.Large)
				}
			}
		}
	}
	for _, k := range graph.Kernels() {
		file := stem(k) + ".go"
		if !cased[k] {
			t.Errorf("core/backend/backendtest/%s: no case runs %s", file, k)
		}
		if graph.NoGrad(k) == "" && !differenced[k] {
			t.Errorf("core/backend/backendtest/%s: no case differences %s", file, k)
		}
		folders := []string{"../../graph", "../reference", "."}
		if k == "copy" { // it has no builder; plan makes it
			folders = folders[1:]
		}
		for _, dir := range folders {
			if _, err := os.Stat(filepath.Join(dir, file)); err != nil {
				t.Errorf("%s: there is no such file", filepath.Join("core/backend/backendtest", dir, file))
			}
		}
	}
	Complete(t, "core/backend/reference", reference.Kernels())
}

// TestJoined makes sure that the reference gives the same bytes whether kernels
// are joined or not, and that plan joins all that the cases of joined kernels
// have.
func TestJoined(t *testing.T) {
	forms := map[string]bool{}
	for _, c := range Cases() {
		if kernel, _, _ := strings.Cut(c.Name, "/"); !graph.Joined(kernel) {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			for dt := range c.storages() {
				m := c.make(dt)
				p, err := plan.Compile(m.Graph, asking, plan.Options{}, m.outputs)
				if err != nil {
					t.Fatal(err)
				}
				found := false
				for _, s := range p.Steps {
					switch at := s.Attr.(type) {
					case graph.NormMatMulAttr:
						found = true
						forms[fmt.Sprintf("%d caches", len(at.Caches))] = true
						forms[fmt.Sprintf("8 bits %t, bias %t, activation %t, residual %t", at.MatMul.Scaled, at.MatMul.Bias, at.MatMul.Act != 0, at.MatMul.Residual)] = true
					case graph.LayerNormAttr, graph.MatMulAttr, graph.CacheWriteAttr:
						t.Errorf("%s is not joined", s.Kernel)
					}
				}
				if !found {
					t.Errorf("nothing is joined:\n%v", p)
				}
				want := m.results(t, reference.New[float32](), plan.Options{})
				got := m.results(t, joining{reference.New[float32]()}, plan.Options{})
				for name := range want {
					if !bytes.Equal(got[name].Bytes(), want[name].Bytes()) {
						t.Errorf("%v: %s differs", dt, name)
					}
				}
			}
		})
	}
	for _, form := range []string{"0 caches", "1 caches", "2 caches",
		"8 bits false, bias false, activation false, residual false", "8 bits false, bias true, activation true, residual false",
		"8 bits false, bias true, activation true, residual true", "8 bits true, bias true, activation false, residual false"} {
		if !forms[form] {
			t.Errorf("no case reaches the form with %s", form)
		}
	}
	g := graph.New()
	y := graph.MatMul(graph.LayerNorm(g.Input("x", tensor.F32, 1, 2), g.Input("w", tensor.F32, 2), g.Input("b", tensor.F32, 2), 1),
		g.Input("m", tensor.F32, 2, 2), graph.MatMulOpt{})
	p, err := plan.Compile(g, asking, plan.Options{}, one(y))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reference.New[float64]().Load(p); err == nil {
		t.Error("the reference in f64 rounds within a kernel")
	}
}

// asking is for plans whose backend has the joined kernels.
var asking = plan.Limits{JoinRows: 8, JoinBytes: 1 << 14}

// joining is the reference when it is asked for them.
type joining struct{ *reference.Backend }

func (joining) Limits() plan.Limits { return asking }

// TestFusedForms makes sure that the cases reach every form that plan's fusion
// gives a kernel.
func TestFusedForms(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range Cases() {
		m := c.make(tensor.F32)
		p, err := plan.Compile(m.Graph, plan.Limits{}, plan.Options{}, m.outputs)
		if err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		for _, s := range p.Steps {
			switch at := s.Attr.(type) {
			case graph.MatMulAttr:
				seen["activation"] = seen["activation"] || (at.Act != graph.Identity && !at.Pre)
				seen["activation and value before"] = seen["activation and value before"] || at.Pre
				seen["residual"] = seen["residual"] || (at.Residual && at.Act == graph.Identity)
				seen["activation and residual"] = seen["activation and residual"] || (at.Residual && at.Act != graph.Identity)
			case graph.LayerNormAttr:
				seen["gradient and residual"] = seen["gradient and residual"] || at.Residual
			}
			in := slices.IndexFunc(s.In, func(x plan.Slot) bool { return x.Region == plan.Scratch && x.Offset == s.Out[0].Offset })
			if graph.Elementwise(s.Kernel) && in >= 0 && s.Out[0].Region == plan.Scratch {
				seen["over an operand"] = true
			}
		}
	}
	for _, form := range []string{"activation", "activation and value before", "residual", "activation and residual", "gradient and residual", "over an operand"} {
		if !seen[form] {
			t.Errorf("no case reaches the form with %s", form)
		}
	}
}

// TestDiffer makes sure that the comparison sees what it must see.
func TestDiffer(t *testing.T) {
	want := tensor.Of([]float32{100, 0.1, -0.2, float32(negInf)}, 4)
	change := func(i int, v float64) *tensor.Tensor {
		x := want.Clone()
		x.Set(i, v)
		return x
	}
	for name, c := range map[string]struct {
		got *tensor.Tensor
		ok  bool
	}{
		"equal":            {want, true},
		"within tolerance": {change(0, 100.0005), true},
		"one element off":  {change(1, 0.2), false},
		"NaN":              {change(2, posInf+negInf), false},
		"infinity":         {change(2, posInf), false},
		"other infinity":   {change(3, posInf), false},
		"other type":       {want.Convert(tensor.BF16), false},
	} {
		if err := differ(c.got, want, 1e-5); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	if differ(tensor.Of([]int32{1000000, 1}, 2), tensor.Of([]int32{1000000, 2}, 2), 0.1) == nil {
		t.Error("different integers passed")
	}
}

// TestPoison makes sure that memory which no kernel writes is NaN.
func TestPoison(t *testing.T) {
	for _, dt := range []tensor.DType{tensor.F32, tensor.BF16, tensor.F16} {
		for _, lim := range []plan.Limits{{}, {MaxBuffer: 256}} {
			g := graph.New()
			y := graph.Scale(graph.Scale(g.Input("x", dt, 77), 2), 3)
			p, err := plan.Compile(g, lim, plan.Options{}, one(y))
			if err != nil {
				t.Fatal(err)
			}
			poison(p, lim)
			p.Steps = slices.DeleteFunc(p.Steps, func(s plan.Step) bool { return s.Kernel == "scale" })
			r, err := reference.New[float32]().Load(p)
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			got, err := r.Read("y")
			if err != nil {
				t.Fatal(err)
			}
			for i := range got.Len() {
				if v := got.At(i); v == v {
					t.Fatalf("%v, %+v: element %d is %g", dt, lim, i, v)
				}
			}
		}
	}
}
