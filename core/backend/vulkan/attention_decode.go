package vulkan

import (
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

// decode lowers attention of few queries, as in decoding: bind is what
// attention.decode has without its parts. Of several parts of the keys each has
// a workgroup, and a second dispatch brings together what they leave.
func (a *attention) decode(bind []plan.Slot) []dispatch {
	lanes, parts := a.decodeCut()
	rows, o, lse := a.Batch*a.QueryLen*a.Heads, bind[5], bind[6]
	part := o // not written
	if parts > 1 {
		part = plan.Slot{Region: temporary, DType: tensor.F32, Shape: []int{rows, parts, 1 + ceil(a.Width, 4), 4}}
	}
	first := a.launch("attention.decode", append(bind, part, a.bias), a.QueryLen*parts, a.Heads, lanes/4, 1)
	first.spec = append(first.spec, uint32(parts))
	if parts == 1 {
		return []dispatch{first}
	}
	first.temporary = part.Bytes()
	n := rows * ceil(a.Width, 4)
	return []dispatch{first, {
		shader: "attention.parts",
		spec:   []uint32{a.storage, uint32(a.Width), uint32(parts)},
		push:   []uint32{uint32(n), uint32(a.QueryLen), uint32(a.Heads)},
		bind:   []plan.Slot{part, o, lse},
		groups: [3]uint32{uint32(ceil(n, 64)), 1, 1},
		wait:   true,
	}}
}

// decodeLanes is the number of keys that attention.decode meets at a time at
// most, an invocation each. Its sums take 16 bytes of shared memory for each of
// them and 64 elements of a head's width.
func (a *attention) decodeLanes() int {
	lanes := 512 / ceil(a.Width, 64)
	if a.f.software() {
		lanes = 64
	}
	return int(largest(max(16, min(lanes, a.f.invocations, a.KeyLen+31))))
}
