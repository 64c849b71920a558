package vulkan

import (
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

func TestChunkRows(t *testing.T) {
	for _, c := range []struct {
		rows, chunk, channels int
		align                 int64
		want                  int // 0 for an error
	}{
		{100, 160, 115, 256, 100}, // one chunk begins at the beginning
		{1000, 160, 768, 256, 160},
		{1000, 160, 115, 64, 160},
		{1000, 160, 115, 256, 128},
		{1000, 32, 115, 256, 0},
	} {
		at := graph.LinearCrossEntropyAttr{Rows: c.rows, Channels: c.channels, Chunk: c.chunk}
		got, err := chunkRows(at, plan.Slot{DType: tensor.BF16}, &features{bindAlign: c.align})
		if got != c.want || (err != nil) != (c.want == 0) {
			t.Errorf("%+v: got %d, %v", c, got, err)
		}
	}
}

func TestTileSize(t *testing.T) {
	gradKV := tile{own: 2, other: 2, scores: 2}
	for _, c := range []struct {
		width      int
		shared     int64
		rows, cols int // 0 for an error
	}{
		{64, 48 << 10, 32, 32},
		{64, 32 << 10, 32, 16},
		{128, 32 << 10, 8, 16},
		{256, 32 << 10, 4, 8},
		{256, 16 << 10, 0, 0},
	} {
		rows, cols, err := gradKV.size(c.width, c.shared)
		if rows != c.rows || cols != c.cols || (err != nil) != (c.rows == 0) {
			t.Errorf("%+v: got %d, %d, %v", c, rows, cols, err)
		}
	}
}

func TestGrid(t *testing.T) {
	f := &features{groups: [3]uint32{65535, 65535, 65535}}
	for _, n := range []int{1, 65535, 65536, 242_000, 65535 * 65535} {
		g, err := grid(n, f)
		if err != nil || int(g[0])*int(g[1]) < n || int(g[0])*int(g[1]) >= n+int(g[1]) {
			t.Errorf("%d workgroups: got %v, %v", n, g, err)
		}
	}
	if _, err := grid(65535*65535+1, f); err == nil {
		t.Error("more workgroups than there are gave no error")
	}
}

func TestWhatShadersCannotDo(t *testing.T) {
	f := &features{groups: [3]uint32{65535, 65535, 65535}, shared: 32 << 10, invocations: 1024, bindAlign: 16}
	slot := func(dt tensor.DType, shape ...int) plan.Slot { return plan.Slot{DType: dt, Shape: shape} }
	for want, s := range map[string]plan.Step{
		"storage type i32":             {Kernel: "add", In: []plan.Slot{slot(tensor.I32, 4), slot(tensor.I32, 4)}, Out: []plan.Slot{slot(tensor.I32, 4)}},
		"more elements than a shader":  {Kernel: "add", In: []plan.Slot{slot(tensor.BF16, 1<<16, 1<<16)}, Out: []plan.Slot{slot(tensor.BF16, 1<<16, 1<<16)}},
		"heads of width 300, wanted":   {Kernel: "attention", Attr: graph.AttentionAttr{Batch: 1, QueryLen: 8, KeyLen: 8, Heads: 1, KVHeads: 1, Width: 300}, In: []plan.Slot{slot(tensor.F32, 8, 300), slot(tensor.F32, 8, 300), slot(tensor.F32, 8, 300)}, Out: []plan.Slot{slot(tensor.F32, 8, 300), slot(tensor.F32, 8)}},
		"fill of u8, wanted":           {Kernel: "fill", Attr: graph.FillAttr{}, Out: []plan.Slot{slot(tensor.U8, 4)}},
		"elements of 2 or 4 bytes and": {Kernel: "copy", In: []plan.Slot{slot(tensor.U8, 3)}, Out: []plan.Slot{slot(tensor.U8, 3)}},
	} {
		if _, err := kernels[s.Kernel](s, f); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got error %v, wanted one that says %q", s.Kernel, err, want)
		}
	}
}
