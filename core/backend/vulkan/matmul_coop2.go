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

// coop2Tile is how a product is cut for cooperative matrices of a workgroup;
// rows is 0 where the device has none.
type coop2Tile struct{ rows, cols, depth, parts int }

func (p product) coop2Tile(f *features) (t coop2Tile) {
	in, _ := typeOf(p.a.DType)
	c := f.coop2[in]
	for _, s := range []coop2Tile{{128, 256, 64, 1}, {128, 128, 64, 1}, {64, 64, 64, 1}} {
		if c.k == 0 || s.rows%c.m != 0 || s.cols%c.n != 0 || s.depth%c.k != 0 {
			continue
		}
		if t = s; ceil(p.m, t.rows)*ceil(p.n, t.cols) >= f.cores {
			return t // large tiles, if there are enough of them
		}
	}
	if t.rows > 0 {
		t.parts = p.parts(ceil(p.m, t.rows)*ceil(p.n, t.cols), f)
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
