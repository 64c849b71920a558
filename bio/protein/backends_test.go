package protein_test

import (
	"os"
	"testing"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/backend/cpu"
	"github.com/kiban-models/kiban/core/backend/reference"
	"github.com/kiban-models/kiban/core/backend/vulkan"
)

// backends opens each machine that the parity tests run on.
var backends = map[string]func(t *testing.T) backend.Backend{
	"reference": func(*testing.T) backend.Backend { return reference.New[float32]() },
	"cpu": func(t *testing.T) backend.Backend {
		b, err := cpu.New(cpu.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return b
	},
	"cpu without oneDNN": func(t *testing.T) backend.Backend {
		b, err := cpu.New(cpu.Options{NoLibrary: true})
		if err != nil {
			t.Fatal(err)
		}
		return b
	},
	"vulkan": func(t *testing.T) backend.Backend {
		b, err := vulkan.Open(vulkan.Options{Index: -1, AllowSoftware: true})
		if err != nil {
			if os.Getenv("KIBAN_REQUIRE_VULKAN") == "1" {
				t.Fatal(err)
			}
			t.Skipf("no Vulkan device: %v", err)
		}
		t.Logf("on %s", b.Name())
		return b
	},
}
