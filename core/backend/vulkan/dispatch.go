package vulkan

import "github.com/kiban-models/kiban/core/plan"

// dispatch is one launch of a shader. A step lowers to one or several.
type dispatch struct {
	shader string // stem of vkshaders/*.comp
	// spec are the specialisation constants 0, 1, 2, ... Two dispatches with
	// the same shader and constants share a pipeline.
	spec []uint32
	// push are the push constants, at most 32 words: shapes and factors as
	// 32-bit integers or float bits, laid out as the shader's block.
	push []uint32
	// bind are the storage buffers, binding 0, 1, 2, ...
	bind   []plan.Slot
	groups [3]uint32 // workgroups by axis, each at most 65535
	// subgroup is the size of the subgroups, of which the workgroup has full
	// ones, or 0 where that does not matter.
	subgroup uint32
	// temporary is the bytes of temporary memory that the dispatch begins to
	// use; those after it in the step use the same.
	temporary int64
	// many, if not nil, says that the dispatch may become one with others of
	// its kind; see gather.go.
	many *many
	// at, if not nil, is what is bound in place of bind.
	at []span
	// wait says that the dispatch reads or overwrites what an earlier dispatch
	// of the same step wrote.
	wait bool
}

// lower turns a step into dispatches, choosing between variants of a shader by
// the device's features.
type lower func(s plan.Step, f *features) ([]dispatch, error)
