package vulkan

import (
	"fmt"
	"unsafe"

	vk "github.com/vulkan-go/vulkan"

	"github.com/kiban-models/kiban/core/backend/vulkan/internal/vkshim"
)

// half is half of the staging buffer: while the device takes or fills one, the
// host is at the other.
type half struct {
	commands vk.CommandBuffer
	offset   int64
	used     uint64 // by this submission
}

// newHalves makes them, and the buffer where the host does not see the device's
// memory.
func (b *Backend) newHalves() error {
	cbs, err := b.commandBuffers(len(b.halves))
	if err != nil {
		return err
	}
	for i, cb := range cbs {
		b.halves[i] = half{commands: cb, offset: int64(i) * halfSize}
	}
	if !b.direct {
		b.staging, err = b.newBlock(2*halfSize, true)
	}
	return err
}

// half returns the half whose turn it is, once the device is done with it.
func (b *Backend) half() (*half, error) {
	h := &b.halves[b.turn]
	b.turn = 1 - b.turn
	return h, b.wait(h.used)
}

// upload writes data to the beginning of a span. It does not wait for the
// device to take the last of it: what is submitted after this sees it.
func (b *Backend) upload(to span, data []byte) error {
	if host := to.host(); host != nil {
		if err := b.wait(b.submitted); err != nil { // runs may use what is there
			return err
		}
		copy(host, data)
		return nil
	}
	for at := int64(0); at < int64(len(data)); at += halfSize {
		h, err := b.half()
		if err != nil {
			return err
		}
		n := copy(b.staging.bytes[h.offset:h.offset+halfSize], data[at:])
		var c vkshim.Commands
		c.Barrier()
		c.Copy(number(b.staging.buffer), number(to.buffer), uint64(h.offset), uint64(to.offset+at), uint64(n))
		if err := b.once(h, &c); err != nil {
			return err
		}
	}
	return nil
}

// download reads the beginning of a span, when all that was submitted is done.
func (b *Backend) download(from span, data []byte) error {
	if host := from.host(); host != nil {
		if err := b.wait(b.submitted); err != nil {
			return err
		}
		copy(data, host)
		return nil
	}
	take := func() error { return nil } // what was submitted last
	for at := int64(0); at < int64(len(data)); at += halfSize {
		h, err := b.half()
		if err != nil {
			return err
		}
		n := min(halfSize, int64(len(data))-at)
		var c vkshim.Commands
		c.Barrier()
		c.Copy(number(from.buffer), number(b.staging.buffer), uint64(from.offset+at), uint64(h.offset), uint64(n))
		c.ToHost()
		if err := b.once(h, &c); err != nil {
			return err
		}
		if err := take(); err != nil {
			return err
		}
		take = func() error {
			if err := b.wait(h.used); err != nil {
				return err
			}
			copy(data[at:at+n], b.staging.bytes[h.offset:])
			return nil
		}
	}
	return take()
}

// zero clears spans that nothing has used yet, and does not wait either.
func (b *Backend) zero(spans ...span) error {
	var c vkshim.Commands
	c.Barrier()
	none := c.Len()
	for _, s := range spans {
		if host := s.host(); host != nil {
			clear(host)
		} else {
			c.Fill(number(s.buffer), uint64(s.offset), uint64(up(s.bytes, 4)), 0)
		}
	}
	if c.Len() == none {
		return nil
	}
	h, err := b.half()
	if err != nil {
		return err
	}
	return b.once(h, &c)
}

// once has the device take commands by the command buffer of a half.
func (b *Backend) once(h *half, c *vkshim.Commands) error {
	if err := b.record(h.commands, 0, c); err != nil {
		return err
	}
	n, err := b.submit([]vk.CommandBuffer{h.commands})
	if err == nil {
		h.used = n
	}
	return err
}

// record writes commands into a command buffer, in place of what it held.
func (b *Backend) record(cb vk.CommandBuffer, usage vk.CommandBufferUsageFlagBits, c *vkshim.Commands) error {
	begin := vk.CommandBufferBeginInfo{SType: vk.StructureTypeCommandBufferBeginInfo, Flags: vk.CommandBufferUsageFlags(usage)}
	defer begin.Free()
	if err := b.check("record", vk.BeginCommandBuffer(cb, &begin)); err != nil {
		return err
	}
	if err := b.dev.Record(*(*unsafe.Pointer)(unsafe.Pointer(&cb)), c); err != nil {
		return fmt.Errorf("vulkan: %w", err)
	}
	return b.check("record", vk.EndCommandBuffer(cb))
}

// commandBuffers makes n of them.
func (b *Backend) commandBuffers(n int) ([]vk.CommandBuffer, error) {
	if n == 0 {
		return nil, nil
	}
	info := vk.CommandBufferAllocateInfo{
		SType:              vk.StructureTypeCommandBufferAllocateInfo,
		CommandPool:        b.pool,
		Level:              vk.CommandBufferLevelPrimary,
		CommandBufferCount: uint32(n),
	}
	defer info.Free()
	all := make([]vk.CommandBuffer, n)
	return all, b.check("allocate command buffers", vk.AllocateCommandBuffers(b.device, &info, all))
}
