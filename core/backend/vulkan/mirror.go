package vulkan

import (
	"fmt"
	"maps"
	"slices"

	vk "github.com/vulkan-go/vulkan"

	"github.com/kiban-models/kiban/core/backend/vulkan/internal/vkshim"
)

// mirrorMost is the size in bytes of an output that is copied to the host's memory
// at the end of every submission: such as a loss, for which a submission of its own
// would take far longer than the copy.
const mirrorMost = 64 << 10

// mirror is host memory for small outputs, where the host does not see the
// device's. The zero value holds none.
type mirror struct {
	block   *block
	outputs map[string]span
	copies  []vk.CommandBuffer // none or one
}

// newMirror makes room and records the copies.
func (r *Runner) newMirror() (err error) {
	m := &r.mirror
	m.outputs = map[string]span{}
	var size int64
	for _, name := range slices.Sorted(maps.Keys(r.p.Outputs)) {
		if n := r.p.Outputs[name].Bytes(); n > 0 && n <= mirrorMost {
			m.outputs[name] = span{nil, size, n}
			size += up(n, r.b.f.align)
		}
	}
	if size == 0 {
		return nil
	}
	if m.block, err = r.b.newBlock(size, true); err != nil {
		return fmt.Errorf("outputs: %w", err)
	}
	clear(m.block.bytes) // until the first run
	var c vkshim.Commands
	c.Barrier()
	for name, to := range m.outputs {
		from, err := r.resolve(r.p.Outputs[name])
		if err != nil {
			return err
		}
		to.block = m.block
		m.outputs[name] = to
		c.Copy(number(from.buffer), number(to.buffer), uint64(from.offset), uint64(to.offset), uint64(to.bytes))
	}
	c.ToHost()
	if m.copies, err = r.b.commandBuffers(1); err != nil {
		return err
	}
	return r.b.record(m.copies[0], vk.CommandBufferUsageSimultaneousUseBit, &c) // two runs may be under way
}
