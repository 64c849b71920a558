package vkshim

/*
#include "shim.h"
*/
import "C"

import (
	"fmt"
	"unsafe"
)

// MaxBindings is the largest number of storage buffers of a layout.
const MaxBindings = 64

// NewLayouts makes the layout of a descriptor set of storage buffers 0 to
// bindings-1, and that of the pipelines that use it with push constants.
func (d *Device) NewLayouts(bindings int, pushBytes uint32) (set, pipeline uint64, err error) {
	if bindings > MaxBindings {
		return 0, 0, fmt.Errorf("create layout: %d bindings, at most %d", bindings, MaxBindings)
	}
	var s, p C.uint64_t
	r := C.shim_layouts_new(d.c, C.uint32_t(bindings), C.uint32_t(pushBytes), &s, &p)
	return uint64(s), uint64(p), Check("create layout", int32(r))
}

// FreeLayouts destroys the pair.
func (d *Device) FreeLayouts(set, pipeline uint64) {
	C.shim_layouts_free(d.c, C.uint64_t(set), C.uint64_t(pipeline))
}

// NewPipelineCache makes a cache in memory, empty or of what PipelineCacheData
// gave once.
func (d *Device) NewPipelineCache(data []byte) (uint64, error) {
	var c C.uint64_t
	r := C.shim_cache_new(d.c, unsafe.Pointer(unsafe.SliceData(data)), C.size_t(len(data)), &c)
	return uint64(c), Check("create pipeline cache", int32(r))
}

// PipelineCacheData returns what is in a cache.
func (d *Device) PipelineCacheData(cache uint64) ([]byte, error) {
	var size C.size_t
	if err := Check("size pipeline cache", int32(C.shim_cache_data(d.c, C.uint64_t(cache), nil, &size))); err != nil || size == 0 {
		return nil, err
	}
	data := make([]byte, size)
	r := C.shim_cache_data(d.c, C.uint64_t(cache), unsafe.Pointer(&data[0]), &size)
	return data[:size], Check("read pipeline cache", int32(r))
}

// FreePipelineCache destroys it.
func (d *Device) FreePipelineCache(cache uint64) { C.shim_cache_free(d.c, C.uint64_t(cache)) }

// NewPipeline compiles SPIR-V with specialisation constants 0, 1, 2, ... Unless
// subgroup is 0, the workgroup consists of full subgroups of that size.
func (d *Device) NewPipeline(cache, layout uint64, code, spec []uint32, subgroup uint32) (uint64, error) {
	if err := d.Planted("create pipeline"); err != nil {
		return 0, err
	}
	var p C.uint64_t
	r := C.shim_pipeline_new(d.c, C.uint64_t(cache), C.uint64_t(layout),
		(*C.uint32_t)(unsafe.SliceData(code)), C.size_t(4*len(code)),
		(*C.uint32_t)(unsafe.SliceData(spec)), C.uint32_t(len(spec)), C.uint32_t(subgroup), &p)
	return uint64(p), Check("create pipeline", int32(r))
}

// FreePipeline destroys it.
func (d *Device) FreePipeline(p uint64) { C.shim_pipeline_free(d.c, C.uint64_t(p)) }

// Binding is a piece of a VkBuffer.
type Binding struct{ Buffer, Offset, Range uint64 }

// NewSets makes a pool with one descriptor set for each layout and writes the
// bindings, counts[i] of them to set i, in order.
func (d *Device) NewSets(layouts []uint64, counts []uint32, bindings []Binding) (pool uint64, sets []uint64, err error) {
	if len(layouts) == 0 {
		return 0, nil, nil
	}
	if err := d.Planted("allocate descriptor sets"); err != nil {
		return 0, nil, err
	}
	sets = make([]uint64, len(layouts))
	var p C.uint64_t
	r := C.shim_sets_new(d.c, C.uint32_t(len(layouts)), (*C.uint64_t)(unsafe.SliceData(layouts)),
		C.uint32_t(max(1, len(bindings))), &p, (*C.uint64_t)(unsafe.SliceData(sets)))
	if err := Check("allocate descriptor sets", int32(r)); err != nil {
		return 0, nil, err
	}
	C.shim_sets_write(d.c, C.uint32_t(len(sets)), (*C.uint64_t)(unsafe.SliceData(sets)),
		(*C.uint32_t)(unsafe.SliceData(counts)), (*C.uint64_t)(unsafe.Pointer(unsafe.SliceData(bindings))))
	return uint64(p), sets, nil
}

// FreeSets destroys the pool of NewSets and its sets.
func (d *Device) FreeSets(pool uint64) { C.shim_sets_free(d.c, C.uint64_t(pool)) }

// Commands is a list of commands in the making, which Record gives to a
// command buffer in one call.
type Commands struct{ words []uint64 }

// Len returns the size of the list, in words.
func (c *Commands) Len() int { return len(c.words) }

// Dispatch launches a pipeline.
func (c *Commands) Dispatch(pipeline, layout, set uint64, groups [3]uint32, push []uint32) {
	c.words = append(c.words, C.SHIM_DISPATCH, pipeline, layout, set,
		uint64(groups[0]), uint64(groups[1]), uint64(groups[2]), uint64(len(push)))
	for i := 0; i < len(push); i += 2 {
		w := uint64(push[i])
		if i+1 < len(push) {
			w |= uint64(push[i+1]) << 32
		}
		c.words = append(c.words, w)
	}
}

// Barrier makes the device's work so far precede and be seen by its later work.
func (c *Commands) Barrier() { c.words = append(c.words, C.SHIM_BARRIER) }

// ToHost makes the device's work so far be seen by the host once it has waited.
func (c *Commands) ToHost() { c.words = append(c.words, C.SHIM_TO_HOST) }

// Copy copies between VkBuffers.
func (c *Commands) Copy(from, to, fromOffset, toOffset, bytes uint64) {
	c.words = append(c.words, C.SHIM_COPY, from, to, fromOffset, toOffset, bytes)
}

// Fill sets bytes, a multiple of 4, of a VkBuffer to copies of a word.
func (c *Commands) Fill(buffer, offset, bytes uint64, word uint32) {
	c.words = append(c.words, C.SHIM_FILL, buffer, offset, bytes, uint64(word))
}

// Record writes the list into a VkCommandBuffer that is being recorded.
func (d *Device) Record(commandBuffer unsafe.Pointer, c *Commands) error {
	if C.shim_record(d.c, commandBuffer, (*C.uint64_t)(unsafe.SliceData(c.words)), C.size_t(len(c.words))) != 0 {
		return fmt.Errorf("record: unknown command")
	}
	return nil
}
