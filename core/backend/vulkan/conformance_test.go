package vulkan

import (
	"testing"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/backend/backendtest"
)

// opened are the ways to open a device that must all compute the same.
func opener(t *testing.T, opt Options) func() (backend.Backend, error) {
	open(t, opt) // skips where there is no device
	return func() (backend.Backend, error) {
		opt.Index, opt.AllowSoftware = -1, true
		return Open(opt)
	}
}

func TestContract(t *testing.T) {
	t.Run("direct", func(t *testing.T) { backendtest.Contract(t, opener(t, Options{})) })
	t.Run("staging", func(t *testing.T) { backendtest.Contract(t, opener(t, Options{ForceStaging: true})) })
}

func TestDecoder(t *testing.T) { backendtest.CompareDecoder(t, opener(t, Options{})) }

func TestKernels(t *testing.T) { backendtest.Compare(t, open(t, Options{})) }
