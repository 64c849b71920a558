package encoder_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/materials/encoder"
)

// load fills the parameters of a classifier of tokens from a source and returns
// what was given, what was fresh, and the error.
func loadWeights(t *testing.T, from checkpoint.Tensors, classes int) (got checkpoint.Tensors, fresh []string, err error) {
	t.Helper()
	declared := oddConfig().Declared(nn.Policy{}, func(m *encoder.Model) { m.Classifier(classes) })
	view, fresh, err := encoder.Weights(lister{from}, declared, nn.Fresh{Seed: 1, Params: declared})
	if err != nil {
		return nil, nil, err
	}
	var specs []checkpoint.Spec
	for _, d := range declared {
		specs = append(specs, checkpoint.Spec{Name: d.Name, DType: d.DType, Shape: d.Shape})
	}
	got = checkpoint.Tensors{}
	put := func(name string, x *tensor.Tensor) error { got[name] = x; return nil }
	return got, fresh, checkpoint.Fill(put, specs, view, checkpoint.FillOptions{})
}

type lister struct{ checkpoint.Tensors }

func (l lister) Spec(name string) (checkpoint.Spec, error) {
	x := l.Tensors[name]
	return checkpoint.Spec{Name: name, DType: x.DType(), Shape: x.Shape()}, nil
}

// TestWeights loads what directories of other times and classes have.
func TestWeights(t *testing.T) {
	body := placed(oddConfig().Declared(nn.Policy{}, func(*encoder.Model) {}))
	masked := placed(oddConfig().Declared(nn.Policy{}, func(m *encoder.Model) { m.Masked(); m.Pooler() }))
	rename := func(from checkpoint.Tensors, change func(string) string) checkpoint.Tensors {
		out := checkpoint.Tensors{}
		for name, x := range from {
			out[change(name)] = x
		}
		return out
	}
	with := func(from checkpoint.Tensors, name string, shape ...int) checkpoint.Tensors {
		out := rename(from, func(n string) string { return n })
		out[name] = tensor.New(tensor.F32, shape...)
		return out
	}
	bare := func(n string) string { return strings.TrimPrefix(n, "bert.") }
	old := func(n string) string {
		return strings.NewReplacer("LayerNorm.weight", "LayerNorm.gamma", "LayerNorm.bias", "LayerNorm.beta").Replace(n)
	}
	classifier := []string{"classifier.bias", "classifier.weight"}
	for name, x := range map[string]struct {
		from  checkpoint.Tensors
		fresh []string
		err   string
	}{
		"masked language model":  {masked, classifier, ""},
		"bare":                   {rename(body, bare), classifier, ""},
		"TensorFlow's names":     {rename(masked, old), classifier, ""},
		"bare with those":        {rename(body, func(n string) string { return bare(old(n)) }), classifier, ""},
		"position_ids":           {with(masked, "bert.embeddings.position_ids", 1, 96), classifier, ""},
		"bare position_ids":      {with(rename(body, bare), "embeddings.position_ids", 1, 96), classifier, ""},
		"copy of the embeddings": {with(masked, "cls.predictions.decoder.weight", oddVocab, 120), classifier, ""},
		"whole":                  {with(with(body, "classifier.weight", 9, 120), "classifier.bias", 9), nil, ""},
		"other classes":          {with(with(body, "classifier.weight", 5, 120), "classifier.bias", 5), classifier, ""},
		"unknown":                {with(masked, "bert.embeddings.rotary", 3), nil, "bert.embeddings.rotary"},
		"misshapen":              {with(masked, "bert.embeddings.LayerNorm.weight", 7), nil, "bert.embeddings.LayerNorm.weight"},
		"a layer too many":       {with(masked, "bert.encoder.layer.3.output.dense.bias", 120), nil, "layer.3"},
	} {
		got, fresh, err := loadWeights(t, x.from, 9)
		if x.err != "" {
			if err == nil || !strings.Contains(err.Error(), x.err) {
				t.Errorf("%s: error %v, wanted one of %s", name, err, x.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		slices.Sort(fresh)
		if !slices.Equal(fresh, x.fresh) {
			t.Errorf("%s: fresh are %q, wanted %q", name, fresh, x.fresh)
		}
		for n, want := range body {
			if !slices.Equal(got[n].Float32(), want.Float32()) {
				t.Errorf("%s: %s is not that of the file", name, n)
			}
		}
	}
	missing := rename(masked, func(n string) string { return n })
	delete(missing, "bert.encoder.layer.1.attention.self.key.weight")
	if _, _, err := loadWeights(t, missing, 9); err == nil || !strings.Contains(err.Error(), "layer.1.attention.self.key.weight") {
		t.Errorf("a missing weight: %v", err)
	}
}

// TestConfig refuses what would be computed wrongly, by name.
func TestConfig(t *testing.T) {
	const start = `{"model_type": "bert", "vocab_size": 100, "hidden_size": 24, "num_attention_heads": 3, "num_hidden_layers": 1, "intermediate_size": 30`
	for text, want := range map[string]string{
		start + `}`: "",
		start + `, "position_embedding_type": "absolute", "use_cache": true, "gradient_checkpointing": false}`:                           "",
		start + `, "hidden_act": "gelu_new", "classifier_dropout": null, "id2label": {"1": "B", "0": "A"}, "tie_word_embeddings": true}`: "",
		`{"model_type": "gpt2"}`: `"gpt2"`,
		`{}`:                     "model_type",
		``:                       "is not there",
		`{"model_type": "bert",`: "not a model configuration",
		start + `, "position_embedding_type": "relative_key"}`:              "relative_key",
		start + `, "is_decoder": true}`:                                     "is_decoder",
		start + `, "add_cross_attention": true}`:                            "add_cross_attention",
		start + `, "tie_word_embeddings": false}`:                           "tie_word_embeddings",
		start + `, "hidden_act": "mish"}`:                                   "mish",
		start + `, "hidden_dropout_prob": 1}`:                               "dropout",
		start + `, "classifier_dropout": -0.1}`:                             "classifier_dropout",
		start + `, "layer_norm_eps": 0}`:                                    "epsilon",
		start + `, "max_position_embeddings": 1}`:                           "max_position_embeddings 1",
		strings.Replace(start, `size": 100`, `size": 0`, 1) + `}`:           "vocab_size 0",
		strings.Replace(start, `size": 100`, `size": 99999999999`, 1) + `}`: "vocab_size",
		strings.Replace(start, `heads": 3`, `heads": 5`, 1) + `}`:           "not divisible by 5",
		start + `, "id2label": {"0": "A", "2": "B"}}`:                       `"2"`,
		start + `, "id2label": {"0": "A", "one": "B"}}`:                     `"one"`,
	} {
		c, err := encoder.ParseConfig("dir/config.json", []byte(text))
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", text, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "dir/config.json: ")):
			t.Errorf("%s: error %v, wanted %s", text, err, want)
		case want == "" && strings.Contains(text, "id2label") && strings.Join(c.Labels(), "") != "AB":
			t.Errorf("%s: labels %q", text, c.Labels())
		}
	}
}
