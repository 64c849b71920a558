package protein

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// configText is a small config.json; edits are pairs of text to replace.
func configText(edits ...string) string {
	s := `{
  "architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "vocab_size": 300, "n_positions": 64, "n_embd": 16,
  "n_layer": 2, "n_head": 2, "n_inner": null, "activation_function": "gelu_new", "layer_norm_epsilon": 1e-05,
  "initializer_range": 0.02, "resid_pdrop": 0.1, "embd_pdrop": 0.1, "attn_pdrop": 0.1, "bos_token_id": 0, "eos_token_id": 0,
  "task_specific_params": {"text-generation": {"do_sample": true, "max_length": 50}}, "n_ctx": 64, "torch_dtype": "float32"
}`
	return strings.NewReplacer(edits...).Replace(s)
}

func TestParseConfigRefuses(t *testing.T) {
	if _, err := ParseConfig("c", []byte(configText())); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ text, want string }{
		"key twice":       {configText(`"n_ctx": 64`, `"n_embd": 32`), `key "n_embd" comes twice`},
		"nested twice":    {configText(`"max_length": 50`, `"do_sample": 50`), "comes twice"},
		"another case":    {configText(`"n_embd"`, `"N_EMBD"`), "width 0"},
		"a letter like k": {configText(`"n_embd": 16`, `"n_embd": 16, "`+"\u017f"+`cale_attn_by_inverse_layer_idx": true`), ""},
		"deep":            {configText(`{"do_sample"`, strings.Repeat(`{"a":`, 20)+`{"do_sample"`, `50}`, `50}`+strings.Repeat("}", 20)), "nested too deep"},
		"very deep":       {configText(`64, "torch`, strings.Repeat("[", 1_000_000)+`64, "torch`), "nested too deep"},
		"after the end":   {configText() + "{}", "want the end"},
		"fraction":        {configText(`"n_layer": 2`, `"n_layer": 2.5`), "n_layer"},
		"overflow":        {configText(`"n_layer": 2`, `"n_layer": 1e30`), "n_layer"},
		"huge":            {configText(`"n_layer": 2`, `"n_layer": 1000000`), "not a model's sizes"},
		"huge inner":      {configText(`"n_inner": null`, `"n_inner": 1000000000000`), "n_inner 1000000000000"},
		"zero inner":      {configText(`"n_inner": null`, `"n_inner": 0`), "n_inner 0"},
		"dropout":         {configText(`"embd_pdrop": 0.1`, `"embd_pdrop": 1`), "dropout 1"},
		"list":            {"[]", "want '{'"},
		"empty":           {"", "not there"},
		"UTF-8":           {configText("float32", "\xff"), "UTF-8"},
	} {
		_, err := ParseConfig("c", []byte(c.text))
		if c.want == "" && err == nil {
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "c: ") || len(err.Error()) > 400 {
			t.Errorf("%s: %.500v, want %q", name, err, c.want)
		}
	}
}

// What is accepted is a model that can be declared, and is the same when saved
// and read again.
func FuzzConfig(f *testing.F) {
	for _, s := range []string{
		configText(),
		configText(`"n_inner": null`, `"n_inner": 48`, `gelu_new`, `relu`, `"eos_token_id": 0`, `"eos_token_id": null`),
		configText(`"n_ctx": 64`, `"tie_word_embeddings": true, "scale_attn_weights": true`),
		configText(`"n_embd"`, `"N_EMBD"`),
		configText(`"n_layer": 2`, `"n_layer": 4096`, `"n_embd": 16`, `"n_embd": 1048576`),
		`{"model_type":"gpt2"}`, `{"model_type":"gpt2","n_layer":1e400}`, `{"a":[[[[[[]]]]]]}`, `null`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := ParseConfig("config.json", data)
		if err != nil {
			if len(err.Error()) > 4096 {
				t.Fatalf("an error of %d bytes", len(err.Error()))
			}
			return
		}
		if len(data) > 0 && !json.Valid(data) {
			t.Fatal("accepted, but no JSON")
		}
		if c.Layers <= 16 { // declaring thousands takes its time
			if n := c.Parameters(); n < c.Vocab*c.Width || n > 1<<60 {
				t.Fatalf("%+v has %d parameters", c, n)
			}
		}
		text, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseConfig("again", text)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(c, again) {
			t.Fatalf("%+v became %+v", c, again)
		}
	})
}
