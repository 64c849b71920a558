package vulkan

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/backend/backendtest"
	"github.com/kiban-models/kiban/core/backend/vulkan/internal/vkshim"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

// openValidated opens a device under the validation layer, or skips the test.
// Unless messages are wanted, any fails the test, those at the end included.
func openValidated(t *testing.T, opt Options) *Backend {
	t.Helper()
	opt.Validate = true
	return open(t, opt)
}

// TestValidated runs models under the validation layer, synchronisation
// included.
func TestValidated(t *testing.T) {
	for _, staging := range []bool{false, true} {
		openValidated(t, Options{}) // skips where there is no layer
		var opened []*Backend
		backendtest.Contract(t, func() (backend.Backend, error) {
			b, err := Open(Options{Index: -1, AllowSoftware: true, Validate: true, ForceStaging: staging})
			opened = append(opened, b)
			return b, err
		})
		for _, b := range opened {
			if n, all := b.Messages(); n > 0 {
				t.Errorf("staging %t: %d messages, first: %s", staging, n, all[0])
			}
		}
		b := openValidated(t, Options{ForceStaging: staging})
		runChain(t, b)
	}
}

// runChain runs a small program and checks what it gives.
func runChain(t *testing.T, b *Backend) {
	t.Helper()
	const m, k, n = 5, 13, 30
	putChain(t, b, k, n)
	g, out := chain(m, k, n)
	r := load(t, b, g, out)
	x := numbers(m*k, 1)
	must(t, r.Write("x", tensor.Of(x, m, k)))
	must(t, r.Run(context.Background()))
	y, err := r.Read("y")
	must(t, err)
	checkChain(t, y, x, m, k, n)
}

// looksIntoShaders has later validation layers see which operands of a shader
// are written. Elsewhere this is too much: they take buffers for one whole, where
// the gradients of queries, keys and values are columns of one.
func looksIntoShaders(t *testing.T) {
	t.Setenv("VK_LAYER_SYNCVAL_SHADER_ACCESSES_HEURISTIC", "1")
}

// TestTrainingValidated runs training steps under synchronisation validation:
// the barriers that the plan and the lowerings set are all that memory needs,
// within a run and from run to run.
func TestTrainingValidated(t *testing.T) {
	for dt, opt := range map[tensor.DType]plan.Options{tensor.F32: {}, tensor.BF16: {Recompute: true}} {
		b := openValidated(t, Options{ForceStaging: opt.Recompute})
		r := training(t, b, backendtest.SmallDecoder(dt), opt)
		for range 2 { // the second while the first is at work
			must(t, r.Start(context.Background()))
			for name, s := range r.p.Inputs {
				must(t, r.Write(name, tensor.New(s.DType, s.Shape...)))
			}
		}
		must(t, r.Repeat(context.Background(), 2))
	}
}

// TestValidationSees plants a missing barrier and a misaligned fill, which must
// be reported.
func TestValidationSees(t *testing.T) {
	looksIntoShaders(t)
	openValidated(t, Options{}) // skips where there is no layer
	b, err := Open(Options{Index: -1, AllowSoftware: true, Validate: true})
	must(t, err)
	defer b.Close()
	r := dependent(t, b)
	if n, all := b.Messages(); n > 0 {
		t.Fatalf("%d messages before the planted error, first: %s", n, all[0])
	}
	plantHazard(t, r)
	if n, all := b.Messages(); n == 0 || !strings.Contains(strings.ToLower(all[0]), "hazard") {
		t.Errorf("a missing barrier gave %d messages: %v", n, all)
	}
	before, _ := b.Messages()
	plantFill(t, r)
	if n, _ := b.Messages(); n == before {
		t.Error("a misaligned fill gave no message")
	}
}

// TestPlantMessage makes the mistakes of TestValidationSees for a layer that the
// environment has loaded: .ci/demo-vulkan sees by them whether it would see any.
func TestPlantMessage(t *testing.T) {
	if os.Getenv("KIBAN_PLANT_MESSAGE") != "1" {
		t.Skip("KIBAN_PLANT_MESSAGE is not 1; these mistakes are for no driver without a layer")
	}
	looksIntoShaders(t)
	r := dependent(t, open(t, Options{}))
	plantHazard(t, r)
	plantFill(t, r)
}

// dependent is a program whose second step reads what the first wrote.
func dependent(t *testing.T, b *Backend) *Runner {
	t.Helper()
	g := graph.New()
	y := graph.Scale(graph.SumRows(g.Input("x", tensor.F32, 3, 5)), 2)
	return load(t, b, g, map[string]*graph.Node{"y": y})
}

// plantHazard records the program without its barriers. It does not run.
func plantHazard(t *testing.T, r *Runner) {
	t.Helper()
	for i := range r.p.Steps {
		r.p.Steps[i].Barrier = false
	}
	_, err := r.b.Load(r.p)
	must(t, err)
}

// plantFill records a fill whose place and size are no multiples of 4.
func plantFill(t *testing.T, r *Runner) {
	t.Helper()
	var c vkshim.Commands
	c.Fill(number(r.io.buffer), 2, 6, 0)
	must(t, r.b.record(r.b.halves[0].commands, 0, &c))
}

// TestRequired makes sure that a build that demands Vulkan has the layer, too.
func TestRequired(t *testing.T) {
	if os.Getenv("KIBAN_REQUIRE_VULKAN") != "1" {
		t.Skip("KIBAN_REQUIRE_VULKAN is not 1")
	}
	openValidated(t, Options{})
}
