package vkshim

/*
#include "shim.h"
*/
import "C"

import "unsafe"

// NewTimeline makes a timeline semaphore, which counts submissions from 0.
func (d *Device) NewTimeline() (uint64, error) {
	var t C.uint64_t
	r := C.shim_timeline_new(d.c, &t)
	return uint64(t), Check("create semaphore", int32(r))
}

// FreeTimeline destroys it.
func (d *Device) FreeTimeline(t uint64) { C.shim_timeline_free(d.c, C.uint64_t(t)) }

// Wait waits so many nanoseconds for a timeline to reach a value, and reports
// whether it has.
func (d *Device) Wait(timeline, value, nanoseconds uint64) (bool, error) {
	r := C.shim_timeline_wait(d.c, C.uint64_t(timeline), C.uint64_t(value), C.uint64_t(nanoseconds))
	if r == C.VK_TIMEOUT {
		return false, nil
	}
	if err := Check("wait", int32(r)); err != nil {
		return false, err
	}
	return true, d.Planted("wait")
}

// Submit gives VkCommandBuffers to a VkQueue, in order. The timeline has the
// value when they, and all that the queue was given before, are done.
func (d *Device) Submit(queue unsafe.Pointer, commandBuffers []unsafe.Pointer, timeline, value uint64) error {
	if err := d.Planted("submit"); err != nil {
		return err
	}
	r := C.shim_submit(d.c, queue, (*unsafe.Pointer)(unsafe.SliceData(commandBuffers)),
		C.uint32_t(len(commandBuffers)), C.uint64_t(timeline), C.uint64_t(value))
	return Check("submit", int32(r))
}
