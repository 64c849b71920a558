package lora_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/lora"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/tensor"
)

// written writes an adapter of rank 2 on the layers "one" [3 in, 4 out] and
// "deep.two" [4 in, 2 out] and returns its directory and matrices.
func written(t *testing.T, inOut bool) (string, checkpoint.Tensors) {
	t.Helper()
	dir, all := t.TempDir(), checkpoint.Tensors{}
	var params []nn.Declared
	for _, l := range []struct {
		name    string
		in, out int
	}{{"one", 3, 4}, {"deep.two", 4, 2}} {
		for _, m := range []struct {
			end        string
			rows, cols int
		}{{nn.LoRAA, 2, l.in}, {nn.LoRAB, l.out, 2}} {
			x := tensor.New(tensor.F32, m.rows, m.cols)
			for i := range x.Float32() {
				x.Float32()[i] = float32(i+len(all)) / 8
			}
			all[l.name+m.end] = x
			params = append(params, nn.Declared{Name: l.name + m.end, DType: tensor.F32, Shape: x.Shape()})
		}
	}
	params = append(params, nn.Declared{Name: "one.weight", Shape: []int{4, 3}}) // of the model, not written
	c := lora.Config{LoRA: nn.LoRA{Rank: 2, Alpha: 3, Targets: []string{"one", "two"}, Dropout: 0.1}, Base: "base", Task: "CAUSAL_LM", FanInOut: inOut}
	if err := lora.Write(dir, c, params, all); err != nil {
		t.Fatal(err)
	}
	return dir, all
}

func TestWriteOpen(t *testing.T) {
	dir, want := written(t, true)
	a, err := lora.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if a.Rank != 2 || a.Alpha != 3 || a.Dropout != 0.1 || a.Base != "base" || a.Task != "CAUSAL_LM" || !a.FanInOut || a.RSLoRA {
		t.Errorf("read %+v", a.Config)
	}
	if got := a.Layers(); !slices.Equal(got, []string{"deep.two", "one"}) {
		t.Errorf("layers %q", got)
	}
	if got := a.Weights.Names(); !slices.Equal(got, want.Names()) {
		t.Errorf("names %q, wanted %q", got, want.Names())
	}
	for name, x := range want {
		got, err := a.Weights.Tensor(name)
		if err != nil || !slices.Equal(got.Float32(), x.Float32()) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func TestMerge(t *testing.T) {
	for _, inOut := range []bool{false, true} {
		dir, parts := written(t, inOut)
		a, err := lora.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		base := checkpoint.Tensors{"other": tensor.Of([]float32{7}, 1)}
		for _, l := range []struct {
			name    string
			in, out int
		}{{"one", 3, 4}, {"deep.two", 4, 2}} {
			shape := []int{l.out, l.in}
			if inOut {
				shape = []int{l.in, l.out}
			}
			x := tensor.New(tensor.F32, shape...)
			for i := range x.Float32() {
				x.Float32()[i] = float32(i) / 4
			}
			base[l.name+".weight"] = x
		}
		before := base["one.weight"].Clone()
		m, err := lora.Merge(base, a)
		if err != nil {
			t.Fatal(err)
		}
		for _, layer := range a.Layers() {
			got, err := m.Tensor(layer + ".weight")
			if err != nil {
				t.Fatal(err)
			}
			x, y, w := parts[layer+nn.LoRAA], parts[layer+nn.LoRAB], base[layer+".weight"]
			in, out := x.Shape()[1], y.Shape()[0]
			for o := range out {
				for i := range in {
					at := o*in + i
					if inOut {
						at = i*out + o
					}
					want := w.At(at)
					for k := range 2 {
						want += 1.5 * y.At(o*2+k) * x.At(k*in+i) // exact in f32: small multiples of 1/128
					}
					if got.At(at) != want {
						t.Errorf("%s [in, out] %t: weight from %d to %d is %g, wanted %g", layer, inOut, i, o, got.At(at), want)
					}
				}
			}
		}
		if x, err := m.Tensor("other"); err != nil || x.At(0) != 7 {
			t.Errorf("a weight without adapter is %v, %v", x, err)
		}
		if !slices.Equal(before.Float32(), base["one.weight"].Float32()) {
			t.Error("merging changed the base")
		}
	}
}

func TestMergeMisfit(t *testing.T) {
	dir, _ := written(t, false)
	a, err := lora.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	_, err = lora.Merge(checkpoint.Tensors{"one.weight": tensor.New(tensor.F32, 3, 4)}, a)
	for _, want := range []string{"deep.two is not there", "one.weight f32[3 4], wanted [4 3]"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, wanted %q in it", err, want)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	for what, c := range map[string]struct {
		config map[string]any // changed in adapter_config.json
		want   string
	}{
		"DoRA":             {map[string]any{"use_dora": true}, "use_dora is true, which is not supported"},
		"biases":           {map[string]any{"bias": "all"}, `bias is "all"`},
		"ranks of layers":  {map[string]any{"rank_pattern": map[string]int{"one": 4}}, "rank_pattern"},
		"saved modules":    {map[string]any{"modules_to_save": []string{"wte"}}, "modules_to_save"},
		"another rank":     {map[string]any{"r": 3}, "wanted [3, in] and [out, 3]"},
		"no rank":          {map[string]any{"r": 0}, "r 0"},
		"another method":   {map[string]any{"peft_type": "IA3"}, `"IA3", wanted LORA`},
		"a regexp":         {map[string]any{"target_modules": ".*one"}, "target_modules must be a list"},
		"nothing unusual":  {map[string]any{"modules_to_save": nil, "layer_replication": nil, "loftq_config": map[string]any{}}, ""},
		"what is not used": {map[string]any{"revision": "main", "init_lora_weights": "gaussian"}, ""},
	} {
		dir, _ := written(t, false)
		path := filepath.Join(dir, lora.ConfigFile)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var all map[string]any
		if err := json.Unmarshal(text, &all); err != nil {
			t.Fatal(err)
		}
		for k, v := range c.config {
			all[k] = v
		}
		if text, err = json.Marshal(all); err == nil {
			err = os.WriteFile(path, text, 0o666)
		}
		if err != nil {
			t.Fatal(err)
		}
		a, err := lora.Open(dir)
		if err == nil {
			a.Close()
		}
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, wanted %q", what, err, c.want)
		}
	}
}

func TestOpenIncomplete(t *testing.T) {
	if _, err := lora.Open(t.TempDir()); err == nil || !strings.Contains(err.Error(), "there is no adapter_config.json") {
		t.Errorf("an empty directory: %v", err)
	}
	for what, names := range map[string][]string{
		"an A alone":     {"one.lora_A.weight"},
		"something else": {"one.lora_A.weight", "one.lora_B.weight", "one.lora_embedding_A"},
		"nothing":        nil,
	} {
		dir, _ := written(t, false)
		all := checkpoint.Tensors{}
		for _, n := range names {
			all["base_model.model."+n] = tensor.New(tensor.F32, 2, 2)
		}
		if err := checkpoint.Write(filepath.Join(dir, lora.WeightsFile), all.Specs(), all, nil); err != nil {
			t.Fatal(err)
		}
		if a, err := lora.Open(dir); err == nil {
			a.Close()
			t.Errorf("%s was opened", what)
		}
	}
}
