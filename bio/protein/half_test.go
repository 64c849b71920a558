package protein_test

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/bio/protein"
	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/core/train"
)

// halfRun is what torch's autocast comes to, in testdata/half.json.
type halfRun struct {
	Losses, Norms []float64
	Scale         float64
}

// TestHalfParity compares bfloat16 and float16 with transformers in these
// types, on every backend.
//
// Logits come from weights that are rounded to the type, so they should be
// those that f32 computes from the same weights but for what is rounded on the
// way. torch rounds after each operation of a layer, Kiban after each layer's
// kernel and never the logits: it must not be farther off than torch is, and
// the two no farther apart than two errors of torch's size are.
//
// Losses come from f32 masters and activations in the type, as under autocast.
// Both are sums of many terms whose rounding errors are independent, so they
// agree much better than one number of the type (5.7 is 2^-5 = 0.031 from its
// neighbour in bfloat16, 2^-8 = 0.0039 in float16): wanted are a sixteenth of
// that distance for the loss, and 2^-8 or 2^-11 of it, the rounding of one
// number, for the gradient's norm.
func TestHalfParity(t *testing.T) {
	data, err := os.ReadFile("testdata/half.json")
	if err != nil {
		t.Fatal(err)
	}
	runs := map[string]halfRun{}
	if err := json.Unmarshal(data, &runs); err != nil {
		t.Fatal(err)
	}
	f, err := checkpoint.Open("testdata/half.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for name, open := range backends {
		for _, dt := range []tensor.DType{tensor.BF16, tensor.F16} {
			t.Run(name+"/"+dt.String(), func(t *testing.T) {
				b := open(t)
				defer b.Close()
				halfLogits(t, b, f, dt)
				b = open(t)
				defer b.Close()
				steps := 20
				if !strings.HasPrefix(name, "cpu") { // slow
					steps = 5
				}
				halfTraining(t, b, dt, runs[dt.String()], steps)
			})
		}
	}
}

func halfLogits(t *testing.T, b backend.Backend, f *checkpoint.File, dt tensor.DType) {
	t.Helper()
	c, p := oddConfig(), nn.Policy{Params: dt, Compute: dt}
	rounded := checkpoint.Tensors{}
	for name, x := range placed(c) {
		rounded[name] = x.Convert(dt)
	}
	if err := checkpoint.Fill(b.Put, protein.Specs(c, p), rounded, checkpoint.FillOptions{}); err != nil {
		t.Fatal(err)
	}
	got := logitsAs(t, b, c, p, drawTokens(oddBatch*oddLen, 0, oddVocab), oddBatch, oddLen)
	read := func(name string) *tensor.Tensor {
		x, err := f.Tensor(dt.String() + "." + name)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	torch, exact := read("logits"), read("exact")
	const every = 10 // rows of the fixture
	var ours, theirs, apart float64
	for i := range exact.Len() {
		v := got.At(i/oddVocab*every*oddVocab + i%oddVocab)
		ours += math.Pow(v-exact.At(i), 2)
		theirs += math.Pow(torch.At(i)-exact.At(i), 2)
		apart += math.Pow(v-torch.At(i), 2)
	}
	n := float64(exact.Len())
	ours, theirs, apart = math.Sqrt(ours/n), math.Sqrt(theirs/n), math.Sqrt(apart/n)
	t.Logf("root mean square error of logits %.2g, torch's %.2g, apart %.2g", ours, theirs, apart)
	if !(ours <= theirs) || !(apart <= math.Sqrt2*theirs) {
		t.Errorf("logits are %.3g off, torch's %.3g, and %.3g apart", ours, theirs, apart)
	}
}

func halfTraining(t *testing.T, b backend.Backend, dt tensor.DType, want halfRun, steps int) {
	t.Helper()
	c := oddConfig()
	putAll(t, b, placed(c))
	p, err := train.Compile(b.Limits(), c.Loss(oddBatch, oddLen), train.Options{
		Policy:    nn.Policy{Compute: dt},
		Optimizer: train.Optimizer{LR: 1e-3, Schedule: train.Linear, Warmup: 4, Steps: 20, WeightDecay: 0.1, Beta1: 0.9, Beta2: 0.95, GradClip: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	tr, err := p.Load(b)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	ulp := 1.0 / (1 << 8)
	if dt == tensor.F16 {
		ulp = 1.0 / (1 << 11)
	}
	batch := protein.NewBatch(oddBatch, oddLen)
	worst, worstNorm := 0.0, 0.0
	for step, loss := range want.Losses[:steps] {
		r, err := tr.Step(context.Background(), step, func(_ int, r backend.Runner) error {
			shifted(batch, drawTokens(oddBatch*oddLen, uint32(step), oddVocab))
			return batch.Write(r, 1/float32(batch.Count()))
		})
		if err != nil {
			t.Fatal(err)
		}
		worst, worstNorm = max(worst, math.Abs(r.Loss-loss)), max(worstNorm, math.Abs(r.GradNorm/want.Norms[step]-1))
		if r.Skipped {
			t.Errorf("step %d was skipped, torch took it", step)
		}
	}
	t.Logf("largest difference of a loss %.2g, of a norm %.2g of it", worst, worstNorm)
	if !(worst < ulp/2) || !(worstNorm < ulp) {
		t.Errorf("losses differ by %.3g and norms by %.3g from torch's, wanted less than %.3g and %.3g", worst, worstNorm, ulp/2, ulp)
	}
	if s := tr.Scaling(); dt == tensor.F16 && s.Scale != want.Scale {
		t.Errorf("the loss scale is %g, torch's %g", s.Scale, want.Scale)
	}
}
