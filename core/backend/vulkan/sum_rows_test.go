package vulkan

import (
	"context"
	"fmt"
	"testing"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

// columnSums sums the rows of x and makes the gradients of a layer norm's weight
// and bias: what goes down columns.
func columnSums(dt tensor.DType, rows, cols int) func(m *model) map[string]*graph.Node {
	return func(m *model) map[string]*graph.Node {
		x, d := m.input("x", dt, numbers(rows*cols, 1), rows, cols), m.input("d", tensor.F32, numbers(rows*cols, 2), rows, cols)
		w, b := m.input("w", tensor.F32, numbers(cols, 3), cols), m.input("b", tensor.F32, numbers(cols, 4), cols)
		grads := graph.Grad(graph.Dot(graph.Cast(graph.LayerNorm(x, w, b, 1e-2), tensor.F32), d), w, b)
		return map[string]*graph.Node{"sum": graph.SumRows(x), "dw": grads[0], "db": grads[1]}
	}
}

// TestRowParts holds sums down columns whose rows go in parts to the reference:
// fewer rows than parts, parts of several turns, a last part that is shorter, and
// columns that do and do not go by fours, one workgroup's and more.
func TestRowParts(t *testing.T) {
	b := open(t, Options{})
	for _, dt := range []tensor.DType{tensor.F32, tensor.BF16, tensor.F16} {
		for _, c := range []struct{ parts, rows, cols int }{
			{5, 1, 7}, {5, 3, 1}, {4, 150, 3}, {3, 1000, 4}, {40, 77, 33}, {2, 301, 124}, {7, 60, 1280}, {1, 9, 1280},
		} {
			b.f.rowParts = c.parts
			t.Run(fmt.Sprintf("%v/%d/%dx%d", dt, c.parts, c.rows, c.cols), func(t *testing.T) {
				agree(t, b, 1e-5, columnSums(dt, c.rows, c.cols), nil)
				repeats(t, b, columnSums(dt, c.rows, c.cols))
			})
		}
	}
}

// TestRowPartsValidated has the validation layer look on: the dispatches that add
// parts wait for those that leave them.
func TestRowPartsValidated(t *testing.T) {
	looksIntoShaders(t)
	b := openValidated(t, Options{})
	b.f.rowParts = 3
	for _, cols := range []int{7, 132} {
		agree(t, b, 1e-5, columnSums(tensor.BF16, 50, cols), nil)
	}
}

// TestPartRows has how rows are divided on a large GPU, by the shapes of models.
func TestPartRows(t *testing.T) {
	for _, c := range []struct{ rows, cols, want int }{
		{8192, 1280, 384}, {8192, 5120, 1408}, {8192, 768, 256}, {8192, 20000, 8192}, {512, 768, 512}, {0, 8, 1},
	} {
		f := &features{cores: 132, invocations: 1024, kind: 2}
		groups := ceil(c.cols, 4*placesOfGroup)
		if got := f.partRows(c.rows, groups); got != c.want {
			t.Errorf("%d x %d: parts of %d rows, wanted %d", c.rows, c.cols, got, c.want)
		}
		f.kind = 4 // the CPU
		if got := f.partRows(c.rows, groups); got != max(1, c.rows) {
			t.Errorf("%d x %d: parts of %d rows on a CPU", c.rows, c.cols, got)
		}
	}
}

// TestColumnsByFours has columns go by fours only where each row, and each
// operand, begins at a multiple of that.
func TestColumnsByFours(t *testing.T) {
	f := &features{invocations: 1024}
	for _, c := range []struct {
		cols   int
		offset int64
		groups uint32
	}{{1280, 0, 10}, {1280, 48, 10}, {1280, 8, 40}, {1281, 0, 41}, {4, 0, 1}} {
		d := columnsDispatch("sum_rows", 1, 9, c.cols, false, []plan.Slot{{Offset: c.offset}, {}}, f)
		if wide := c.cols%4 == 0 && c.offset%16 == 0; d.spec[2] != flag(wide) || d.groups[0] != c.groups {
			t.Errorf("%+v: constants %v, workgroups %v", c, d.spec, d.groups)
		}
	}
}

// BenchmarkSumRows times sums down columns by the device's clock and the bytes
// read, of a bias's gradient and of a norm's weight: the shapes are ProtGPT2's
// with 16 x 512 tokens. All rows in one part are beside the parts of partRows.
func BenchmarkSumRows(b *testing.B) {
	d := open(b, Options{Profile: true})
	if d.f.TimestampBits == 0 {
		b.Skipf("%s takes no timestamps", d.Name())
	}
	rows, widths, dt := 8192, []int{1280, 5120}, tensor.BF16
	if d.f.software() {
		rows, widths = 512, []int{256}
	}
	for _, cols := range widths {
		for _, parts := range []int{1, 0} {
			d.f.rowParts = parts
			b.Run(fmt.Sprintf("%dx%d/parts=%d", rows, cols, parts), func(b *testing.B) {
				g := graph.New()
				x, by := g.Input("x", dt, rows, cols), g.Input("d", tensor.F32, rows, cols)
				w, bias := g.Input("w", tensor.F32, cols), g.Input("b", tensor.F32, cols)
				grads := graph.Grad(graph.Dot(graph.Cast(graph.LayerNorm(x, w, bias, 1e-5), tensor.F32), by), w, bias)
				r := load(b, d, g, map[string]*graph.Node{"sum": graph.SumRows(x), "dw": grads[0], "db": grads[1]})
				defer r.Close()
				must(b, r.Write("x", noise(dt, rows, cols)))
				must(b, r.Write("d", noise(tensor.F32, rows, cols)))
				must(b, r.Run(context.Background())) // drivers may compile as late as here
				before := d.Profile()
				for b.Loop() {
					must(b, r.Run(context.Background()))
				}
				after := d.Profile()
				for kernel, reads := range map[string]int{"sum_rows": 1, "layer_norm_grad_w": 2} {
					ns := after.Kernels[kernel].Nanoseconds - before.Kernels[kernel].Nanoseconds
					b.ReportMetric(float64(b.N*reads*dt.Size()*rows*cols)/float64(ns), "GB/s-"+kernel)
				}
			})
		}
	}
}
