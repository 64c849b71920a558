package vulkan

import (
	"fmt"
	"unsafe"

	vk "github.com/vulkan-go/vulkan"
)

const (
	maxBlock = 1 << 30 // of parameters and states, and of scratch memory
	halfSize = 8 << 20 // of the buffer through which a discrete device is read and written
)

// block is one allocation of device memory under one buffer.
type block struct {
	buffer vk.Buffer
	memory vk.DeviceMemory
	size   int64
	used   int64
	bytes  []byte // the memory itself where the host sees it, else nil
}

// span is a piece of a block.
type span struct {
	*block
	offset, bytes int64
}

// host returns the memory of the span, or nil if the host does not see it.
func (s span) host() []byte {
	if s.block.bytes == nil {
		return nil
	}
	return s.block.bytes[s.offset : s.offset+s.bytes]
}

// memoryType returns the type for a buffer that allows those in bits: for
// staging, memory of the host; for values, memory of the device, seen by the
// host as well if direct access was chosen. It returns -1 if there is none.
func (b *Backend) memoryType(bits uint32, staging bool) int {
	const (
		local   = uint32(vk.MemoryPropertyDeviceLocalBit)
		visible = uint32(vk.MemoryPropertyHostVisibleBit) | uint32(vk.MemoryPropertyHostCoherentBit)
		cached  = uint32(vk.MemoryPropertyHostCachedBit)
	)
	var wishes [][2]uint32 // flags that must be set, flags that must not
	switch {
	case staging:
		wishes = [][2]uint32{{visible | cached, local}, {visible | cached, 0}, {visible, 0}}
	case b.direct:
		wishes = [][2]uint32{{local | visible | cached, 0}, {local | visible, 0}}
	default:
		wishes = [][2]uint32{{local, visible}, {local, 0}}
	}
	for _, w := range wishes {
		for i, t := range b.f.Types {
			if bits>>i&1 == 1 && t.Flags&w[0] == w[0] && t.Flags&w[1] == 0 {
				return i
			}
		}
	}
	return -1
}

// newBlock allocates size bytes.
func (b *Backend) newBlock(size int64, staging bool) (*block, error) {
	size = max(up(size, b.f.align), b.f.align)
	if size > b.f.MaxAllocation {
		return nil, fmt.Errorf("vulkan: %s in one piece, and the device allocates at most %s; use a smaller batch",
			mebi(size), mebi(b.f.MaxAllocation))
	}
	info := vk.BufferCreateInfo{
		SType: vk.StructureTypeBufferCreateInfo,
		Size:  vk.DeviceSize(size),
		Usage: vk.BufferUsageFlags(vk.BufferUsageStorageBufferBit | vk.BufferUsageTransferSrcBit | vk.BufferUsageTransferDstBit),
	}
	defer info.Free()
	var buffer vk.Buffer
	if err := b.check("create buffer", vk.CreateBuffer(b.device, &info, nil, &buffer)); err != nil {
		return nil, err
	}
	var need vk.MemoryRequirements
	vk.GetBufferMemoryRequirements(b.device, buffer, &need)
	need.Deref()
	defer need.Free()
	kind := b.memoryType(need.MemoryTypeBits, staging)
	if kind < 0 {
		vk.DestroyBuffer(b.device, buffer, nil)
		return nil, fmt.Errorf("vulkan: the device has no memory for buffers; update the driver, choose another device or use --device cpu")
	}
	allocate := vk.MemoryAllocateInfo{
		SType:           vk.StructureTypeMemoryAllocateInfo,
		AllocationSize:  need.Size,
		MemoryTypeIndex: uint32(kind),
	}
	defer allocate.Free()
	var memory vk.DeviceMemory
	err := b.fail(b.dev.Planted("allocate"))
	if err == nil {
		err = b.check("allocate "+mebi(size), vk.AllocateMemory(b.device, &allocate, nil, &memory))
	}
	if err != nil {
		vk.DestroyBuffer(b.device, buffer, nil)
		return nil, err
	}
	k := &block{buffer: buffer, memory: memory, size: size}
	b.allocated += size
	err = b.check("bind memory", vk.BindBufferMemory(b.device, k.buffer, k.memory, 0))
	if err == nil && (staging || b.direct) {
		var p unsafe.Pointer
		err = b.check("map memory", vk.MapMemory(b.device, k.memory, 0, vk.DeviceSize(size), 0, &p))
		if err == nil {
			k.bytes = unsafe.Slice((*byte)(p), size)
		}
	}
	if err != nil {
		b.freeBlock(k)
		return nil, err
	}
	return k, nil
}

// freeBlock gives the memory back; freeing it unmaps it as well.
func (b *Backend) freeBlock(k *block) {
	if k == nil {
		return
	}
	vk.DestroyBuffer(b.device, k.buffer, nil)
	vk.FreeMemory(b.device, k.memory, nil)
	b.allocated -= k.size
	k.bytes = nil
}

// place returns room for a parameter or state. Blocks grow with what there is,
// so that small models take little and large ones few allocations.
func (b *Backend) place(bytes int64) (span, error) {
	size := max(up(bytes, b.f.align), b.f.align)
	for _, k := range b.blocks {
		if k.size-k.used >= size {
			s := span{k, k.used, bytes}
			k.used += size
			return s, nil
		}
	}
	var total int64
	for _, k := range b.blocks {
		total += k.size
	}
	grown := max(size, min(maxBlock, b.f.MaxAllocation/2, max(1<<20, total)))
	if grown > b.free() {
		grown = size
	}
	k, err := b.newBlock(grown, false)
	if err != nil {
		return span{}, err
	}
	b.blocks = append(b.blocks, k)
	k.used = size
	return span{k, 0, bytes}, nil
}

// fits returns an error if bytes more than are allocated are more than the
// device has.
func (b *Backend) fits(what string, bytes int64) error {
	free := b.free()
	if bytes > free {
		return fmt.Errorf("vulkan: %s needs %s, device %d (%s) has %s free of %s: %s",
			what, mebi(bytes), b.f.info.ID, b.f.info.Name, mebi(free), mebi(b.f.info.MemoryTotal), remedy)
	}
	return nil
}

// free returns what is left of the device's memory.
func (b *Backend) free() int64 {
	if b.memoryLimit > 0 {
		return b.memoryLimit - b.allocated
	}
	now := b.instance.DeviceInfo(*(*unsafe.Pointer)(unsafe.Pointer(&b.physical)), b.f.api)
	var size, left int64
	for _, h := range now.Heaps {
		if h.Flags&uint32(vk.MemoryHeapDeviceLocalBit) != 0 && h.Size > size {
			size, left = h.Size, h.Free
		}
	}
	if !now.HasBudget {
		left = size - b.allocated
	}
	return left
}

func up(n, align int64) int64 { return (n + align - 1) / align * align }

func mebi(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%d bytes", n)
}
