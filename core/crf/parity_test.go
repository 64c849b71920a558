package crf_test

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/backend/cpu"
	"github.com/kiban-models/kiban/core/backend/reference"
	"github.com/kiban-models/kiban/core/backend/vulkan"
	"github.com/kiban-models/kiban/core/crf"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

// published is a case of testdata/crf.py.
type published struct {
	Name                               string
	Lengths                            []int32
	Labels, Length                     int
	Transitions, Start, End, Emissions []float32
	Tags                               []int32
	LLH                                []float64
	Paths                              [][]int
	Gradients                          map[string][]float64
}

func fixtures(t *testing.T) []published {
	data, err := os.ReadFile("testdata/crf.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []published
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

func (c published) weights(t *testing.T) crf.Weights {
	w, err := crf.NewWeights(tensor.Of(c.Transitions, c.Labels, c.Labels), tensor.Of(c.Start, c.Labels), tensor.Of(c.End, c.Labels))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// The host's likelihood, best path and marginals are pytorch-crf's.
func TestHostAsPublished(t *testing.T) {
	for _, c := range fixtures(t) {
		w := c.weights(t)
		for b, n := range c.Lengths {
			row := b * c.Length
			x := c.Emissions[row*c.Labels:][:int(n)*c.Labels]
			lat := w.Lattice(x)
			tags := make([]int, n)
			for i := range tags {
				tags[i] = int(c.Tags[row+i])
			}
			near(t, c.Name+": likelihood", lat.LogLikelihood(tags), c.LLH[b], 1e-11)
			if path, _ := w.Viterbi(x); !slices.Equal(path, c.Paths[b]) {
				t.Errorf("%s: best path %v, wanted %v", c.Name, path, c.Paths[b])
			}
			for at := range tags {
				for j := range c.Labels {
					want := c.Gradients["emissions"][(row+at)*c.Labels+j]
					if j == tags[at] {
						want++
					}
					near(t, c.Name+": marginal", lat.Marginal(at, j), want, 1e-11)
				}
			}
		}
	}
}

// The layer's losses and gradients are pytorch-crf's on every backend.
func TestLayerAsPublished(t *testing.T) {
	for _, c := range fixtures(t) {
		t.Run(c.Name, func(t *testing.T) {
			onBackends(t, func(t *testing.T, b backend.Backend) {
				got := c.train(t, b)
				worst := 0.0
				check := func(what string, got *tensor.Tensor, sign float64, want []float64) {
					scale, off := 0.0, 0.0
					for i, v := range want {
						scale, off = max(scale, math.Abs(v)), max(off, math.Abs(got.At(i)-sign*v))
					}
					worst = max(worst, off/scale)
					if !(off <= 1e-5*scale) {
						t.Errorf("%s: off by %.2g of the largest", what, off/scale)
					}
				}
				check("loss", got["loss"], -1, c.LLH)
				for name, want := range c.Gradients {
					check("gradient of "+name, got[name], 1, want)
				}
				for i, w := range c.Transitions {
					if d := got["transitions"].At(i); w == crf.Forbidden && d != 0 {
						t.Errorf("forbidden move %d has the gradient %g", i, d)
					}
				}
				t.Logf("off by at most %.2g of the largest", worst)
			})
		})
	}
}

// A label that is none makes the loss NaN, not smaller.
func TestUnknownLabel(t *testing.T) {
	onBackends(t, func(t *testing.T, b backend.Backend) {
		c := fixtures(t)[0]
		for _, bad := range []int32{-1, int32(c.Labels)} {
			c.Tags[2] = bad          // of sequence 0
			c.Tags[c.Length+5] = bad // past the end of sequence 1
			loss := c.train(t, b)["loss"]
			if !math.IsNaN(loss.At(0)) || math.IsNaN(loss.At(1)) {
				t.Errorf("label %d gives losses %v", bad, loss.Float32())
			}
		}
	})
}

// backends open the machines.
var backends = map[string]func() (backend.Backend, error){
	"reference": func() (backend.Backend, error) { return reference.New[float32](), nil },
	"cpu":       func() (backend.Backend, error) { return cpu.New(cpu.Options{}) },
	"vulkan": func() (backend.Backend, error) {
		return vulkan.Open(vulkan.Options{Index: -1, AllowSoftware: true})
	},
}

// onBackends runs a test on each machine that is there.
func onBackends(t *testing.T, f func(t *testing.T, b backend.Backend)) {
	for name, open := range backends {
		t.Run(name, func(t *testing.T) {
			b, err := open()
			if err != nil && name == "vulkan" && os.Getenv("KIBAN_REQUIRE_VULKAN") != "1" {
				t.Skipf("no Vulkan device: %v", err)
			}
			must(t, err)
			defer b.Close()
			f(t, b)
		})
	}
}

// train returns the losses and the gradients of their sum.
func (c published) train(t *testing.T, b backend.Backend) map[string]*tensor.Tensor {
	g, n := graph.New(), len(c.Lengths)
	s := nn.NewScope(g, nn.Policy{Params: tensor.BF16}) // the layer stays in f32
	x := g.Input("emissions", tensor.F32, n*c.Length, c.Labels)
	labels, lengths := g.Input("labels", tensor.I32, n*c.Length), g.Input("lengths", tensor.I32, n)
	layer := crf.NewLayer(s.At("crf"), c.Labels)
	loss := layer.Loss(x, labels, lengths)
	grads := graph.Grad(graph.Dot(loss, graph.Fill(g, 1, tensor.F32, n)), x, layer.Transitions, layer.Start, layer.End)
	p, err := plan.Compile(g, b.Limits(), plan.Options{}, map[string]*graph.Node{
		"loss": loss, "emissions": grads[0], "transitions": grads[1], "start": grads[2], "end": grads[3]})
	must(t, err)
	must(t, b.Put("crf.transitions", tensor.Of(c.Transitions, c.Labels, c.Labels)))
	must(t, b.Put("crf.start_transitions", tensor.Of(c.Start, c.Labels)))
	must(t, b.Put("crf.end_transitions", tensor.Of(c.End, c.Labels)))
	r, err := b.Load(p)
	must(t, err)
	defer r.Close()
	must(t, r.Write("emissions", tensor.Of(c.Emissions, n*c.Length, c.Labels)))
	must(t, r.Write("labels", tensor.Of(c.Tags, n*c.Length)))
	must(t, r.Write("lengths", tensor.Of(c.Lengths, n)))
	must(t, r.Run(context.Background()))
	out := map[string]*tensor.Tensor{}
	for _, name := range []string{"loss", "emissions", "transitions", "start", "end"} {
		out[name], err = r.Read(name)
		must(t, err)
	}
	return out
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
