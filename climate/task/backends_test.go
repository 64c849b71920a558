package task_test

import (
	"context"
	"math"
	"os"
	"testing"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/task"
	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/backend/reference"
	"github.com/kiban-models/kiban/core/backend/vulkan"
)

// TestBackends takes the same steps on all machines, over a region in which
// values are missing.
func TestBackends(t *testing.T) {
	s := makeStore(t, madeUp{channels: "ab", missing: true})
	region := field.Region{Name: "box", Boxes: []field.Box{{West: 80, East: 280, South: -90, North: 90}}}
	o := tiny(t, task.Setup{Target: task.Anomaly, Season: true, Region: &region}, s)
	o.Config.Dropout, o.Config.DropPath, o.BatchSize = 0.1, 0.1, 2
	losses := func(b backend.Backend) (out []float64) {
		tr, err := task.New(context.Background(), b.Limits(), o)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tr.LoadWeights(b); err != nil {
			t.Fatal(err)
		}
		steps, err := tr.Stepper(b)
		if err != nil {
			t.Fatal(err)
		}
		defer steps.Close()
		for i := range 4 {
			r, err := steps.Step(context.Background(), i)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, r.Loss, r.GradNorm)
		}
		return out
	}
	want := losses(reference.New[float32]())
	for _, name := range []string{"cpu", "vulkan"} {
		t.Run(name, func(t *testing.T) {
			b := backend.Backend(nil)
			if name == "cpu" {
				b = openCPU(t)
			} else {
				v, err := vulkan.Open(vulkan.Options{Index: -1, AllowSoftware: true})
				if err != nil {
					if os.Getenv("KIBAN_REQUIRE_VULKAN") == "1" {
						t.Fatal(err)
					}
					t.Skipf("no Vulkan device: %v", err)
				}
				defer v.Close()
				b = v
			}
			worst := 0.0
			for i, got := range losses(b) {
				d := math.Abs(got-want[i]) / want[i]
				if worst = max(worst, d); !(d < 1e-4) {
					t.Errorf("number %d: %v, on the reference %v", i, got, want[i])
				}
			}
			t.Logf("losses and norms of four steps are within %.1e", worst)
		})
	}
}
