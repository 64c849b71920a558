package vulkan

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unsafe"

	vk "github.com/vulkan-go/vulkan"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/backend/vulkan/internal/vkshim"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

// Options say which device to open, and how.
type Options struct {
	Index         int    // of List; negative for the best one that is no software device
	AllowSoftware bool   // with a negative Index, take a software device if there is no other
	Validate      bool   // check every call by the Khronos validation layer; see Messages
	Library       string // file of the Vulkan loader; empty for the system's
	// ForceStaging copies through a staging buffer even where the host sees
	// the device's memory.
	ForceStaging bool
	// MatMul forces a variant of the matmul shader for tests: "tile", "shared",
	// "vec", or "coop" and "coop2" where the operands' type and the device allow
	// it.
	MatMul string
	// Attention forces a variant of the attention shaders likewise: "plain", or
	// "coop", on cooperative matrices, where type, width and device allow it.
	Attention string
	// MemoryLimit is the number of bytes to use at most; 0 means what the
	// device has.
	MemoryLimit int64
	// Profile takes the time of every kernel; see Backend.Profile. Nothing then
	// runs side by side.
	Profile bool
	// Cache is the folder where compiled shaders are kept from one process to
	// the next, a file a device and driver; "" keeps none. That it cannot be
	// read or written is no error.
	Cache string
	// Tune is how long the loading of a program may measure which ways to cut its
	// products and its attention are the fastest on the device; 0 leaves that to
	// rules. It changes time and never bits, is done once for each shape, and is
	// kept in Cache. A software device is not tuned.
	Tune time.Duration
	// Fault makes calls on the device fail, for tests; see vkshim.Device.
	Fault func(doing string) int32
}

// Backend is an open device with the parameters and states of a model.
type Backend struct {
	instance *vkshim.Instance
	physical vk.PhysicalDevice
	dev      *vkshim.Device
	device   vk.Device // of dev
	queue    vk.Queue
	f        features
	direct   bool // the host reads and writes the device's memory itself

	pool     vk.CommandPool
	timeline uint64 // has the number of the last submission that is done
	// Numbers of the last submission, and of the last that is known to be done.
	submitted, reached uint64
	halves             [2]half
	turn               int // the half that is used next
	staging            *block
	nothing            *block // see gather.go

	cache     pipelineCache
	layouts   map[int]layout
	pipelines map[string]uint64

	named                  map[string]*value
	blocks                 []*block
	allocated, memoryLimit int64
	runners                map[*Runner]bool
	profile                bool
	spent                  backend.Profile
	lost                   error // why the device can no longer be used
	closed                 bool
	messages               int // of the validation layer, once closed
	firstMessages          []string
}

// value is a parameter or state.
type value struct {
	span
	dtype tensor.DType
	shape []int
}

// Open opens a device.
func Open(opt Options) (*Backend, error) {
	if !slices.Contains([]string{"", "tile", "shared", "vec", "coop", "coop2"}, opt.MatMul) {
		return nil, fmt.Errorf("vulkan: unknown matmul variant %q; known are tile, shared, vec, coop, coop2", opt.MatMul)
	}
	if !slices.Contains([]string{"", "plain", "coop"}, opt.Attention) {
		return nil, fmt.Errorf("vulkan: unknown attention variant %q; known are plain, coop", opt.Attention)
	}
	in, err := newInstance(opt.Library, opt.Validate)
	if err != nil {
		return nil, err
	}
	b := &Backend{
		instance: in, layouts: map[int]layout{}, pipelines: map[string]uint64{},
		named: map[string]*value{}, runners: map[*Runner]bool{}, memoryLimit: opt.MemoryLimit,
		profile: opt.Profile, spent: backend.Profile{Kernels: map[string]backend.Spent{}},
	}
	if err := b.open(opt); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

func (b *Backend) open(opt Options) error {
	all, err := physicalDevices(b.instance)
	if err != nil {
		return err
	}
	p, err := choose(all, opt)
	if err != nil {
		return err
	}
	b.physical, b.f = p.handle, p.features
	b.f.matmul, b.f.attention = opt.MatMul, opt.Attention
	if opt.Tune > 0 && !b.f.software() {
		b.f.tuner = newTuner(opt.Cache, &b.f, opt.Tune)
	}
	// A discrete device's memory may be visible, but reading it is slow.
	b.direct = !opt.ForceStaging && (b.f.software() || b.f.kind == vk.PhysicalDeviceTypeIntegratedGpu)
	if b.direct && b.memoryType(^uint32(0), false) < 0 {
		b.direct = false
	}
	if b.dev, err = b.instance.NewDevice(*(*unsafe.Pointer)(unsafe.Pointer(&p.handle)), b.f.DeviceInfo); err != nil {
		return b.fail(err)
	}
	b.dev.Fault = opt.Fault
	b.device = vk.Device(b.dev.Handle())
	family := uint32(b.f.QueueFamily)
	// Results go through variables of their own: C must not be shown a Go
	// struct that holds Go pointers.
	var queue vk.Queue
	vk.GetDeviceQueue(b.device, family, 0, &queue)
	b.queue = queue

	pool := vk.CommandPoolCreateInfo{
		SType:            vk.StructureTypeCommandPoolCreateInfo,
		Flags:            vk.CommandPoolCreateFlags(vk.CommandPoolCreateResetCommandBufferBit),
		QueueFamilyIndex: family,
	}
	defer pool.Free()
	var commands vk.CommandPool
	if err := b.check("create command pool", vk.CreateCommandPool(b.device, &pool, nil, &commands)); err != nil {
		return err
	}
	b.pool = commands
	if b.timeline, err = b.dev.NewTimeline(); err != nil {
		return b.fail(err)
	}
	if err := b.cache.open(b.dev, opt.Cache, b.f.cache); err != nil {
		return b.fail(err)
	}
	if b.nothing, err = b.newBlock(nothing.Bytes(), false); err != nil {
		return err
	}
	return b.newHalves()
}

// Name describes the device, such as "vulkan:0 (NVIDIA H200)".
func (b *Backend) Name() string { return fmt.Sprintf("vulkan:%d (%s)", b.f.info.ID, b.f.info.Name) }

// Info describes the device.
func (b *Backend) Info() Info { return b.f.info }

// Limits are for plan.Compile.
func (b *Backend) Limits() plan.Limits {
	most := min(b.f.maxBind, maxBlock, b.f.MaxAllocation/2)
	lim := plan.Limits{Align: b.f.align, MaxBuffer: most / b.f.align * b.f.align}
	lim.JoinRows, lim.JoinBytes = b.f.joins()
	lim.Logits = b.f.logits(lim.MaxBuffer)
	return lim
}

// Messages returns the number of messages of the validation layer so far, and
// the first of them. Without Options.Validate there are none.
func (b *Backend) Messages() (int, []string) {
	if b.closed {
		return b.messages, b.firstMessages
	}
	return b.instance.Messages()
}

var stored = []tensor.DType{tensor.F32, tensor.BF16, tensor.F16, tensor.I32, tensor.I8}

// Put sets a parameter or state, making it if there is none of the name. The
// storage types are f32, bf16, f16, i32 and i8.
func (b *Backend) Put(name string, t *tensor.Tensor) error {
	if err := b.usable(); err != nil {
		return err
	}
	v := b.named[name]
	if v == nil {
		if !slices.Contains(stored, t.DType()) {
			return fmt.Errorf("vulkan: %s: cannot store %v; convert it to f32, bf16, f16, i32 or i8", name, t.DType())
		}
		var err error
		if v, err = b.add(name, t.DType(), t.Shape()); err != nil {
			return err
		}
	}
	if !slices.Equal(v.shape, t.Shape()) {
		return fmt.Errorf("vulkan: %s: found shape %v, wanted %v", name, t.Shape(), v.shape)
	}
	if t.DType() != v.dtype && !(t.DType().IsFloat() && v.dtype.IsFloat()) {
		return fmt.Errorf("vulkan: %s: found %v, wanted %v", name, t.DType(), v.dtype)
	}
	return b.upload(v.span, t.Convert(v.dtype).Bytes())
}

// add makes a parameter or state of unknown contents.
func (b *Backend) add(name string, dt tensor.DType, shape []int) (*value, error) {
	bytes := int64(tensor.NumElements(shape)) * int64(dt.Size())
	if bytes > b.f.maxBind {
		return nil, fmt.Errorf("vulkan: %s takes %s as %v, and the device binds at most %s at once (maxStorageBufferRange): use --precision bf16 or a smaller model",
			name, mebi(bytes), dt, mebi(b.f.maxBind))
	}
	if err := b.fits(name, bytes); err != nil {
		return nil, err
	}
	s, err := b.place(bytes)
	if err != nil {
		return nil, err
	}
	v := &value{s, dt, slices.Clone(shape)}
	b.named[name] = v
	return v, nil
}

// Get returns a copy of a parameter or state, in its storage type.
func (b *Backend) Get(name string) (*tensor.Tensor, error) {
	if err := b.usable(); err != nil {
		return nil, err
	}
	v := b.named[name]
	if v == nil {
		return nil, fmt.Errorf("vulkan: there is no parameter or state %q", name)
	}
	t := tensor.New(v.dtype, v.shape...)
	return t, b.download(v.span, t.Bytes())
}

// GetTo copies a parameter or state into t, which has its storage type and size.
func (b *Backend) GetTo(name string, t *tensor.Tensor) error {
	if err := b.usable(); err != nil {
		return err
	}
	v := b.named[name]
	if v == nil {
		return fmt.Errorf("vulkan: there is no parameter or state %q", name)
	}
	if err := misfit(t, name, v.dtype, v.shape); err != nil {
		return err
	}
	return b.download(v.span, t.Bytes())
}

// misfit says why a value of the type and shape cannot be copied into t, or is nil.
func misfit(t *tensor.Tensor, name string, dt tensor.DType, shape []int) error {
	if t.DType() != dt || t.Len() != tensor.NumElements(shape) {
		return fmt.Errorf("vulkan: %s is %v%v and does not fit %v%v", name, dt, shape, t.DType(), t.Shape())
	}
	return nil
}

// prepare makes sure that a program's parameters are there and makes its
// states, zeroed.
func (b *Backend) prepare(p *plan.Program) error {
	var missing []string
	same := func(n plan.Named, v *value) error {
		if v.dtype != n.DType || !slices.Equal(v.shape, n.Shape) {
			return fmt.Errorf("vulkan: %s: found %v%v, the program wants %v%v", n.Name, v.dtype, v.shape, n.DType, n.Shape)
		}
		return nil
	}
	for _, n := range p.Params {
		v := b.named[n.Name]
		if v == nil {
			missing = append(missing, n.Name)
		} else if err := same(n, v); err != nil {
			return err
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("vulkan: the program's parameters %s have not been put", strings.Join(missing, ", "))
	}
	need := p.IOBytes + p.ScratchBytes
	for _, n := range p.States {
		if v := b.named[n.Name]; v == nil {
			need += n.Bytes()
		} else if err := same(n, v); err != nil {
			return err
		}
	}
	if err := b.fits("the program", need); err != nil {
		return err
	}
	var fresh []span
	for _, n := range p.States {
		if b.named[n.Name] == nil {
			v, err := b.add(n.Name, n.DType, n.Shape)
			if err != nil {
				return err
			}
			fresh = append(fresh, v.span)
		}
	}
	return b.zero(fresh...)
}

func (b *Backend) usable() error {
	if b.closed {
		return errors.New("vulkan: the backend is closed")
	}
	return b.lost
}

// Close frees everything, runners included. After it Messages still answers.
func (b *Backend) Close() error {
	if b.closed {
		return nil
	}
	if b.dev != nil {
		b.settle()
		for r := range b.runners {
			r.free()
		}
		for _, p := range b.pipelines {
			b.dev.FreePipeline(p)
		}
		for _, l := range b.layouts {
			b.dev.FreeLayouts(l.set, l.pipeline)
		}
		b.cache.close(b.dev)
		for _, k := range b.blocks {
			b.freeBlock(k)
		}
		b.freeBlock(b.staging)
		b.freeBlock(b.nothing)
		b.dev.FreeTimeline(b.timeline)
		vk.DestroyCommandPool(b.device, b.pool, nil)
		b.dev.Free()
	}
	b.instance.Destroy()
	b.messages, b.firstMessages = b.instance.Messages()
	b.instance.Free()
	b.closed = true
	return nil
}
