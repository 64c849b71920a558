package vulkan

import (
	"os"
	"testing"

	vk "github.com/vulkan-go/vulkan"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/backend/backendtest"
)

// checked opens a device under the validation layer if that is installed.
func checked(t *testing.T) *Backend {
	t.Helper()
	b, err := Open(Options{Index: -1, AllowSoftware: true, Validate: true})
	if err == nil {
		must(t, b.Close())
	} else {
		t.Log("not validated: ", err)
	}
	return open(t, Options{Validate: err == nil})
}

// TestKernels holds every kernel to the reference.
func TestKernels(t *testing.T) { backendtest.Compare(t, checked(t)) }

// TestKernelsAsOnGPU holds the choices that are made where the device is no CPU
// to the reference.
func TestKernelsAsOnGPU(t *testing.T) {
	if os.Getenv("KIBAN_SLOW") == "" {
		t.Skip("takes minutes; set KIBAN_SLOW=1")
	}
	b := open(t, Options{})
	b.f.kind = vk.PhysicalDeviceTypeDiscreteGpu
	b.f.attentionTile = attentionTile{4, 1, 8} // lavapipe compiles larger ones for minutes
	backendtest.Compare(t, b)
}

// TestDecoder trains a small model and decodes with it. One device serves all
// its sessions in turn and keeps its pipelines, which take lavapipe long to
// compile; only the memory is fresh.
func TestDecoder(t *testing.T) {
	b := checked(t)
	backendtest.CompareDecoder(t, func() (backend.Backend, error) { return b.emptied(t), nil })
}

// emptied frees the memory of a device, and gives it to another session.
func (b *Backend) emptied(t *testing.T) backend.Backend {
	for r := range b.runners {
		must(t, r.Close())
	}
	for _, k := range b.blocks {
		b.freeBlock(k)
	}
	b.blocks = nil
	clear(b.named)
	return kept{b}
}

// kept is a device that stays open.
type kept struct{ *Backend }

func (kept) Close() error { return nil }

// TestContract holds both ways to the device's memory to what the interfaces
// promise.
func TestContract(t *testing.T) {
	for name, opt := range map[string]Options{"direct": {}, "staging": {ForceStaging: true}} {
		open(t, opt) // skips where there is no device
		opt.Index, opt.AllowSoftware = -1, true
		t.Run(name, func(t *testing.T) {
			backendtest.Contract(t, func() (backend.Backend, error) { return Open(opt) })
		})
	}
}
