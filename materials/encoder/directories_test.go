package encoder_test

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/materials/encoder"
)

// only is a directory with the configuration of a class and one of its files of
// weights.
func only(t *testing.T, class, weights string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"config.json", weights} {
		data, err := os.ReadFile(filepath.Join("testdata/classes", class, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), data, 0o666)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// classLogits opens a directory that has all of a class, and returns the scores
// of two texts, those of padding among them.
func (k task) classLogits(t *testing.T, dir string) (encoder.Config, []nn.Declared, checkpoint.Lister, *tensor.Tensor) {
	t.Helper()
	weights, err := checkpoint.OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { weights.Close() })
	c, err := encoder.ParseConfig(filepath.Join(dir, "config.json"), weights.Config())
	if err != nil {
		t.Fatal(err)
	}
	declared := c.Declared(nn.Policy{}, k.declare)
	view, fresh, err := encoder.Weights(weights, declared, nil)
	if err != nil || len(fresh) > 0 {
		t.Fatalf("%s: fresh are %q, %v", dir, fresh, err)
	}
	var specs []checkpoint.Spec
	for _, d := range declared {
		specs = append(specs, checkpoint.Spec{Name: d.Name, DType: d.DType, Shape: d.Shape})
	}
	b := openCPU(t)
	defer b.Close()
	if err := checkpoint.Fill(b.Put, specs, view, checkpoint.FillOptions{}); err != nil {
		t.Fatal(err)
	}
	g := graph.New()
	m := encoder.New(nn.NewScope(g, nn.Policy{}), c)
	hidden := m.Hidden(encoder.Declare(g, 2, 20, false))
	inputs := bodyInputs(draw(40, 6, 31), []int32{20, 13}, 2, 20)
	var first *graph.Node
	if k.rows == oddBatch {
		first = g.Input("first", tensor.I32, 2)
	} else {
		delete(inputs, "first")
	}
	r := load(t, b, g, map[string]*graph.Node{"scores": k.scores(m, hidden, first)})
	write(t, r, inputs)
	if err := r.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	return c, declared, view, read(t, r, "scores")
}

// TestClasses opens each class as transformers saves it, in both forms of
// files, writes both, and opens those again: the logits are the same.
func TestClasses(t *testing.T) {
	for name, k := range tasks {
		data, err := os.ReadFile(filepath.Join("testdata/classes", name, "logits.json"))
		if err != nil {
			t.Fatal(err)
		}
		var want [][]float64
		if err := json.Unmarshal(data, &want); err != nil {
			t.Fatal(err)
		}
		var first *tensor.Tensor
		for _, file := range []string{"model.safetensors", "pytorch_model.bin"} {
			c, declared, view, got := k.classLogits(t, only(t, name, file))
			if first == nil {
				first = got
			}
			if !bytes.Equal(got.Bytes(), first.Bytes()) {
				t.Errorf("%s: the logits of %s are not those of safetensors", name, file)
			}
			worst, classes := 0.0, len(want[0])
			if got.Len() != len(want)*classes {
				t.Fatalf("%s: %d scores, wanted %d rows of %d", name, got.Len(), len(want), classes)
			}
			for i, row := range want {
				if len(want) > 2 && i >= 20+13 { // padding
					break
				}
				for j, w := range row {
					worst = max(worst, math.Abs(got.At(i*classes+j)-w))
				}
			}
			t.Logf("%s, %s: logits differ by %.2g", name, file, worst)
			if !(worst < 1e-5) {
				t.Errorf("%s, %s: logits differ by %g", name, file, worst)
			}
			dir := t.TempDir()
			if err := encoder.Save(dir, c, declared, view); err != nil {
				t.Fatal(err)
			}
			if _, _, _, again := k.classLogits(t, dir); !bytes.Equal(again.Bytes(), got.Bytes()) {
				t.Errorf("%s: the logits of what was saved from %s are others", name, file)
			}
			if file == "pytorch_model.bin" {
				continue
			}
			saved, err := checkpoint.Open(filepath.Join(dir, "model.safetensors"))
			if err != nil {
				t.Fatal(err)
			}
			var specs []checkpoint.Spec
			for _, n := range saved.Names() {
				s, err := saved.Spec(n)
				if err != nil {
					t.Fatal(err)
				}
				specs = append(specs, s)
			}
			err = checkpoint.WriteTorch(filepath.Join(dir, "pytorch_model.bin"), specs, saved)
			if err == nil {
				err = saved.Close()
			}
			if err == nil {
				err = os.Remove(filepath.Join(dir, "model.safetensors"))
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, _, _, again := k.classLogits(t, dir); !bytes.Equal(again.Bytes(), got.Bytes()) {
				t.Errorf("%s: the logits of the .bin that was written are others", name)
			}
		}
	}
}
