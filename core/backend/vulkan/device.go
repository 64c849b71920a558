package vulkan

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unsafe"

	vk "github.com/vulkan-go/vulkan"

	"github.com/kiban-models/kiban/core/backend/vulkan/internal/vkshim"
)

// Info describes a device.
type Info struct {
	ID          int
	Name        string
	Type        string // "discrete", "integrated", "virtual", "cpu" or "other"
	MemoryTotal int64  // bytes of the largest memory of the device
	MemoryFree  int64  // of these, what this process may use; the total where the driver does not say
	Driver      string
	API         string   // version of Vulkan
	Features    []string // those that matter to Kiban, such as "storage16" and "subgroup32"
}

// features are what the choice of shaders depends on.
type features struct {
	info        Info
	kind        vk.PhysicalDeviceType
	api         uint32
	maxBind     int64 // bytes of one binding
	align       int64 // of every offset that a plan chooses
	bindAlign   int64 // of the offset of a binding (minStorageBufferOffsetAlignment)
	bindings    int   // storage buffers of a shader
	shared      int64 // bytes of shared memory of a workgroup
	groups      [3]uint32
	tick        float64 // of a timestamp, in nanoseconds
	cache       cacheKey
	invocations int    // of a workgroup
	cores       int    // workgroups that run side by side, at least
	tuner       *tuner // nil where the rules choose
	// The cooperative matrices of a subgroup, and the granularity of those of a
	// workgroup, by the number of the type of a and b (0 is
	// f32, which has none); k is 0 where there are none.
	coop, coop2 [3]coopShape
	// tile forces how products are cut, where it fits the device, for measuring.
	tile coopTile
	// matmul forces a variant of the matmul shaders, by its middle name.
	matmul string
	// Likewise of attention.
	attention     string
	attentionTile attentionTile
	// separate leaves every array a dispatch of its own; see gather.go.
	separate bool
	// attentionParts forces how many parts few queries' keys are divided into.
	attentionParts int
	// rowParts forces how many parts the rows of a sum down columns go in.
	rowParts int
	*vkshim.DeviceInfo
}

// software reports whether the device is the CPU.
func (f *features) software() bool { return f.kind == vk.PhysicalDeviceTypeCpu }

// unusable says why the device cannot run Kiban's shaders, or is "".
func (f *features) unusable() string {
	switch {
	case f.api < vk.MakeVersion(1, 2, 0):
		return "it has Vulkan " + f.info.API + ", wanted 1.2; update the driver or use --device cpu"
	case f.QueueFamily < 0:
		return "it has no compute queue; choose another device or use --device cpu"
	case !f.Storage16:
		return "it lacks the feature storageBuffer16BitAccess, which all shaders need; update the driver, choose another device or use --device cpu"
	case !f.Timeline:
		return "it lacks the feature timelineSemaphore, by which runs are waited for; update the driver, choose another device or use --device cpu"
	}
	return ""
}

// The bindings keep the loader's functions in C globals, so a process has one
// Vulkan loader.
var loader struct {
	sync.Mutex
	lib *vkshim.Loader
}

const install = "install the Vulkan loader and a driver (Debian and Ubuntu: libvulkan1, and mesa-vulkan-drivers or NVIDIA's driver; macOS: molten-vk)"

// newInstance loads Vulkan if need be, from the named library if one is given.
func newInstance(library string, validate bool) (*vkshim.Instance, error) {
	names := vkshim.Libraries()
	if library != "" {
		names = []string{library}
	}
	loader.Lock()
	defer loader.Unlock()
	lib, err := vkshim.Load(names...)
	if err != nil {
		return nil, fmt.Errorf("vulkan: no Vulkan loader: %w; %s", err, install)
	}
	if loader.lib != nil && !loader.lib.Same(lib) {
		return nil, fmt.Errorf("vulkan: library %s: the process uses another Vulkan loader already", names[0])
	}
	in, err := lib.NewInstance(validate)
	switch {
	case errors.Is(err, vkshim.Result(-6)):
		return nil, fmt.Errorf("vulkan: the validation layer VK_LAYER_KHRONOS_validation is not installed (Debian and Ubuntu: vulkan-validationlayers)")
	case errors.Is(err, vkshim.Result(-9)):
		return nil, fmt.Errorf("vulkan: no driver: %w; %s", err, install)
	case err != nil:
		return nil, fmt.Errorf("vulkan: %w", advised(err))
	}
	if loader.lib == nil {
		vk.SetGetInstanceProcAddr(lib.GetInstanceProcAddr())
		if err := vk.Init(); err != nil {
			in.Free()
			return nil, fmt.Errorf("vulkan: %w", err)
		}
		// The functions of the core are the loader's and serve every instance.
		if err := vk.InitInstance(vk.Instance(in.Handle())); err != nil {
			in.Free()
			return nil, fmt.Errorf("vulkan: %w", err)
		}
		loader.lib = lib
	}
	return in, nil
}

// physical is a device before it is opened.
type physical struct {
	handle vk.PhysicalDevice
	features
}

func physicalDevices(in *vkshim.Instance) ([]physical, error) {
	instance := vk.Instance(in.Handle())
	var n uint32
	if err := check("enumerate devices", vk.EnumeratePhysicalDevices(instance, &n, nil)); err != nil {
		return nil, err
	}
	handles := make([]vk.PhysicalDevice, n)
	if n > 0 {
		if err := check("enumerate devices", vk.EnumeratePhysicalDevices(instance, &n, handles)); err != nil {
			return nil, err
		}
	}
	all := make([]physical, n)
	for i, h := range handles[:n] {
		all[i] = physical{h, describe(in, h, i)}
	}
	return all, nil
}

func describe(in *vkshim.Instance, h vk.PhysicalDevice, id int) features {
	var p vk.PhysicalDeviceProperties
	vk.GetPhysicalDeviceProperties(h, &p)
	p.Deref()
	p.Limits.Deref()
	defer p.Free()
	lim := p.Limits
	f := features{
		kind:        p.DeviceType,
		api:         p.ApiVersion,
		maxBind:     int64(lim.MaxStorageBufferRange),
		align:       max(64, int64(lim.MinStorageBufferOffsetAlignment)),
		bindAlign:   max(1, int64(lim.MinStorageBufferOffsetAlignment)),
		bindings:    int(min(lim.MaxPerStageDescriptorStorageBuffers, vkshim.MaxBindings)),
		shared:      int64(lim.MaxComputeSharedMemorySize),
		invocations: int(lim.MaxComputeWorkGroupInvocations),
		groups:      lim.MaxComputeWorkGroupCount,
		tick:        float64(lim.TimestampPeriod),
		cache:       cacheKey{p.VendorID, p.DeviceID, p.DriverVersion, p.PipelineCacheUUID},
		DeviceInfo:  in.DeviceInfo(*(*unsafe.Pointer)(unsafe.Pointer(&h)), p.ApiVersion),
	}
	if f.MaxAllocation == 0 {
		f.MaxAllocation = 1 << 30 // what Vulkan 1.1 guarantees
	}
	kinds := map[vk.PhysicalDeviceType]string{
		vk.PhysicalDeviceTypeDiscreteGpu: "discrete", vk.PhysicalDeviceTypeIntegratedGpu: "integrated",
		vk.PhysicalDeviceTypeVirtualGpu: "virtual", vk.PhysicalDeviceTypeCpu: "cpu",
	}
	f.info = Info{
		ID:     id,
		Name:   vk.ToString(p.DeviceName[:]),
		Type:   cmp.Or(kinds[f.kind], "other"),
		Driver: f.Driver,
		API:    vk.Version(p.ApiVersion).String(),
	}
	f.cores = cmp.Or(f.Cores, someCores)
	f.coop, f.coop2 = coopShapes(f.DeviceInfo), coop2Shapes(f.DeviceInfo)
	for _, heap := range f.Heaps {
		if heap.Flags&uint32(vk.MemoryHeapDeviceLocalBit) != 0 && heap.Size > f.info.MemoryTotal {
			f.info.MemoryTotal, f.info.MemoryFree = heap.Size, heap.Free
		}
	}
	if f.Storage16 {
		f.info.Features = append(f.info.Features, "storage16")
	}
	if f.SubgroupSize > 0 {
		f.info.Features = append(f.info.Features, fmt.Sprintf("subgroup%d", f.SubgroupSize))
	}
	for i, name := range []string{"f32", "bf16", "f16"} {
		if c := f.coop[i]; c.k > 0 {
			f.info.Features = append(f.info.Features, fmt.Sprintf("coop_%s_%dx%dx%d", name, c.m, c.n, c.k))
		}
		if c := f.coop2[i]; c.k > 0 {
			f.info.Features = append(f.info.Features, fmt.Sprintf("coop2_%s_%dx%dx%d", name, c.m, c.n, c.k))
		}
	}
	if f.HasBudget {
		f.info.Features = append(f.info.Features, "memory_budget")
	}
	return f
}

// List returns the devices of this machine, software ones included. No device
// is no error, but no loader is.
func List() ([]Info, error) {
	in, err := newInstance("", false)
	if err != nil {
		return nil, err
	}
	defer in.Free()
	all, err := physicalDevices(in)
	if err != nil {
		return nil, err
	}
	infos := make([]Info, len(all))
	for i, p := range all {
		infos[i] = p.info
	}
	return infos, nil
}

// choose returns the device that the options ask for.
func choose(all []physical, opt Options) (*physical, error) {
	if opt.Index >= len(all) && len(all) > 0 {
		return nil, fmt.Errorf("vulkan: device %d: there are %d, numbered from 0; kiban device list shows them", opt.Index, len(all))
	}
	if opt.Index >= 0 && len(all) > 0 {
		if why := all[opt.Index].unusable(); why != "" {
			return nil, fmt.Errorf("vulkan: device %d (%s): %s", opt.Index, all[opt.Index].info.Name, why)
		}
		return &all[opt.Index], nil
	}
	rank := map[vk.PhysicalDeviceType]int{
		vk.PhysicalDeviceTypeDiscreteGpu: 1, vk.PhysicalDeviceTypeIntegratedGpu: 2, vk.PhysicalDeviceTypeVirtualGpu: 3,
		vk.PhysicalDeviceTypeOther: 4, vk.PhysicalDeviceTypeCpu: 5,
	}
	order := slices.Clone(all)
	slices.SortStableFunc(order, func(a, b physical) int { return cmp.Compare(rank[a.kind], rank[b.kind]) })
	var passed []string
	for i := range order {
		p := &order[i]
		why := p.unusable()
		if why == "" && p.software() && !opt.AllowSoftware {
			why = "it is the CPU; allow software devices or name it by its index to use it"
		}
		if why == "" {
			return p, nil
		}
		passed = append(passed, fmt.Sprintf("device %d (%s): %s", p.info.ID, p.info.Name, why))
	}
	if len(passed) == 0 {
		return nil, fmt.Errorf("vulkan: no device; %s", install)
	}
	return nil, fmt.Errorf("vulkan: no usable device: %s", strings.Join(passed, "; "))
}

func check(doing string, r vk.Result) error { return vkshim.Check("vulkan: "+doing, int32(r)) }

// number converts an object of the bindings to the shim's, without making a Go
// pointer of what a driver may have numbered 1.
func number[T any](h T) uint64 { return *(*uint64)(unsafe.Pointer(&h)) }
