package vulkan

import (
	"math/bits"
	"strings"

	"github.com/kiban-models/kiban/core/backend/vulkan/internal/vkshim"
	"github.com/kiban-models/kiban/core/tensor"
)

// vecRows is the largest number of rows of the vec variants.
const vecRows = 8

// vec lowers a product of few rows.
func (p product) vec(f *features) []dispatch {
	if !f.addsInSubgroups() {
		cols := 4
		if !p.transB && p.n >= 8192 {
			cols = 16
		}
		d := p.start("matmul.vec", 4)
		d.spec = append(d.spec, uint32(p.powerOfRows()), uint32(cols))
		if !p.transB {
			cols *= 4
		}
		d.groups = p.tiles(vecRows, cols)
		return []dispatch{d}
	}
	return f.fastest(p.vecChoice("matmul.vec.subgroup", f))
}

func (p product) powerOfRows() int { return 1 << bits.Len(uint(p.m-1)) }

// vecSubgroups are those of a workgroup of include/matmul_vec.glsl.
const vecSubgroups = 8

// vecCut chooses what a workgroup of include/matmul_vec.glsl does: cols times each
// columns, and reads b by so many elements.
func (p product) vecCut(f *features) (per, each, cols int) {
	per = 4
	if p.a.DType != tensor.F32 || p.int8() {
		per = 8
	}
	// Columns of a workgroup are cols times these. More read more at a place, or
	// the few rows less often, but there should be two workgroups for each core.
	each, cols = vecSubgroups, 1
	most := 4
	if !p.transB {
		each, cols, most = per, 2, min(8, int(f.SubgroupSize)) // the first of a subgroup have them
	}
	for cols < most && p.n >= 2*cols*each*2*f.cores {
		cols *= 2
	}
	return per, each, cols
}

// vecOf returns the dispatch of a shader of include/matmul_vec.glsl with so many
// columns.
func (p product) vecOf(shader string, cols int, f *features) dispatch {
	per, each, _ := p.vecCut(f)
	d := p.start(shader, per)
	d.subgroup = f.SubgroupSize
	d.spec = append(d.spec, vecSubgroups*d.subgroup, d.subgroup, uint32(p.powerOfRows()), uint32(cols))
	d.groups = p.tiles(vecRows, each*cols)
	return d
}

// addsInSubgroups reports whether shaders may count on the size of a subgroup
// and on its sums.
func (f *features) addsInSubgroups() bool {
	const ops = vkshim.SubgroupArithmetic | vkshim.SubgroupShuffle
	if strings.HasPrefix(f.Driver, "MoltenVK") {
		return false // sums wrongly on AMD's GPUs
	}
	return f.SubgroupOps&ops == ops && fullSubgroups(f.DeviceInfo) && f.SubgroupSize >= 2 && vecSubgroups*int(f.SubgroupSize) <= f.invocations
}
