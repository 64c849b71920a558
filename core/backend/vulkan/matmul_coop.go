package vulkan

import (
	"github.com/kiban-models/kiban/core/backend/vulkan/internal/vkshim"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

// coopShape is the size of the cooperative matrices that a subgroup multiplies,
// [m, k] by [k, n].
type coopShape struct{ m, n, k int }

// grid returns the rows and columns of subgroups that share a tile, at least 2
// of each.
func (c coopShape) grid(t coopTile) (rows, cols int) {
	return max(2, t.rows/(t.own[0]*c.m)), max(2, t.cols/(t.own[1]*c.n))
}

// fullSubgroups reports whether a pipeline may ask for full subgroups of the
// device's size; elsewhere nobody knows which invocations are a subgroup.
func fullSubgroups(d *vkshim.DeviceInfo) bool {
	return d.SubgroupSize > 0 && d.SubgroupMin <= d.SubgroupSize && d.SubgroupSize <= d.SubgroupMax
}

// coopShapes returns the largest cooperative matrices by type of storage. What
// the shaders want of them: 16-bit operands, sums in f32, and sides of 8 or 16,
// which a tile of 32 x 32 has for each of its subgroups.
func coopShapes(d *vkshim.DeviceInfo) (best [3]coopShape) {
	if !fullSubgroups(d) {
		return best
	}
	side := func(n uint32) bool { return n == 8 || n == 16 }
	for _, c := range d.Coop {
		t, s := coopType(c, d), coopShape{int(c.M), int(c.N), int(c.K)}
		if t > 0 && c.Scope == vkshim.ScopeSubgroup &&
			side(c.M) && side(c.N) && side(c.K) && s.m*s.n*s.k > best[t].m*best[t].n*best[t].k {
			best[t] = s
		}
	}
	return best
}

// coopType returns the number of the 16-bit type that is multiplied with sums in
// f32, or 0 if it is another product or shaders may not use the type.
func coopType(c vkshim.CoopMatrix, d *vkshim.DeviceInfo) int {
	switch {
	case c.B != c.A || c.C != vkshim.Float32 || c.Result != vkshim.Float32:
		return 0
	case c.A == vkshim.BFloat16 && d.BFloat16:
		return 1
	case c.A == vkshim.Float16 && d.Float16:
		return 2
	}
	return 0
}

// coopShared is the bytes of shared memory of a tile, as
// include/matmul_coop.glsl has it.
func (p product) coopShared(t coopTile, c coopShape) int {
	rows := func(rows, elements int) int { return rows * (elements/8 + 1) * 16 }
	operand := func(side int, alongK bool) int {
		if alongK {
			return rows(side, t.depth)
		}
		return rows(t.depth, side)
	}
	gm, gn := c.grid(t)
	sums := gm * gn * c.m * (t.cols/gn/4 + 1) * 16
	return max(2*(operand(t.rows, !p.transA)+operand(t.cols, p.transB)), sums)
}

// inParts returns the product as the shader of one makes it, or the parts of it
// and then their sum with all that follows the product.
func (p product) inParts(parts int, one func(p product) dispatch) []dispatch {
	if parts == 1 {
		return []dispatch{one(p)}
	}
	part := plan.Slot{Region: temporary, DType: tensor.F32, Shape: []int{parts, p.m, p.n}}
	first := one(product{m: p.m, n: p.n, k: p.k, transA: p.transA, transB: p.transB, a: p.a, b: p.b, out: part})
	first.groups[2] = uint32(parts)
	first.temporary = part.Bytes()
	p.k, p.transA, p.transB, p.a, p.b = parts, false, false, part, part
	sum := p.start("matmul.parts", 4)
	sum.groups = p.tiles(4, 128)
	sum.wait = true
	return []dispatch{first, sum}
}

func (p product) coopDispatches(t coopTile, f *features) []dispatch {
	return p.inParts(t.parts, func(p product) dispatch {
		in, _ := typeOf(p.a.DType)
		c := f.coop[in]
		d := p.start("matmul.coop."+p.a.DType.String(), 8)
		d.subgroup = f.SubgroupSize
		gm, gn := c.grid(t)
		for _, n := range []int{gm * gn * int(d.subgroup), t.rows, t.cols, t.depth, gm, gn, c.m, c.n, c.k} {
			d.spec = append(d.spec, uint32(n))
		}
		d.groups = p.tiles(t.rows, t.cols)
		return d
	})
}
