package vulkan

import (
	"fmt"
	"unsafe"

	vk "github.com/vulkan-go/vulkan"

	"github.com/kiban-models/kiban/core/backend/vulkan/internal/vkshim"
)

// upload writes data to the beginning of a span.
func (b *Backend) upload(to span, data []byte) error {
	if host := to.host(); host != nil {
		copy(host, data)
		return nil
	}
	for at := int64(0); at < int64(len(data)); at += stagingSize {
		n := copy(b.staging.bytes, data[at:])
		var c vkshim.Commands
		c.Barrier()
		c.Copy(number(b.staging.buffer), number(to.buffer), 0, uint64(to.offset+at), uint64(n))
		c.Barrier()
		if err := b.once(&c); err != nil {
			return err
		}
	}
	return nil
}

// download reads the beginning of a span.
func (b *Backend) download(from span, data []byte) error {
	if host := from.host(); host != nil {
		copy(data, host)
		return nil
	}
	for at := int64(0); at < int64(len(data)); at += stagingSize {
		n := min(stagingSize, int64(len(data))-at)
		var c vkshim.Commands
		c.Barrier()
		c.Copy(number(from.buffer), number(b.staging.buffer), uint64(from.offset+at), 0, uint64(n))
		c.ToHost()
		if err := b.once(&c); err != nil {
			return err
		}
		copy(data[at:], b.staging.bytes[:n])
	}
	return nil
}

// zero clears spans.
func (b *Backend) zero(spans ...span) error {
	var c vkshim.Commands
	for _, s := range spans {
		if host := s.host(); host != nil {
			clear(host)
		} else {
			c.Fill(number(s.buffer), uint64(s.offset), uint64(up(s.bytes, 4)), 0)
		}
	}
	if c.Len() == 0 {
		return nil
	}
	c.Barrier()
	return b.once(&c)
}

// once records commands into the command buffer for transfers and runs them.
func (b *Backend) once(c *vkshim.Commands) error {
	if err := b.record(b.transfer, 0, c); err != nil {
		return err
	}
	return b.submit([]vk.CommandBuffer{b.transfer})
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

// waitSlice is how long one call waits for the device, in nanoseconds.
const waitSlice = 1e9

// submit runs command buffers in order and waits until all are done. A device
// that is lost stays so.
func (b *Backend) submit(all []vk.CommandBuffer) error {
	if b.lost != nil {
		return b.lost
	}
	queue := *(*unsafe.Pointer)(unsafe.Pointer(&b.queue))
	pointers := make([]unsafe.Pointer, len(all))
	for i, cb := range all {
		pointers[i] = *(*unsafe.Pointer)(unsafe.Pointer(&cb))
	}
	if err := b.dev.Submit(queue, pointers, number(b.fence)); err != nil {
		return b.fail(err) // nothing has begun
	}
	fences := []vk.Fence{b.fence}
	r := vk.Timeout
	for r == vk.Timeout {
		r = vk.WaitForFences(b.device, 1, fences, vk.True, waitSlice)
	}
	err := vkshim.Check("wait", int32(r))
	if err == nil {
		err = b.dev.Planted("wait")
	}
	if err != nil { // what was submitted may go on for ever
		b.lost = b.fail(err)
		return b.lost
	}
	return b.check("reset fence", vk.ResetFences(b.device, 1, fences))
}
