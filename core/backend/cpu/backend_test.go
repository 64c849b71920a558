package cpu_test

import (
	"slices"
	"testing"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/backend/backendtest"
	"github.com/kiban-models/kiban/core/backend/cpu"
	"github.com/kiban-models/kiban/core/graph"
)

// variants are the ways in which a backend can be had on this machine: with and
// without the library, and for every set of instructions.
func variants(t *testing.T) map[string]cpu.Options {
	all := map[string]cpu.Options{}
	for i, name := range cpu.Instructions() {
		if i > 0 && testing.Short() {
			break
		}
		all["builtin,"+name] = cpu.Options{Threads: i + 1, NoLibrary: true, Instructions: name}
	}
	b := open(t, cpu.Options{})
	if b.Info().Library == "" {
		t.Log("no oneDNN here: only the built-in matrix kernels are tested")
	} else {
		all["library"] = cpu.Options{Threads: 2}
	}
	return all
}

func open(t testing.TB, o cpu.Options) *cpu.Backend {
	t.Helper()
	b, err := cpu.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func TestConformance(t *testing.T) {
	for name, o := range variants(t) {
		t.Run(name, func(t *testing.T) { backendtest.Compare(t, open(t, o)) })
	}
}

func TestDecoder(t *testing.T) {
	for name, o := range variants(t) {
		t.Run(name, func(t *testing.T) {
			backendtest.CompareDecoder(t, func() (backend.Backend, error) { return cpu.New(o) })
		})
	}
}

func TestContract(t *testing.T) {
	backendtest.Contract(t, func() (backend.Backend, error) { return cpu.New(cpu.Options{}) })
}

func TestEveryKernelIsThere(t *testing.T) {
	want := slices.DeleteFunc(graph.Kernels(), graph.Joined) // it asks for none
	if got := cpu.Kernels(); !slices.Equal(got, want) {
		t.Errorf("kernels are %v, wanted %v", got, want)
	}
}

func BenchmarkSpeed(b *testing.B) {
	backendtest.Speed(b, open(b, cpu.Options{}))
}
