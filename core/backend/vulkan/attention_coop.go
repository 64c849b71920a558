package vulkan

import (
	"strings"

	"github.com/kiban-models/kiban/core/backend/vulkan/internal/vkshim"
	"github.com/kiban-models/kiban/core/plan"
)

// attentionTile is how attention is cut for cooperative matrices: each of some
// subgroups has so many matrices of rows of its own, and goes over tiles of cols
// others. own is 0 where the device lacks what it takes.
type attentionTile struct{ subgroups, own, cols int }

// coopShared is the bytes of shared memory of a tile, as
// include/attention_coop.glsl has it.
func (a *attention) coopShared(t attentionTile, shader string) int {
	c := a.f.coop[a.storage]
	rows, side := t.subgroups*t.own*c.m, max(c.n, c.k)
	stride := (ceil(a.Width, side) * side / 8) | 1
	bytes := 16*max(2*t.cols, t.subgroups*c.m)*stride + 16*rows*(t.cols/4+1) + 8*rows*(t.cols/4+2)
	if shader == "attention_grad_kv" { // which has what belongs to a query there, too
		bytes += 8*t.cols + 4
		if a.Dropout > 0 {
			bytes += 4 * t.cols * ceil(rows, 8)
		}
	}
	return bytes
}

// fits reports whether the device and the shaders can do with a tile.
func (a *attention) fits(t attentionTile, shader string) bool {
	const ops = vkshim.SubgroupShuffle | vkshim.SubgroupVote
	c, subgroup := a.f.coop[a.storage], int(a.f.SubgroupSize)
	if t.own == 0 || c.k == 0 || a.f.SubgroupOps&ops != ops || subgroup%(t.own*c.m) != 0 {
		return false
	}
	perRow := subgroup / (t.own * c.m) // invocations, each with eight columns at a time
	return t.cols%(8*perRow) == 0 && t.cols%c.n == 0 && t.cols%c.k == 0 &&
		t.cols <= t.subgroups*subgroup && t.subgroups*subgroup <= a.f.invocations &&
		a.coopShared(t, shader) <= min(int(a.f.shared), sharedLimit)
}

// coop is dispatch on cooperative matrices.
func (a *attention) coop(shader string, bind []plan.Slot, n, heads int, t attentionTile, spec ...uint32) dispatch {
	c, subgroup := a.f.coop[a.storage], a.f.SubgroupSize
	rows := t.subgroups * t.own * c.m
	d := a.launch(shader+".coop."+a.q.DType.String(), bind, ceil(n, rows), heads, rows, t.cols)
	d.spec[0], d.spec[5] = uint32(t.subgroups)*subgroup, flag(a.multiples(8))
	d.spec = append(append(d.spec, spec...), make([]uint32, 3-len(spec))...)
	d.spec = append(d.spec, subgroup, uint32(t.own), uint32(c.m), uint32(c.n), uint32(c.k), flag(strings.HasPrefix(a.f.Driver, "llvmpipe")))
	d.subgroup = subgroup
	return d
}
