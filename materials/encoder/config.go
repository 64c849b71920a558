package encoder

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/core/transformer"
)

// The architectures that a directory may be of.
const (
	MaskedLM               = "BertForMaskedLM"
	TokenClassification    = "BertForTokenClassification"
	SequenceClassification = "BertForSequenceClassification"
)

// Config is config.json of a BERT model. Fields that Kiban does not read are
// kept in other tools' files, not here.
type Config struct {
	Architectures []string `json:"architectures"`
	ModelType     string   `json:"model_type"` // bert
	Vocab         int      `json:"vocab_size"`
	Context       int      `json:"max_position_embeddings"`
	Types         int      `json:"type_vocab_size"`
	Width         int      `json:"hidden_size"`
	Layers        int      `json:"num_hidden_layers"`
	Heads         int      `json:"num_attention_heads"`
	FFN           int      `json:"intermediate_size"`
	Act           string   `json:"hidden_act"`
	NormEps       float32  `json:"layer_norm_eps"`
	InitStd       float32  `json:"initializer_range"`
	Dropout       float32  `json:"hidden_dropout_prob"`
	AttnDrop      float32  `json:"attention_probs_dropout_prob"`
	// ClassifierDropout is that before a classifier; null: Dropout.
	ClassifierDropout *float32          `json:"classifier_dropout"`
	Pad               int32             `json:"pad_token_id"`
	ID2Label          map[string]string `json:"id2label,omitempty"`
	Label2ID          map[string]int    `json:"label2id,omitempty"`
	ProblemType       string            `json:"problem_type,omitempty"`
	TorchDType        string            `json:"torch_dtype,omitempty"`
	// Variants of BERT that files may ask for.
	Positions      string `json:"position_embedding_type,omitempty"` // absent: absolute
	Decoder        bool   `json:"is_decoder,omitempty"`
	CrossAttention bool   `json:"add_cross_attention,omitempty"`
	TieWeights     *bool  `json:"tie_word_embeddings,omitempty"` // absent: true
}

// NewConfig returns the configuration of a masked language model of the given
// shape, BERT in all else: a feed-forward layer of four times the width, two
// token types, padding of id 0.
func NewConfig(vocab, context, layers, width, heads int) Config {
	return Config{
		Architectures: []string{MaskedLM}, ModelType: "bert",
		Vocab: vocab, Context: context, Types: 2, Layers: layers, Width: width, Heads: heads, FFN: 4 * width,
		Act: "gelu", NormEps: 1e-12, InitStd: 0.02, Dropout: 0.1, AttnDrop: 0.1, TorchDType: "float32",
	}
}

// ParseConfig reads config.json. A model of another architecture, or a variant
// of BERT that Kiban would compute wrongly, is an error that says so; path is
// named in it.
func ParseConfig(path string, data []byte) (Config, error) {
	// What transformers takes a field to be that is not there.
	c := Config{Vocab: 30522, Context: 512, Types: 2, Width: 768, Layers: 12, Heads: 12, FFN: 3072, Act: "gelu",
		NormEps: 1e-12, InitStd: 0.02, Dropout: 0.1, AttnDrop: 0.1}
	if len(data) == 0 {
		return c, fmt.Errorf("%s: is not there; a model directory must have one", path)
	}
	if err := checkpoint.DecodeConfig(data, &c); err != nil {
		return c, fmt.Errorf("%s: not a model configuration: %.300s", path, err)
	}
	return c, c.validate(path)
}

func (c Config) validate(path string) error {
	if c.ModelType != "bert" {
		return fmt.Errorf("%s: model_type is %.40q; this needs a bert model such as MatSciBERT or SciBERT", path, c.ModelType)
	}
	for _, v := range []struct {
		is   bool
		what string
	}{
		{c.Positions != "" && c.Positions != "absolute", fmt.Sprintf("position_embedding_type is %.40q", c.Positions)},
		{c.Decoder, "is_decoder is true"},
		{c.CrossAttention, "add_cross_attention is true"},
		{c.TieWeights != nil && !*c.TieWeights, "tie_word_embeddings is false"},
	} {
		if v.is {
			return fmt.Errorf("%s: %s, a variant of BERT that is not supported", path, v.what)
		}
	}
	if c.Vocab <= 0 || c.Context <= 2 || c.Types <= 0 || c.Layers <= 0 || c.Width <= 0 || c.Heads <= 0 || c.FFN <= 0 || c.Vocab > 1<<24 || c.Context > 1<<20 || c.Types > 1<<10 || c.Layers > 1<<10 || c.Width > 1<<20 || c.FFN > 1<<22 {
		return fmt.Errorf("%s: vocab_size %d, max_position_embeddings %d, type_vocab_size %d, num_hidden_layers %d, hidden_size %d, num_attention_heads %d, intermediate_size %d are not a model's sizes; get the file anew",
			path, c.Vocab, c.Context, c.Types, c.Layers, c.Width, c.Heads, c.FFN)
	}
	if c.Pad < 0 || int(c.Pad) >= c.Vocab {
		return fmt.Errorf("%s: pad_token_id %d; it must be one of the %d tokens", path, c.Pad, c.Vocab)
	}
	if p := c.headDropout(); !(p >= 0 && p < 1) {
		return fmt.Errorf("%s: classifier_dropout %g; it must be 0 or more and below 1", path, p)
	}
	if _, err := c.labels(); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	stack, err := c.stack()
	if err == nil {
		err = stack.Validate()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func (c Config) stack() (transformer.Config, error) {
	act, err := graph.ParseActivation(c.Act)
	return transformer.Config{
		Layers: c.Layers, Width: c.Width, Heads: c.Heads, FFN: c.FFN, NormEps: c.NormEps, InitStd: c.InitStd, Act: act,
		PostNorm: true, Dropout: c.Dropout, AttentionDropout: c.AttnDrop, Names: transformer.BERT,
	}, err
}

func (c Config) headDropout() float32 {
	if c.ClassifierDropout != nil {
		return *c.ClassifierDropout
	}
	return c.Dropout
}

// Drops reports whether training has dropout, and so the input "dropout_seed".
func (c Config) Drops() bool { return c.Dropout > 0 || c.AttnDrop > 0 || c.headDropout() > 0 }

// WithoutDropout returns the configuration with no dropout anywhere.
func (c Config) WithoutDropout() Config {
	c.Dropout, c.AttnDrop, c.ClassifierDropout = 0, 0, nil
	return c
}

// Labels returns the names of a classifier's classes in the order of their
// ids, nil if there are none.
func (c Config) Labels() []string {
	labels, _ := c.labels() // validated
	return labels
}

// maxLabel bounds a label, in bytes.
const maxLabel = 256

func (c Config) labels() ([]string, error) {
	labels := make([]string, len(c.ID2Label))
	ids := make(map[string]int, len(c.ID2Label))
	for _, key := range slices.Sorted(maps.Keys(c.ID2Label)) {
		i, err := strconv.Atoi(key)
		if err != nil || i < 0 || i >= len(labels) || strconv.Itoa(i) != key {
			return nil, fmt.Errorf("id2label has %d classes and the id %.40q; ids must be 0 to %d", len(labels), key, len(labels)-1)
		}
		label := c.ID2Label[key]
		if label == "" || len(label) > maxLabel || strings.ContainsFunc(label, unicode.IsControl) {
			return nil, fmt.Errorf("id2label names %d %.40q; a label has 1 to %d bytes and no control characters", i, label, maxLabel)
		}
		if before, twice := ids[label]; twice {
			return nil, fmt.Errorf("id2label names both %d and %d %q; give each class a label of its own", min(before, i), max(before, i), label)
		}
		// A label2id that knows none of the labels is what transformers writes for
		// a model whose labels were named afterwards.
		if other, ok := c.Label2ID[label]; ok && other != i {
			return nil, fmt.Errorf("id2label names %d %q, label2id says that it is %d; mend the one that is wrong", i, label, other)
		}
		labels[i], ids[label] = label, i
	}
	if len(labels) == 0 {
		return nil, nil
	}
	return labels, nil
}

// CheckLabels reports labels that the configuration could not be read with
// again.
func (c Config) CheckLabels() error {
	_, err := c.labels()
	return err
}

// WithLabels returns the configuration of a classifier of the given
// architecture and classes.
func (c Config) WithLabels(architecture string, labels []string) Config {
	c.Architectures = []string{architecture}
	c.ID2Label, c.Label2ID = map[string]string{}, map[string]int{}
	for i, l := range labels {
		c.ID2Label[strconv.Itoa(i)], c.Label2ID[l] = l, i
	}
	c.ProblemType = ""
	if architecture == SequenceClassification {
		c.ProblemType = "single_label_classification"
	}
	return c
}

// Parameters returns the number of weights of what declare declares, tied ones
// once.
func (c Config) Parameters(declare func(*Model)) int {
	n := 0
	for _, d := range c.Declared(nn.Policy{}, declare) {
		n += tensor.NumElements(d.Shape)
	}
	return n
}

// Declared lists the parameters of the body and of the heads that declare asks
// the model for, under their published names.
func (c Config) Declared(p nn.Policy, declare func(*Model)) []nn.Declared {
	s := nn.NewScope(graph.New(), p)
	declare(New(s, c))
	return s.Declared()
}

// Save writes config.json and model.safetensors into dir, in f32, as
// transformers reads them.
func Save(dir string, c Config, declared []nn.Declared, src checkpoint.Source) error {
	c.TorchDType = "float32"
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(c); err != nil {
		return err
	}
	err := checkpoint.WriteFile(filepath.Join(dir, "config.json"), func(w io.Writer) error {
		_, err := w.Write(b.Bytes())
		return err
	})
	if err != nil {
		return err
	}
	var specs []checkpoint.Spec
	for _, d := range declared {
		specs = append(specs, checkpoint.Spec{Name: d.Name, DType: tensor.F32, Shape: d.Shape})
	}
	return checkpoint.Write(filepath.Join(dir, "model.safetensors"), specs, src, map[string]string{"format": "pt"})
}
