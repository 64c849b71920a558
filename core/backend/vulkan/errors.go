package vulkan

import (
	"errors"
	"fmt"

	vk "github.com/vulkan-go/vulkan"

	"github.com/kiban-models/kiban/core/backend/vulkan/internal/vkshim"
)

const (
	remedy = "use --precision bf16, --recompute or a smaller batch"

	// gone is what to do when a device is lost. Nothing on it can be read any
	// more, so nothing of it reaches a checkpoint.
	gone = "the driver gave up on the device, after a fault of its own or of the hardware, a kernel that took too long, or memory that " +
		"another program took; the system's log may say which. Checkpoints that were saved are whole: go on with --resume, and if it " +
		"happens again with a smaller batch, another driver or --device cpu"
)

// advised adds to a result of Vulkan what can be done about it.
func advised(err error) error {
	var r vkshim.Result
	if !errors.As(err, &r) {
		return err
	}
	switch r {
	case vkshim.OutOfDeviceMemory:
		return fmt.Errorf("%w; %s, or end other programs that use the device", err, remedy)
	case vkshim.OutOfHostMemory:
		return fmt.Errorf("%w; the memory of the system is used up: end other programs, or use a smaller batch", err)
	case vkshim.DeviceLost:
		return fmt.Errorf("%w; %s", err, gone)
	case vkshim.ExtensionNotPresent, vkshim.FeatureNotPresent:
		return fmt.Errorf("%w; update the driver, choose another device or use --device cpu", err)
	case vkshim.InitializationFailed, vkshim.IncompatibleDriver:
		return fmt.Errorf("%w; see that the driver is installed and that you may use the device (/dev/dri, /dev/nvidia*), or use --device cpu", err)
	}
	return err
}

// fail names the device in an error, adds what can be done about it, and notes
// if the device is lost: then every later call fails alike.
func (b *Backend) fail(err error) error {
	if err == nil {
		return nil
	}
	err = fmt.Errorf("vulkan: device %d (%s): %w", b.f.info.ID, b.f.info.Name, advised(err))
	if errors.Is(err, vkshim.DeviceLost) {
		b.lost = err
	}
	return err
}

// check is check of a call on the device.
func (b *Backend) check(doing string, r vk.Result) error {
	return b.fail(vkshim.Check(doing, int32(r)))
}
