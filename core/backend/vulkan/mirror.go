package vulkan

import (
	"fmt"
	"maps"
	"slices"

	"github.com/kiban-models/kiban/core/backend/vulkan/internal/vkshim"
)

// mirrorMost is the size in bytes of an output that is copied to the host's memory
// by every run: such as a loss, for which a submission of its own would take far
// longer than the copy.
const mirrorMost = 64 << 10

// newMirror makes room for the small outputs where the host does not see the
// device's memory.
func (r *Runner) newMirror() (err error) {
	var size int64
	r.mirrored = map[string]span{}
	for _, name := range slices.Sorted(maps.Keys(r.p.Outputs)) {
		if n := r.p.Outputs[name].Bytes(); n > 0 && n <= mirrorMost {
			r.mirrored[name] = span{nil, size, n}
			size += up(n, r.b.f.align)
		}
	}
	if size == 0 {
		return nil
	}
	if r.mirror, err = r.b.newBlock(size, true); err != nil {
		return fmt.Errorf("outputs: %w", err)
	}
	clear(r.mirror.bytes) // until the first run
	for name, s := range r.mirrored {
		s.block = r.mirror
		r.mirrored[name] = s
	}
	return nil
}

// copyOut ends a program: the host sees its small outputs, once it has waited.
func (r *Runner) copyOut(c *vkshim.Commands) error {
	if len(r.mirrored) > 0 {
		c.Barrier()
	}
	for name, to := range r.mirrored {
		from, err := r.resolve(r.p.Outputs[name])
		if err != nil {
			return err
		}
		c.Copy(number(from.buffer), number(to.buffer), uint64(from.offset), uint64(to.offset), uint64(to.bytes))
	}
	c.ToHost()
	return nil
}
