package vulkan

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/backend/vulkan/internal/vkshim"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

// TestMatMulCoop holds the products on cooperative matrices to the reference:
// every size of tile, layout and way through the epilogue, at sizes that are no
// multiple of anything.
func TestMatMulCoop(t *testing.T) {
	b := openCoop(t, Options{MatMul: "coop"})
	largest := map[tensor.DType]float64{}
	layouts := []graph.MatMulOpt{{}, {TransA: true}, {TransB: true}, {TransA: true, TransB: true}}
	for _, c := range []struct {
		cores int // which choose the tile
		sizes [][3]int
	}{
		{100, [][3]int{{1, 1, 1}, {7, 33, 130}, {33, 7, 16}, {70, 72, 64}}},
		{4, [][3]int{{130, 129, 33}, {136, 136, 40}}},
		{1, [][3]int{{130, 130, 70}}},
		{100, [][3]int{{33, 40, 1100}, {7, 9, 700}}}, // in parts
	} {
		b.f.cores = c.cores
		for i, s := range c.sizes {
			for j, o := range layouts {
				t.Run(fmt.Sprintf("%dx%dx%d,a=%t,b=%t,cores=%d", s[0], s[1], s[2], o.TransA, o.TransB, c.cores), func(t *testing.T) {
					for _, dt := range coopTypes(b) {
						largest[dt] = max(largest[dt], compareProduct(t, b, s, o, dt, (i+j)%2 == 0))
						if !o.TransA {
							largest[dt] = max(largest[dt], compareWeights(t, b, s, o, dt, tensor.I8, (i+j)%2 == 0))
						}
					}
				})
			}
		}
	}
	// What only measuring would choose.
	for _, b.f.tile = range []coopTile{{64, 128, 16, 1, [2]int{4, 8}}, {128, 32, 16, 3, [2]int{8, 2}}} {
		for _, o := range layouts {
			for _, dt := range coopTypes(b) {
				compareProduct(t, b, [3]int{130, 136, 72}, o, dt, true)
			}
		}
	}
	t.Logf("largest errors, relative: %v", largest)
}

// TestMatMulCoopValidated has the validation layer look on. One that is too old
// for cooperative matrices, as Debian 12's, hides them.
func TestMatMulCoopValidated(t *testing.T) {
	looksIntoShaders(t)
	b := openCoop(t, Options{MatMul: "coop", Validate: true})
	b.f.cores = 100 // small tiles
	for _, dt := range coopTypes(b) {
		compareProduct(t, b, [3]int{33, 30, 40}, graph.MatMulOpt{TransB: true}, dt, true)
		compareProduct(t, b, [3]int{33, 30, 700}, graph.MatMulOpt{TransA: true}, dt, true)
		compareWeights(t, b, [3]int{33, 30, 40}, graph.MatMulOpt{TransB: true}, dt, tensor.I8, true)
	}
	useCoop(t, b)
}

// TestMatMulCoopUse trains what takes several products a step, all of them in
// parts, which must not get into one another's temporary memory.
func TestMatMulCoopUse(t *testing.T) {
	useCoop(t, openCoop(t, Options{MatMul: "coop"}))
}

func useCoop(t *testing.T, b *Backend) {
	t.Helper()
	b.f.cores = 1000
	for _, dt := range coopTypes(b) {
		agree(t, b, 2e-2, func(m *model) map[string]*graph.Node {
			const rows, width, classes = 520, 512, 516
			x, w := m.input("x", dt, small(rows*width, 1), rows, width), m.input("w", dt, small(classes*width, 2), classes, width)
			v := m.input("v", dt, small(width*width, 3), width, width)
			labels := make([]int32, rows)
			for i := range labels {
				labels[i] = int32(i*7%classes) - 1
			}
			// Two products of x, which no barrier separates.
			h := graph.Add(graph.MatMul(x, v, graph.MatMulOpt{}), graph.MatMul(x, v, graph.MatMulOpt{TransB: true}))
			loss := graph.LinearCrossEntropy(h, w, nil, m.ints("labels", labels...))
			grads := graph.Grad(graph.Dot(loss, m.input("weight", tensor.F32, numbers(rows, 4), rows)), x, w, v)
			return map[string]*graph.Node{"loss": loss, "dx": grads[0], "dw": grads[1], "dv": grads[2]}
		}, func(p *plan.Program) {
			for i := range p.Steps {
				if at, ok := p.Steps[i].Attr.(graph.LinearCrossEntropyAttr); ok {
					at.Chunk = 264
					p.Steps[i].Attr = at
				}
			}
		})
	}
}

// small returns numbers whose products of some hundred terms are about 1.
func small(n int, seed uint32) []float32 {
	x := numbers(n, seed)
	for i := range x {
		x[i] /= 8
	}
	return x
}

// TestNewerLavapipe runs the tests of matrix products and of attention on the
// lavapipe of a later Mesa, which has cooperative matrices, as CONTRIBUTING.md says.
func TestNewerLavapipe(t *testing.T) {
	folder := os.Getenv("KIBAN_NEWER_VULKAN")
	if folder == "" {
		t.Skip("KIBAN_NEWER_VULKAN is not set; it names a folder with bin/with-newer-lavapipe")
	}
	self, err := os.Executable()
	must(t, err)
	cmd := exec.Command(filepath.Join(folder, "bin", "with-newer-lavapipe"), self, "-test.run=MatMul|AttentionCoop", "-test.v")
	cmd.Env = append(os.Environ(), "KIBAN_NEWER_VULKAN=")
	out, err := cmd.CombinedOutput()
	for _, test := range []string{"TestMatMulCoop", "TestAttentionCoop"} {
		if err != nil || !strings.Contains(string(out), "--- PASS: "+test+" ") {
			t.Fatalf("%s: %v\n%s", test, err, out)
		}
	}
}

// TestMatMulCoop2 needs a GPU of NVIDIA's.
func TestMatMulCoop2(t *testing.T) {
	b := open(t, Options{MatMul: "coop2"})
	if b.f.coop2 == [3]coopShape{} {
		t.Skipf("%s has no cooperative matrices of workgroups", b.Name())
	}
	for _, cores := range []int{1, 4, 1000} {
		b.f.cores = cores
		for i, dt := range []tensor.DType{tensor.BF16, tensor.F16} {
			if b.f.coop2[1+i].k == 0 {
				continue
			}
			for j, o := range []graph.MatMulOpt{{}, {TransA: true}, {TransB: true}, {TransA: true, TransB: true}} {
				for _, s := range [][3]int{{1, 1, 1}, {7, 33, 130}, {130, 257, 70}, {136, 264, 1100}} {
					compareProduct(t, b, s, o, dt, (i+j)%2 == 0)
				}
			}
		}
	}
}

// coopTypes are the types of which the device has cooperative matrices.
func coopTypes(b *Backend) (types []tensor.DType) {
	for i, dt := range []tensor.DType{tensor.F32, tensor.BF16, tensor.F16} {
		if b.f.coop[i].k > 0 {
			types = append(types, dt)
		}
	}
	return types
}

// openCoop opens a device with cooperative matrices, or skips the test.
func openCoop(t testing.TB, opt Options) *Backend {
	t.Helper()
	b := open(t, opt)
	if len(coopTypes(b)) == 0 {
		t.Skipf("%s has no cooperative matrices of 16-bit floats, or a validation layer before 1.4.320 hides them; see TestNewerLavapipe", b.Name())
	}
	return b
}

// TestCoopShapes has the lists of devices: what is taken, and what none of the
// shaders can use.
func TestCoopShapes(t *testing.T) {
	const f16, f32, bf16, s8 = vkshim.Float16, vkshim.Float32, vkshim.BFloat16, 3
	list := []vkshim.CoopMatrix{
		{M: 16, N: 8, K: 16, A: f16, B: f16, C: f32, Result: f32, Scope: vkshim.ScopeSubgroup},
		{M: 16, N: 16, K: 16, A: f16, B: f16, C: f32, Result: f32, Scope: vkshim.ScopeSubgroup},
		{M: 16, N: 16, K: 16, A: f16, B: f16, C: f16, Result: f16, Scope: vkshim.ScopeSubgroup},
		{M: 32, N: 32, K: 16, A: f16, B: f16, C: f32, Result: f32, Scope: vkshim.ScopeSubgroup},
		{M: 16, N: 16, K: 32, A: s8, B: s8, C: f32, Result: f32, Scope: vkshim.ScopeSubgroup},
		{M: 16, N: 16, K: 8, A: bf16, B: bf16, C: f32, Result: f32, Scope: vkshim.ScopeSubgroup},
		{M: 16, N: 16, K: 16, A: bf16, B: bf16, C: f32, Result: f32, Scope: 2},
	}
	d := vkshim.DeviceInfo{SubgroupSize: 32, SubgroupMin: 32, SubgroupMax: 32, Float16: true, BFloat16: true, Coop: list}
	if got, want := coopShapes(&d), [3]coopShape{{}, {16, 16, 8}, {16, 16, 16}}; got != want {
		t.Errorf("got %v, wanted %v", got, want)
	}
	d.BFloat16, d.Float16 = false, false
	if got := coopShapes(&d); got != [3]coopShape{} {
		t.Errorf("shaders know neither type, and got %v", got)
	}
	d.Float16, d.SubgroupMin, d.SubgroupMax = true, 0, 0
	if got := coopShapes(&d); got != [3]coopShape{} {
		t.Errorf("subgroups may be of any size, and got %v", got)
	}
}

// TestCoopTile has the shapes of models on a large GPU, and what small ones
// leave of a tile.
func TestCoopTile(t *testing.T) {
	gpu := features{
		shared: 48 << 10, invocations: 1024, cores: 132, coop: [3]coopShape{{}, {16, 16, 16}, {16, 16, 16}},
		DeviceInfo: &vkshim.DeviceInfo{SubgroupSize: 32},
	}
	own := [2]int{4, 4}
	for _, c := range []struct {
		m, n, k int
		shared  int64
		want    coopTile
	}{
		{8192, 3072, 768, 48 << 10, coopTile{128, 128, 32, 1, own}},
		{8192, 50257, 768, 48 << 10, coopTile{128, 128, 32, 1, own}},
		{768, 768, 8192, 48 << 10, coopTile{64, 64, 32, 1, own}},
		{64, 768, 768, 48 << 10, coopTile{32, 32, 32, 2, own}},
		{64, 768, 3072, 48 << 10, coopTile{32, 32, 32, 2, own}},
		{16, 768, 3072, 48 << 10, coopTile{32, 32, 32, 5, own}},
		{8192, 3072, 768, 32 << 10, coopTile{128, 128, 16, 1, own}},
		{8192, 3072, 768, 16 << 10, coopTile{64, 64, 16, 1, own}},
		{8192, 3072, 768, 4 << 10, coopTile{}},
	} {
		gpu.shared = c.shared
		p := product{m: c.m, n: c.n, k: c.k, transB: true, a: plan.Slot{DType: tensor.BF16}}
		if got := p.coopTile(&gpu); got != c.want {
			t.Errorf("%d x %d x %d, %d bytes of shared memory: got %v, wanted %v", c.m, c.n, c.k, c.shared, got, c.want)
		}
		p.a.DType = tensor.F32
		if got := p.coopTile(&gpu); got.rows != 0 {
			t.Errorf("f32: got %v, and there are no such matrices", got)
		}
	}
}

// TestCoop2 has the list and the tiles of workgroups' matrices.
func TestCoop2(t *testing.T) {
	const f16, f32, bf16 = vkshim.Float16, vkshim.Float32, vkshim.BFloat16
	d := vkshim.DeviceInfo{Float16: true, BFloat16: true, Coop2: []vkshim.CoopMatrix{
		{M: 32, N: 16, K: 16, A: f16, B: f16, C: f32, Result: f32, Scope: vkshim.ScopeWorkgroup, Invocations: 128},
		{M: 32, N: 32, K: 16, A: f16, B: f16, C: f32, Result: f32, Scope: vkshim.ScopeWorkgroup, Invocations: 256},
		{M: 16, N: 16, K: 16, A: bf16, B: bf16, C: f32, Result: f32, Scope: vkshim.ScopeSubgroup, Invocations: 0},
	}}
	f := features{coop2: coop2Shapes(&d), cores: 132, DeviceInfo: &d}
	if f.coop2 != [3]coopShape{2: {32, 32, 16}} {
		t.Errorf("got %v", f.coop2)
	}
	for _, c := range []struct {
		m, n, k int
		dt      tensor.DType
		want    coopTile
	}{
		{8192, 3072, 768, tensor.F16, coopTile{128, 256, 64, 1, [2]int{}}},
		{1024, 3072, 768, tensor.F16, coopTile{128, 128, 64, 1, [2]int{}}},
		{64, 768, 3072, tensor.F16, coopTile{64, 64, 64, 8, [2]int{}}},
		{64, 768, 3072, tensor.BF16, coopTile{}},
	} {
		p := product{m: c.m, n: c.n, k: c.k, a: plan.Slot{DType: c.dt}}
		if got := p.coop2Tile(&f); got != c.want {
			t.Errorf("%v %d x %d x %d: got %v, wanted %v", c.dt, c.m, c.n, c.k, got, c.want)
		}
	}
}

// TestTemporaries makes sure that memory is taken again after a barrier alone.
func TestTemporaries(t *testing.T) {
	var temp temporaries
	slot := []plan.Slot{{Region: temporary}, {Region: plan.Scratch, Offset: 5}}
	for i, c := range []struct {
		bytes int64
		waits bool
		want  int64
	}{
		{100, true, 0}, {0, true, 0}, {300, false, 128}, {0, true, 128}, {10, false, 448}, {10, true, 0},
	} {
		d := dispatch{temporary: c.bytes, bind: append([]plan.Slot(nil), slot...)}
		temp.place(&d, c.waits, 64)
		if d.bind[0].Offset != c.want || d.bind[1].Offset != 5 {
			t.Errorf("dispatch %d: operands at %d and %d, wanted %d and 5", i, d.bind[0].Offset, d.bind[1].Offset, c.want)
		}
	}
	if temp.size != 512 {
		t.Errorf("%d bytes in all, wanted 512", temp.size)
	}
}
