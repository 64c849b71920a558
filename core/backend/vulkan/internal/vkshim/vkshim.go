// Package vkshim is the part of Vulkan that package vulkan-go cannot do
// safely or does not know: the loader, instances with validation, properties
// and features of Vulkan 1.1 and later, and every call that takes slices of
// structs (that package frees its C copy of those at the next garbage
// collection, while the driver still reads it).
//
// C never keeps Go memory: arguments are flat slices that are read during the
// call. Objects are 64-bit numbers, since a driver may make them small
// integers, which must not look like pointers to Go.
package vkshim

/*
#cgo linux LDFLAGS: -ldl -lpthread
#include <stdlib.h>
#include "shim.h"
*/
import "C"

import (
	"fmt"
	"runtime"
	"strings"
	"unsafe"
)

// Result is a VkResult that is not success.
type Result int32

// The results that somebody can do something about.
const (
	OutOfHostMemory      Result = -1
	OutOfDeviceMemory    Result = -2
	InitializationFailed Result = -3
	DeviceLost           Result = -4 // the device stopped working
	ExtensionNotPresent  Result = -7
	FeatureNotPresent    Result = -8
	IncompatibleDriver   Result = -9
)

var resultNames = map[Result]string{
	-1: "out of host memory", -2: "out of device memory", -3: "initialisation failed", DeviceLost: "device lost",
	-5: "memory map failed", -6: "layer not present", -7: "extension not present", -8: "feature not present",
	-9: "incompatible driver", -10: "too many objects", -12: "fragmented pool", -1000069000: "out of pool memory",
}

func (r Result) Error() string {
	if s, ok := resultNames[r]; ok {
		return s
	}
	return fmt.Sprintf("VkResult %d", int32(r))
}

// Check turns a VkResult into an error, naming what was done.
func Check(doing string, r int32) error {
	if r == 0 {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, Result(r))
}

// Libraries returns the names under which the Vulkan loader is installed.
func Libraries() []string {
	switch runtime.GOOS {
	case "darwin":
		return []string{"libvulkan.1.dylib", "/opt/homebrew/lib/libvulkan.1.dylib", "/usr/local/lib/libvulkan.1.dylib", "libMoltenVK.dylib"}
	case "windows":
		return []string{"vulkan-1.dll"}
	}
	return []string{"libvulkan.so.1"}
}

// Loader is a loaded Vulkan library. It stays loaded for the life of the
// process, since the bindings keep its functions.
type Loader struct {
	lib, getProc unsafe.Pointer
}

// Load opens the first of the libraries that there is.
func Load(names ...string) (*Loader, error) {
	var failed []string
	for _, name := range names {
		var buf [512]C.char
		c := C.CString(name)
		var l Loader
		l.lib = C.shim_open(c, &l.getProc, &buf[0], C.size_t(len(buf)))
		C.free(unsafe.Pointer(c))
		if l.lib != nil {
			return &l, nil
		}
		failed = append(failed, C.GoString(&buf[0]))
	}
	return nil, fmt.Errorf("%s", strings.Join(failed, "; "))
}

// GetInstanceProcAddr returns the function vkGetInstanceProcAddr.
func (l *Loader) GetInstanceProcAddr() unsafe.Pointer { return l.getProc }

// Same reports whether both are one library.
func (l *Loader) Same(o *Loader) bool { return l.lib == o.lib }

// Instance is a VkInstance, with the messages of the validation layers.
type Instance struct{ c *C.shim_instance }

// NewInstance makes an instance of Vulkan 1.3 or what the loader has. With
// validate the Khronos validation layer checks every call, synchronisation
// included.
func (l *Loader) NewInstance(validate bool) (*Instance, error) {
	var in Instance
	v := C.int(0)
	if validate {
		v = 1
	}
	if err := Check("create instance", int32(C.shim_instance_new(l.getProc, v, &in.c))); err != nil {
		return nil, err
	}
	return &in, nil
}

// Handle returns the VkInstance.
func (in *Instance) Handle() unsafe.Pointer { return C.shim_instance_handle(in.c) }

// Messages returns the number of validation messages so far, and the first of
// them.
func (in *Instance) Messages() (int, []string) {
	n := int(C.shim_message_count(in.c))
	var all []string
	for i := range n {
		c := C.shim_message(in.c, C.uint32_t(i))
		if c == nil {
			break
		}
		all = append(all, C.GoString(c))
		C.free(unsafe.Pointer(c))
	}
	return n, all
}

// Destroy ends the instance; its messages can still be read.
func (in *Instance) Destroy() { C.shim_instance_destroy(in.c) }

// Free ends the instance and forgets its messages.
func (in *Instance) Free() {
	C.shim_instance_free(in.c)
	in.c = nil
}

// MemoryType is a kind of memory: its VkMemoryPropertyFlags and its heap.
type MemoryType struct{ Flags, Heap uint32 }

// Heap is a memory of a device. Free is what the driver lets this process
// allocate, or Size where it does not say.
type Heap struct {
	Size, Free int64
	Flags      uint32
}

// CoopMatrix is a product of cooperative matrices, M x K by K x N, that a
// device can do. The types are VkComponentTypeKHR, the scope VkScopeKHR.
type CoopMatrix struct {
	M, N, K                uint32
	A, B, C, Result, Scope int32
	Invocations            int // of the workgroup, in DeviceInfo.Coop2
}

// Some of VkComponentTypeKHR and VkScopeKHR.
const (
	Float16, Float32 = 0, 1
	BFloat16         = 1000141000
	ScopeWorkgroup   = 2
	ScopeSubgroup    = 3
)

// Bits of VkSubgroupFeatureFlags.
const SubgroupVote, SubgroupArithmetic, SubgroupShuffle = 0x2, 0x4, 0x10

// DeviceInfo is what vulkan-go cannot say of a physical device.
type DeviceInfo struct {
	Driver        string
	SubgroupSize  uint32
	SubgroupOps   uint32 // VkSubgroupFeatureFlags of compute shaders; 0 if those have none
	SubgroupMin   uint32 // sizes that a pipeline may ask for; 0 if it may not
	SubgroupMax   uint32
	Cores         int  // streaming multiprocessors; 0 if unknown
	Float16       bool // in shaders
	BFloat16      bool // in cooperative matrices
	Coop          []CoopMatrix
	Coop2         []CoopMatrix // of flexible size: multiples of these
	Storage16     bool         // storageBuffer16BitAccess
	Timeline      bool         // timelineSemaphore
	MaxAllocation int64        // maxMemoryAllocationSize; 0 if unknown
	QueueFamily   int32        // negative if none computes
	TimestampBits int          // of its timestamps; 0 if it takes none
	HasBudget     bool         // Heap.Free is known
	Types         []MemoryType
	Heaps         []Heap
	c             C.shim_info
}

// DeviceInfo asks a VkPhysicalDevice of the given apiVersion.
func (in *Instance) DeviceInfo(physical unsafe.Pointer, apiVersion uint32) *DeviceInfo {
	d := &DeviceInfo{}
	C.shim_device_info(in.c, physical, C.uint32_t(apiVersion), &d.c)
	d.Driver = strings.TrimSpace(C.GoString(&d.c.driver_name[0]) + " " + C.GoString(&d.c.driver_info[0]))
	d.SubgroupSize = uint32(d.c.subgroup_size)
	d.SubgroupOps = uint32(d.c.subgroup_operations)
	d.SubgroupMin, d.SubgroupMax = uint32(d.c.subgroup_min), uint32(d.c.subgroup_max)
	d.Cores = int(d.c.cores)
	d.Float16, d.BFloat16 = d.c.float16 != 0, d.c.bfloat16 != 0
	d.Coop = coopMatrices(d.c.coop[:d.c.coop_count])
	d.Coop2 = coopMatrices(d.c.coop2[:d.c.coop2_count])
	d.Storage16, d.Timeline = d.c.storage16 != 0, d.c.timeline != 0
	d.MaxAllocation = int64(min(d.c.max_allocation, 1<<62))
	d.QueueFamily = int32(d.c.queue_family)
	d.TimestampBits = int(d.c.timestamp_bits)
	d.HasBudget = d.c.has_budget != 0
	for i := range d.c.type_count {
		d.Types = append(d.Types, MemoryType{uint32(d.c.type_flags[i]), uint32(d.c.type_heap[i])})
	}
	for i := range d.c.heap_count {
		h := Heap{int64(d.c.heap_size[i]), int64(d.c.heap_free[i]), uint32(d.c.heap_flags[i])}
		if !d.HasBudget {
			h.Free = h.Size
		}
		d.Heaps = append(d.Heaps, h)
	}
	return d
}

func coopMatrices(list []C.shim_coop) (all []CoopMatrix) {
	for _, c := range list {
		all = append(all, CoopMatrix{
			uint32(c.m), uint32(c.n), uint32(c.k), int32(c.a), int32(c.b), int32(c.c), int32(c.result), int32(c.scope), int(c.invocations),
		})
	}
	return all
}

// Device is a VkDevice with one queue, storageBuffer16BitAccess, timelineSemaphore,
// and what DeviceInfo says beyond them.
type Device struct {
	c *C.shim_device
	// Fault, if not nil, is asked before calls that may fail in the field, by
	// what they do: "submit", "allocate", "create pipeline" or "allocate
	// descriptor sets". Unless it returns 0 the call is left out and has that
	// VkResult; "wait" is asked when the wait is over. It is for tests.
	Fault func(doing string) int32
}

// Planted returns the error that Fault plants, or nil.
func (d *Device) Planted(doing string) error {
	if d.Fault == nil {
		return nil
	}
	return Check(doing, d.Fault(doing))
}

// NewDevice makes a device.
func (in *Instance) NewDevice(physical unsafe.Pointer, info *DeviceInfo) (*Device, error) {
	var d Device
	if err := Check("create device", int32(C.shim_device_new(in.c, physical, &info.c, &d.c))); err != nil {
		return nil, err
	}
	return &d, nil
}

// Handle returns the VkDevice.
func (d *Device) Handle() unsafe.Pointer { return C.shim_device_handle(d.c) }

// Free destroys the device.
func (d *Device) Free() {
	C.shim_device_free(d.c)
	d.c = nil
}
