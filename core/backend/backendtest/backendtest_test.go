package backendtest_test

import (
	"testing"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/backend/backendtest"
	"github.com/kiban-models/kiban/core/backend/reference"
)

func TestReference(t *testing.T) { backendtest.Compare(t, reference.New[float32]()) }

func TestGradients(t *testing.T) { backendtest.Gradients(t) }

func TestReferenceDecoder(t *testing.T) {
	backendtest.CompareDecoder(t, func() (backend.Backend, error) { return reference.New[float32](), nil })
}

func TestReferenceContract(t *testing.T) {
	backendtest.Contract(t, func() (backend.Backend, error) { return reference.New[float32](), nil })
}
