package forecast_test

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/climate/forecast"
	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/tensor"
)

// fill returns what Fill makes of a view.
func fill(view checkpoint.Lister, c forecast.Config) (checkpoint.Tensors, error) {
	got := checkpoint.Tensors{}
	err := checkpoint.Fill(func(name string, x *tensor.Tensor) error { got[name] = x; return nil }, wanted(c), view, checkpoint.FillOptions{})
	return got, err
}

func same(a, b *tensor.Tensor) bool {
	return a.Len() == b.Len() && slices.Equal(a.Float32(), b.Float32())
}

// view is Weights where nothing may fail.
func view(t *testing.T, file checkpoint.Lister, stored, want forecast.Config, initial checkpoint.Source) (checkpoint.Tensors, []string) {
	t.Helper()
	v, fresh, err := forecast.Weights(file, stored, want, initial)
	if err != nil {
		t.Fatal(err)
	}
	got, err := fill(v, want)
	if err != nil {
		t.Fatal(err)
	}
	return got, fresh
}

// TestLightning opens checkpoints of the published code, with new and with old
// names, and tells their sizes from their shapes.
func TestLightning(t *testing.T) {
	c := tall()
	want, _ := view(t, placed(c), c, c, nil)
	for _, name := range []string{"new.ckpt", "old.ckpt"} {
		file, err := checkpoint.OpenWeights(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		stored, err := forecast.StoredConfig(file, letters("abc"), 12, 2)
		if err != nil {
			t.Fatal(err)
		}
		if stored = stored.WithoutDropout(); stored.Grid != c.Grid || stored.Width != c.Width || stored.Depth != c.Depth || stored.Patch != c.Patch ||
			stored.DecoderDepth != c.DecoderDepth || stored.MLPRatio != c.MLPRatio || stored.Stacked {
			t.Errorf("%s: %+v, wanted %+v", name, stored, c)
		}
		got, fresh := view(t, file, stored, c, nil)
		if len(fresh) > 0 {
			t.Errorf("%s: fresh are %q", name, fresh)
		}
		for n, w := range want {
			if !same(got[n], w) {
				t.Errorf("%s: %s has other numbers", name, n)
			}
		}
		for what, f := range map[string]func() (forecast.Config, error){
			"heads":     func() (forecast.Config, error) { return forecast.StoredConfig(file, letters("abc"), 12, 5) },
			"rows":      func() (forecast.Config, error) { return forecast.StoredConfig(file, letters("abc"), 0, 2) },
			"variables": func() (forecast.Config, error) { return forecast.StoredConfig(file, nil, 12, 2) },
			"no model": func() (forecast.Config, error) {
				return forecast.StoredConfig(checkpoint.Tensors{"x": tensor.New(tensor.F32, 2)}, nil, 0, 2)
			},
		} {
			if _, err := f(); err == nil || !strings.Contains(err.Error(), "heads") && !strings.Contains(err.Error(), "give") {
				t.Errorf("%s: with wrong %s: %v", name, what, err)
			}
		}
	}
}

// TestSave writes models and reads them back, in both forms.
func TestSave(t *testing.T) {
	stacked := tall()
	stacked.Stacked = true
	for _, c := range []forecast.Config{tall(), stacked, projecting()} {
		weights, _ := view(t, placed(c), c, c, nil)
		dir := t.TempDir()
		if err := forecast.Save(dir, c, weights); err != nil {
			t.Fatal(err)
		}
		d, err := checkpoint.OpenDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		read, err := forecast.ParseConfig("config.json", d.Config())
		if err != nil {
			t.Fatal(err)
		}
		for name, x := range placed(c) { // as the published code has them
			y, err := d.Tensor(name)
			if err != nil || !slices.Equal(y.Shape(), x.Shape()) || !same(x, y) {
				t.Errorf("%s is %v in the file, %v: wanted %v", name, y, err, x)
			}
		}
		again, fresh := view(t, d, read, read, nil)
		for name, x := range weights {
			if !same(x, again[name]) || len(fresh) > 0 {
				t.Errorf("%s has other numbers in the file", name)
			}
		}
	}
}

// TestNewVariables begins what a file lacks and keeps the rest by its name.
func TestNewVariables(t *testing.T) {
	stored, want := tall(), tall()
	want.Variables = letters("cxa")
	initial := forecast.NewFresh(want, 5)
	old, _ := view(t, placed(stored), stored, stored, nil)
	got, fresh := view(t, placed(stored), stored, want, initial)
	if len(fresh) != 5 || !strings.HasSuffix(fresh[0], " of x") {
		t.Errorf("fresh are %q", fresh)
	}
	d, cells := want.Width, want.Patch*want.Patch
	for name, part := range map[string]struct{ groups, size int }{
		"net.token_embeds.proj_weights": {1, cells * d}, "net.token_embeds.proj_biases": {1, d}, "net.var_embed": {1, d},
		"net.head.2.weight": {cells, d}, "net.head.2.bias": {cells, 1},
	} {
		begun, err := initial.Tensor(name)
		if err != nil {
			t.Fatal(err)
		}
		for g := range part.groups {
			for i, from := range []int{2, -1, 0} {
				w := begun.Float32()[(g*3+i)*part.size:][:part.size]
				if from >= 0 {
					w = old[name].Float32()[(g*3+from)*part.size:][:part.size]
				}
				if !slices.Equal(got[name].Float32()[(g*3+i)*part.size:][:part.size], w) {
					t.Errorf("%s: group %d of variable %d has other numbers", name, g, i)
				}
			}
		}
	}
	if !same(got["net.norm.weight"], old["net.norm.weight"]) {
		t.Error("the body changed")
	}
	v, _, err := forecast.Weights(placed(stored), stored, want, nil)
	if err == nil {
		_, err = fill(v, want)
	}
	if err == nil || !strings.Contains(err.Error(), "nothing is fresh") {
		t.Errorf("without fresh weights: %v", err)
	}
}

// TestBecomesProjector begins embeddings, head and years, and keeps the body.
func TestBecomesProjector(t *testing.T) {
	stored, want := wide(), wide().Projecting(letters("xy"), "tas", 4)
	want.Grid = [2]int{8, 8}
	got, fresh := view(t, placed(stored), stored, want, forecast.NewFresh(want, 5))
	for _, name := range []string{"net.token_embeds.proj_weights", "net.token_embeds.proj_biases", "net.head.weight", "net.head.bias",
		"net.time_pos_embed", "net.time_query", "net.time_agg.in_proj_weight", "net.time_agg.out_proj.bias", "net.var_embed of x, y"} {
		if !slices.Contains(fresh, name) {
			t.Errorf("%s is not fresh; %q are", name, fresh)
		}
	}
	old, _ := view(t, placed(stored), stored, stored, nil)
	for _, name := range []string{"net.blocks.1.mlp.fc2.weight", "net.var_agg.in_proj_weight", "net.var_query", "net.lead_time_embed.weight"} {
		if !same(got[name], old[name]) {
			t.Errorf("%s has other numbers", name)
		}
	}
}

// TestDisagreement lists what does not fit.
func TestDisagreement(t *testing.T) {
	c := tall()
	file := placed(c)
	file["net.extra"] = tensor.New(tensor.F32, 3)
	delete(file, "net.norm.bias")
	delete(file, "net.pos_embed")
	file["net.blocks.0.attn.qkv.weight"] = tensor.New(tensor.F32, 3, 16)
	v, _, err := forecast.Weights(file, c, c, nil)
	if err == nil {
		_, err = fill(v, c)
	}
	var bad *checkpoint.MismatchError
	if !errors.As(err, &bad) || len(bad.Missing) != 2 || len(bad.Unexpected) != 1 || len(bad.Misshapen) != 1 {
		t.Errorf("%v", err)
	}
	patch := c
	patch.Patch = 2
	if _, _, err := forecast.Weights(placed(c), c, patch, nil); err == nil || !strings.Contains(err.Error(), "keep the patch size") {
		t.Errorf("another patch size: %v", err)
	}
	width := c
	width.Width = 32
	v, _, err = forecast.Weights(placed(c), c, width, nil)
	if err == nil {
		_, err = fill(v, width)
	}
	if !errors.As(err, &bad) {
		t.Errorf("another width: %v", err)
	}
}

// TestFresh compares how weights begin with the published model.
func TestFresh(t *testing.T) {
	e := readExpect(t)
	if n := forecast.Published().Parameters(); n != e.Parameters {
		t.Errorf("%d parameters, the published model has %d", n, e.Parameters)
	}
	c := config("abcd", 8, 16, 2, 96, 2, 2, 3, 4).Projecting(letters("abcd"), "tas", 5)
	f := forecast.NewFresh(c, 1)
	for name, want := range e.Begin {
		x, err := f.Tensor("net." + name)
		if err != nil {
			t.Fatal(err)
		}
		step := 1
		if name == "pos_embed" { // every sixth number
			step = 6
		}
		for i, row := range want {
			for j, w := range row {
				if v := x.At(i*c.Width + step*j); !(math.Abs(v-w) < 1e-6) {
					t.Fatalf("%s of %d: number %d is %g, wanted %g", name, i, j, v, w)
				}
			}
		}
	}
	stored, specs := forecast.Stored(c, f)
	if len(specs) != len(e.Deviations) {
		t.Errorf("%d parameters, wanted %d", len(specs), len(e.Deviations))
	}
	for _, s := range specs {
		x, err := stored.Tensor(s.Name)
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for i := range x.Len() {
			sum += x.At(i) * x.At(i)
		}
		got, want := math.Sqrt(sum/float64(x.Len())), e.Deviations[s.Name]
		// Two drawings of n numbers differ by about 1/√n of their size.
		if !(math.Abs(got-want) <= 5/math.Sqrt(float64(x.Len()))*want) {
			t.Errorf("%s begins at a root mean square of %g, wanted %g", s.Name, got, want)
		}
	}
}

// TestFrozen compares what a frozen encoder trains.
func TestFrozen(t *testing.T) {
	e, c := readExpect(t), projecting()
	c.Frozen = true
	var frozen []string
	for _, d := range c.Declared(nn.Policy{}) {
		if !c.Trains(d.Name) {
			frozen = append(frozen, d.Name)
		}
	}
	slices.Sort(frozen)
	if len(frozen) == 0 || !slices.Equal(frozen, e.Frozen) {
		t.Errorf("frozen are %q, wanted %q", frozen, e.Frozen)
	}
	for name, want := range map[string]bool{"net.var_embed": false, "net.pos_embed": false, "net.time_pos_embed": false, "net.var_query": true, "net.norm.bias": true} {
		if forecast.Decays(name) != want {
			t.Errorf("%s decays: %t", name, !want)
		}
	}
}

func TestParseConfig(t *testing.T) {
	good := `{"architectures":["ClimaX"],"model_type":"climax","default_vars":["a","b"],"img_size":[8,16],"patch_size":2,"embed_dim":16,"depth":1,"num_heads":2}`
	c, err := forecast.ParseConfig("config.json", []byte(good))
	if err != nil || c.DecoderDepth != 2 || c.MLPRatio != 4 || c.Dropout != 0.1 || c.DropPath != 0.1 {
		t.Fatalf("%+v, %v", c, err)
	}
	for _, x := range [][3]string{
		{`"climax"`, `"bert"`, "model_type"},
		{`["ClimaX"]`, `["ClimaY"]`, "architectures"},
		{`["a","b"]`, `["a","a"]`, "twice"},
		{`["a","b"]`, `[]`, "variables"},
		{`[8,16]`, `[8,15]`, "whole patches"},
		{`[8,16]`, `[-8,16]`, "whole patches"},
		{`"patch_size":2`, `"patch_size":0`, "whole patches"},
		{`"embed_dim":16`, `"embed_dim":18`, "embed_dim"},
		{`"embed_dim":16`, `"embed_dim":1e9`, "configuration"},
		{`"depth":1`, `"depth":-1`, "depth"},
		{`"num_heads":2`, `"num_heads":3`, "heads"},
		{`"num_heads":2`, `"num_heads":2,"mlp_ratio":-1`, "mlp_ratio"},
		{`"num_heads":2`, `"num_heads":2,"drop_path":1`, "dropout"},
		{`"num_heads":2`, `"num_heads":2,"time_history":3`, "time_history"},
		{`["ClimaX"]`, `["ClimaXClimateBench"]`, "time_history"},
		{`{`, ``, "configuration"},
	} {
		_, err := forecast.ParseConfig("config.json", []byte(strings.Replace(good, x[0], x[1], 1)))
		if err == nil || !strings.Contains(err.Error(), "config.json: ") || !strings.Contains(err.Error(), x[2]) {
			t.Errorf("%s for %s: %v", x[1], x[0], err)
		}
	}
	if _, err := forecast.ParseConfig("config.json", nil); err == nil {
		t.Error("no file is accepted")
	}
}

// FuzzParseConfig makes sure that whatever is accepted can be declared.
func FuzzParseConfig(f *testing.F) {
	dir := f.TempDir()
	for _, c := range []forecast.Config{tall(), projecting()} {
		if err := forecast.Save(dir, c, forecast.NewFresh(c, 1)); err != nil {
			f.Fatal(err)
		}
		data, err := os.ReadFile(filepath.Join(dir, "config.json"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := forecast.ParseConfig("config.json", data)
		if err != nil || c.Depth > 64 || len(c.Variables) > 64 {
			return
		}
		if n := c.Parameters(); n <= 0 {
			t.Errorf("%d parameters", n)
		}
		if again := c.Validate(); again != nil {
			t.Error(again)
		}
	})
}
