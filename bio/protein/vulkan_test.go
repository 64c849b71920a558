package protein_test

import (
	"context"
	"math"
	"os"
	"testing"

	"github.com/kiban-models/kiban/bio/protein"
	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/backend/cpu"
	"github.com/kiban-models/kiban/core/backend/vulkan"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/train"
)

// TestTinyTrainsOnVulkan runs the first steps of the preset tiny, under the
// Khronos validation layer where it is installed, and compares losses and
// gradient norms with those of the cpu.
func TestTinyTrainsOnVulkan(t *testing.T) {
	if testing.Short() {
		t.Skip("a software device takes seconds a step")
	}
	require := os.Getenv("KIBAN_REQUIRE_VULKAN") == "1"
	gpu, err := vulkan.Open(vulkan.Options{Index: -1, AllowSoftware: true, Validate: true})
	if err != nil && !require {
		gpu, err = vulkan.Open(vulkan.Options{Index: -1, AllowSoftware: true})
	}
	if err != nil {
		if require {
			t.Fatal(err)
		}
		t.Skipf("no Vulkan device: %v", err)
	}
	t.Logf("on %s", gpu.Name())
	host, err := cpu.New(cpu.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	const steps = 4
	want := tinySteps(t, host, steps)
	got := tinySteps(t, gpu, steps)
	if err := gpu.Close(); err != nil {
		t.Error(err)
	}
	for i := range want {
		if math.Abs(got[i].Loss-want[i].Loss) > 1e-4 || math.Abs(got[i].GradNorm-want[i].GradNorm) > 1e-3*want[i].GradNorm {
			t.Errorf("step %d: vulkan has loss %.6f and norm %.6f, cpu %.6f and %.6f", i, got[i].Loss, got[i].GradNorm, want[i].Loss, want[i].GradNorm)
		}
	}
	if want[steps-1].Loss >= want[0].Loss {
		t.Errorf("losses %+v do not fall", want)
	}
	if n, messages := gpu.Messages(); n > 0 {
		t.Errorf("%d messages of the validation layer, first: %s", n, messages[0])
	}
}

func tinySteps(t *testing.T, b backend.Backend, steps int) []train.Result {
	t.Helper()
	const vocab, batch, length = 400, 16, 256
	c := protein.NewConfig(vocab, length, 4, 128, 4, 0)
	p, err := train.Compile(b.Limits(), c.Loss(batch, length), train.Options{Optimizer: train.Optimizer{
		LR: 1e-3, Schedule: train.Cosine, Warmup: 1, Steps: 100, WeightDecay: 0.1, Beta2: 0.95, GradClip: 1,
	}})
	if err != nil {
		t.Fatal(err)
	}
	fresh := nn.Fresh{Seed: 42, Params: p.Declared()}
	for _, d := range fresh.Params {
		x, err := fresh.Tensor(d.Name)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Put(d.Name, x); err != nil {
			t.Fatal(err)
		}
	}
	tr, err := p.Load(b)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	in := protein.NewBatch(batch, length)
	var all []train.Result
	for step := range steps {
		r, err := tr.Step(context.Background(), step, func(_ int, r backend.Runner) error {
			// Sixteen tokens are common, so that there is something to learn.
			ids := drawTokens(batch*length, uint32(step), vocab)
			for i := range ids {
				ids[i] %= 1 << (4 + ids[i]%5)
			}
			shifted(in, ids)
			return in.Write(r, 1/float32(in.Count()))
		})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}
