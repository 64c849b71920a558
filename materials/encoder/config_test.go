package encoder

import (
	"encoding/json"
	"strings"
	"testing"
)

// configText is a classifier's config.json; edits are pairs of text to replace.
func configText(edits ...string) string {
	return strings.NewReplacer(edits...).Replace(`{
  "architectures": ["BertForTokenClassification"], "model_type": "bert", "vocab_size": 64, "max_position_embeddings": 32,
  "type_vocab_size": 2, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 32,
  "hidden_act": "gelu", "layer_norm_eps": 1e-12, "hidden_dropout_prob": 0.1, "classifier_dropout": null, "pad_token_id": 3,
  "id2label": {"0": "B-MAT", "1": "I-MAT", "2": "O"}, "label2id": {"B-MAT": 0, "I-MAT": 1, "O": 2}, "torch_dtype": "float16"
}`)
}

func TestParseConfigRefuses(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"good":         {configText(), ""},
		"unnamed":      {configText(`"B-MAT": 0, "I-MAT": 1, "O": 2`, `"LABEL_0": 0, "LABEL_1": 1`), ""},
		"no label2id":  {configText(`"label2id"`, `"label3id"`), ""},
		"defaults":     {`{"model_type": "bert"}`, ""},
		"model":        {configText(`"bert"`, `"roberta"`), `model_type is "roberta"`},
		"width":        {configText(`"hidden_size": 16`, `"hidden_size": -16`), "hidden_size -16"},
		"layers":       {configText(`"num_hidden_layers": 2`, `"num_hidden_layers": 0`), "num_hidden_layers 0"},
		"heads":        {configText(`"num_attention_heads": 4`, `"num_attention_heads": -4`), "num_attention_heads -4"},
		"uneven heads": {configText(`"num_attention_heads": 4`, `"num_attention_heads": 3`), "width 16 is not divisible by 3"},
		"huge":         {configText(`"vocab_size": 64`, `"vocab_size": 9000000000000000000`), "vocab_size 9000000000000000000"},
		"fraction":     {configText(`"hidden_size": 16`, `"hidden_size": 16.5`), "16.5"},
		"string":       {configText(`"hidden_size": 16`, `"hidden_size": "16"`), "string"},
		"twice":        {configText(`"hidden_size": 16`, `"hidden_size": 16, "hidden_size": 32`), "comes twice"},
		"pad":          {configText(`"pad_token_id": 3`, `"pad_token_id": 64`), "pad_token_id 64"},
		"negative pad": {configText(`"pad_token_id": 3`, `"pad_token_id": -1`), "pad_token_id -1"},
		"dropout":      {configText(`"classifier_dropout": null`, `"classifier_dropout": 1`), "classifier_dropout 1"},
		"activation":   {configText(`"gelu"`, `"mish"`), "mish"},
		"hole":         {configText(`"2": "O"`, `"3": "O"`), `the id "3"`},
		"zeros":        {configText(`"2": "O"`, `"02": "O"`), `the id "02"`},
		"same label":   {configText(`"1": "I-MAT"`, `"1": "B-MAT"`), `both 0 and 1 "B-MAT"`},
		"empty label":  {configText(`"1": "I-MAT"`, `"1": ""`), `names 1 ""`},
		"long label":   {configText(`"1": "I-MAT"`, `"1": "`+strings.Repeat("x", 1<<16)+`"`), "1 to 256 bytes"},
		"control":      {configText(`"1": "I-MAT"`, `"1": "\u001b[2J"`), "control"},
		"other label":  {configText(`"I-MAT": 1, "O": 2`, `"I-MAT": 2, "O": 1`), "label2id says that it is 2"},
		"deep":         {strings.Repeat("[", 1<<20), "c: "},
		"deeper":       {`{"x":` + strings.Repeat("[", 1<<20), "too deep"},
		"long number":  {configText(`"hidden_size": 16`, `"hidden_size": `+strings.Repeat("1", 1<<16)), "number 1111"},
		"long model":   {configText(`"bert"`, `"`+strings.Repeat("b", 1<<16)+`"`), "model_type is"},
		"long act":     {configText(`"gelu"`, `"`+strings.Repeat("g", 1<<16)+`"`), "unknown activation"},
		"empty":        {"", "not there"},
		"UTF-8":        {configText("float16", "\xff"), "UTF-8"},
	} {
		_, err := ParseConfig("c", []byte(c.text))
		if c.want == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "c: ") || len(err.Error()) > 400 {
			t.Errorf("%s: %.500v, want %q", name, err, c.want)
		}
	}
}

// What is accepted is a model that can be declared, whose labels are as many as
// it says and all different, and which is the same when written and read again.
func FuzzConfig(f *testing.F) {
	for _, s := range []string{
		configText(), configText(`"hidden_act": "gelu"`, `"hidden_act": "relu", "Hidden_Act": "tanh"`),
		configText(`"classifier_dropout": null`, `"classifier_dropout": 0.5, "tie_word_embeddings": true, "is_decoder": false`),
		configText(`"num_hidden_layers": 2`, `"num_hidden_layers": 1024`, `"hidden_size": 16`, `"hidden_size": 1048576`),
		configText(`"2": "O"`, `"2": "\u00e9"`), configText(`"id2label": {"0": "B-MAT", "1": "I-MAT", "2": "O"}`, `"id2label": {}`),
		`{"model_type":"bert"}`, `{"model_type":"bert","vocab_size":1e400}`, `{"a":[[[[[[]]]]]]}`, `null`,
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
		if !json.Valid(data) {
			t.Fatal("accepted, but no JSON")
		}
		labels := c.Labels()
		seen := map[string]bool{}
		for _, l := range labels {
			seen[l] = true
		}
		if len(seen) != len(labels) || len(labels) != len(c.ID2Label) || seen[""] {
			t.Fatalf("labels %q of %q", labels, c.ID2Label)
		}
		if c.Layers <= 16 { // declaring thousands takes its time
			if n := c.Parameters(func(m *Model) { m.Masked() }); n < c.Vocab*c.Width || n > 1<<60 {
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
		if more, err := json.Marshal(again); err != nil || string(more) != string(text) {
			t.Fatalf("%s became %s (%v)", text, more, err)
		}
	})
}
