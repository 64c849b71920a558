package protein_test

import (
	"testing"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/backend/reference"
)

// backends opens each machine that the parity tests run on.
var backends = map[string]func(t *testing.T) backend.Backend{
	"reference": func(*testing.T) backend.Backend { return reference.New[float32]() },
}
