package vulkan

import (
	"math/bits"
	"strings"

	"github.com/kiban-models/kiban/core/backend/vulkan/internal/vkshim"
	"github.com/kiban-models/kiban/core/tensor"
)

// vecRows is the largest number of rows of the vec variants.
const vecRows = 8

// vec returns the dispatch of a product of few rows.
func (p product) vec(f *features) dispatch {
	rows := 1 << bits.Len(uint(p.m-1))
	if !f.addsInSubgroups() {
		cols := 4
		if !p.transB && p.n >= 8192 {
			cols = 16
		}
		d := p.start("matmul.vec", 4)
		d.spec = append(d.spec, uint32(rows), uint32(cols))
		if !p.transB {
			cols *= 4
		}
		d.groups = p.tiles(rows, cols)
		return d
	}
	const subgroups = 8
	per := 4 // elements of b at a time
	if p.a.DType != tensor.F32 || p.int8() {
		per = 8
	}
	// Columns of a workgroup are cols times these. More read more at a place, or
	// the few rows less often, but there should be two workgroups for each core.
	each, cols, most := subgroups, 1, 4
	if !p.transB {
		each, cols, most = per, 2, 8
	}
	for cols < most && p.n >= 2*cols*each*2*f.cores {
		cols *= 2
	}
	d := p.start("matmul.vec.subgroup", per)
	d.subgroup = f.SubgroupSize
	d.spec = append(d.spec, subgroups*d.subgroup, d.subgroup, uint32(rows), uint32(cols))
	d.groups = p.tiles(rows, each*cols)
	return d
}

// addsInSubgroups reports whether shaders may count on the size of a subgroup
// and on its sums.
func (f *features) addsInSubgroups() bool {
	const ops = vkshim.SubgroupArithmetic | vkshim.SubgroupShuffle
	if strings.HasPrefix(f.Driver, "MoltenVK") {
		return false // sums wrongly on AMD's GPUs
	}
	return f.SubgroupOps&ops == ops && fullSubgroups(f.DeviceInfo) && 8*int(f.SubgroupSize) <= f.invocations
}
