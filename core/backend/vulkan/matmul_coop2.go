package vulkan

import "github.com/kiban-models/kiban/core/backend/vulkan/internal/vkshim"

// coop2Threads is the size of the workgroup in include/matmul_coop2.glsl.
const coop2Threads = 256

// coop2Shapes returns of what the sides of a workgroup's cooperative matrices
// are multiples, by type of storage.
func coop2Shapes(d *vkshim.DeviceInfo) (best [3]coopShape) {
	for _, c := range d.Coop2 {
		t := coopType(c, d)
		if t > 0 && c.Scope == vkshim.ScopeWorkgroup && c.Invocations == coop2Threads && best[t].k == 0 {
			best[t] = coopShape{int(c.M), int(c.N), int(c.K)}
		}
	}
	return best
}

// coop2Tile chooses tiles of a workgroup's cooperative matrices.
func (p product) coop2Tile(f *features) (t coopTile) {
	if p.int8() {
		return t // which the driver would load as it loads a
	}
	in, _ := typeOf(p.a.DType)
	c := f.coop2[in]
	fits := func(t coopTile) bool { return c.k > 0 && t.rows%c.m == 0 && t.cols%c.n == 0 && t.depth%c.k == 0 }
	for _, s := range []coopTile{{rows: 128, cols: 256, depth: 64}, {rows: 128, cols: 128, depth: 64}, {rows: 64, cols: 64, depth: 64}} {
		if fits(s) && (t.rows == 0 || t.count(p) < f.cores) {
			t = s // large ones, if there are enough of them
		}
	}
	if f.tile.rows > 0 && fits(f.tile) {
		t = f.tile
	}
	if t.rows > 0 {
		t.parts = max(t.parts, p.parts(t.count(p), f))
	}
	return t
}

func (p product) coop2Dispatches(f *features) []dispatch {
	t := p.coop2Tile(f)
	return p.inParts(t.parts, func(p product) dispatch {
		d := p.start("matmul.coop2."+p.a.DType.String(), 8)
		d.spec = append(d.spec, uint32(t.rows), uint32(t.cols), uint32(t.depth))
		d.groups = p.tiles(t.rows, t.cols)
		return d
	})
}
