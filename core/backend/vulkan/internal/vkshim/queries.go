package vkshim

/*
#include "shim.h"
*/
import "C"

import "unsafe"

// NewQueries makes a pool of timestamps.
func (d *Device) NewQueries(count int) (uint64, error) {
	var p C.uint64_t
	r := C.shim_queries_new(d.c, C.uint32_t(count), &p)
	return uint64(p), Check("create query pool", int32(r))
}

// ReadQueries waits for the first timestamps of a pool, in the device's ticks.
func (d *Device) ReadQueries(pool uint64, ticks []uint64) error {
	r := C.shim_queries_read(d.c, C.uint64_t(pool), C.uint32_t(len(ticks)), (*C.uint64_t)(unsafe.SliceData(ticks)))
	return Check("read query pool", int32(r))
}

// FreeQueries destroys it.
func (d *Device) FreeQueries(pool uint64) { C.shim_queries_free(d.c, C.uint64_t(pool)) }

// Forget lets the first timestamps of a pool be taken anew.
func (c *Commands) Forget(pool uint64, count int) {
	c.words = append(c.words, C.SHIM_FORGET, pool, uint64(count))
}

// Stamp takes the time at which all dispatches so far are done.
func (c *Commands) Stamp(pool uint64, query int) {
	c.words = append(c.words, C.SHIM_STAMP, pool, uint64(query))
}
