package protein

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/core/transformer"
)

// Config is config.json of a causal protein model: GPT-2's, as ProtGPT2 is
// published (Ferruz et al. 2022). Fields that Kiban does not read are kept in
// other tools' files, not here.
type Config struct {
	Architectures []string `json:"architectures"`
	ModelType     string   `json:"model_type"` // gpt2
	Vocab         int      `json:"vocab_size"`
	Context       int      `json:"n_positions"`
	Width         int      `json:"n_embd"`
	Layers        int      `json:"n_layer"`
	Heads         int      `json:"n_head"`
	FFN           *int     `json:"n_inner"` // null: four times the width
	Act           string   `json:"activation_function"`
	NormEps       float32  `json:"layer_norm_epsilon"`
	InitStd       float32  `json:"initializer_range"`
	ResidDrop     float32  `json:"resid_pdrop"`
	EmbedDrop     float32  `json:"embd_pdrop"`
	AttnDrop      float32  `json:"attn_pdrop"`
	BOS           *int32   `json:"bos_token_id"`
	EOS           *int32   `json:"eos_token_id"`
	TieWeights    *bool    `json:"tie_word_embeddings,omitempty"` // absent: true
	// Variants of attention that GPT-2 files may ask for.
	ScaleWeights   *bool  `json:"scale_attn_weights,omitempty"` // absent: true
	ScaleByLayer   bool   `json:"scale_attn_by_inverse_layer_idx,omitempty"`
	Reorder        bool   `json:"reorder_and_upcast_attn,omitempty"`
	CrossAttention bool   `json:"add_cross_attention,omitempty"`
	TorchDType     string `json:"torch_dtype,omitempty"`

	// LoRA, if not nil, gives the model adapters, whose weights are no part of
	// its files.
	LoRA *nn.LoRA `json:"-"`
}

// NewConfig returns the configuration of a model of the given shape, GPT-2 in
// all else. eot is the id of <|endoftext|>, which begins and ends a sequence.
func NewConfig(vocab, context, layers, width, heads int, eot int32) Config {
	return Config{
		Architectures: []string{"GPT2LMHeadModel"}, ModelType: "gpt2",
		Vocab: vocab, Context: context, Layers: layers, Width: width, Heads: heads,
		Act: "gelu_new", NormEps: 1e-5, InitStd: 0.02, BOS: &eot, EOS: &eot, TorchDType: "float32",
	}
}

// ParseConfig reads config.json. A model of another architecture, or a variant
// of GPT-2 that Kiban would compute wrongly, is an error that says so; path is
// named in it.
func ParseConfig(path string, data []byte) (Config, error) {
	var c Config
	if len(data) == 0 {
		return c, fmt.Errorf("%s: is not there; a model directory must have one", path)
	}
	if err := checkpoint.DecodeConfig(data, &c); err != nil {
		return c, fmt.Errorf("%s: not a model configuration: %w", path, err)
	}
	return c, c.validate(path)
}

func (c Config) validate(path string) error {
	if c.ModelType != "gpt2" {
		return fmt.Errorf("%s: model_type is %q; protein generation needs a gpt2 model such as ProtGPT2", path, c.ModelType)
	}
	for _, v := range []struct {
		is   bool
		what string
	}{
		{c.TieWeights != nil && !*c.TieWeights, "tie_word_embeddings is false"},
		{c.ScaleWeights != nil && !*c.ScaleWeights, "scale_attn_weights is false"},
		{c.ScaleByLayer, "scale_attn_by_inverse_layer_idx is true"},
		{c.CrossAttention, "add_cross_attention is true"},
	} {
		if v.is {
			return fmt.Errorf("%s: %s, a variant of GPT-2 that is not supported", path, v.what)
		}
	}
	if c.Vocab <= 0 || c.Context <= 0 || c.Vocab > 1<<24 || c.Context > 1<<20 || c.Layers > 1<<12 || c.Width > 1<<20 {
		return fmt.Errorf("%s: vocab_size %d, n_positions %d, n_layer %d, n_embd %d are not a model's sizes", path, c.Vocab, c.Context, c.Layers, c.Width)
	}
	if c.FFN != nil && (*c.FFN <= 0 || *c.FFN > 1<<22) {
		return fmt.Errorf("%s: n_inner %d is not a model's size; null means four times n_embd", path, *c.FFN)
	}
	for _, p := range []float32{c.ResidDrop, c.EmbedDrop, c.AttnDrop} {
		if !(p >= 0 && p < 1) {
			return fmt.Errorf("%s: dropout %g; it must be 0 or more and below 1", path, p)
		}
	}
	if id := c.EOT(); id < 0 || int(id) >= c.Vocab {
		return fmt.Errorf("%s: eos_token_id %d is outside the vocabulary of %d", path, id, c.Vocab)
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
	t := transformer.Config{
		Layers: c.Layers, Width: c.Width, Heads: c.Heads, NormEps: c.NormEps, InitStd: c.InitStd, Act: act,
		Causal: true, Dropout: c.ResidDrop, AttentionDropout: c.AttnDrop, InOut: true, Names: transformer.GPT2,
	}
	if c.FFN != nil {
		t.FFN = *c.FFN
	}
	return t, err
}

// SetDropout sets the three shares that training drops, of what blocks add, of
// embeddings, and of attention's probabilities, to one, as GPT-2's recipe has
// them.
func (c *Config) SetDropout(p float32) { c.ResidDrop, c.EmbedDrop, c.AttnDrop = p, p, p }

// EOT returns the id that begins and ends sequences: the configuration's
// eos_token_id, or 0 as ProtGPT2's recipe has it.
func (c Config) EOT() int32 {
	if c.EOS != nil {
		return *c.EOS
	}
	return 0
}

// Parameters returns the number of weights, tied ones once.
func (c Config) Parameters() int {
	n := 0
	for _, d := range c.Declared(nn.Policy{}) {
		n += tensor.NumElements(d.Shape)
	}
	return n
}

// Declared lists the model's parameters under their published names.
func (c Config) Declared(p nn.Policy) []nn.Declared {
	s := nn.NewScope(graph.New(), p)
	NewCausal(s, c)
	return s.Declared()
}

// Causal is a causal protein language model over one graph.
type Causal struct {
	Config         Config
	tokens, places nn.Embedding
	blocks         transformer.Stack
	norm           nn.LayerNorm
	scope          nn.Scope
}

// NewCausal declares the parameters of transformers' GPT2LMHeadModel.
func NewCausal(s nn.Scope, c Config) *Causal {
	t, err := c.stack()
	if err != nil { // c was not validated
		t.Act = graph.GeluTanh
	}
	s.LoRA = c.LoRA
	root := s.At("transformer")
	return &Causal{
		Config: c,
		tokens: nn.NewTiedEmbedding(root, "wte", c.Vocab, c.Width, c.InitStd),
		places: nn.NewEmbedding(root, "wpe", c.Context, c.Width, c.InitStd),
		blocks: transformer.NewStack(root.At("h"), t),
		norm:   nn.NewLayerNorm(root, "ln_f", c.Width, c.NormEps),
		scope:  s,
	}
}

// Hidden returns the final hidden states [N, Width] of ids at positions, both
// i32 with N = p.Batch*p.Len elements.
func (m *Causal) Hidden(ids, positions *graph.Node, p transformer.Pass) *graph.Node {
	x := graph.Add(m.tokens.Forward(ids), m.places.Forward(positions))
	if p.Seed != nil {
		x = graph.Dropout(x, p.Seed, m.Config.EmbedDrop, 0)
	}
	return m.norm.Forward(m.blocks.Forward(x, p))
}

// Logits returns the f32 scores [N, Vocab] of the next token.
func (m *Causal) Logits(hidden *graph.Node) *graph.Node {
	return m.tokens.Logits(hidden, nil)
}

// Losses returns the cross-entropy of each row's label, f32 [N], in nats; a
// negative label gives 0.
func (m *Causal) Losses(hidden, labels *graph.Node) *graph.Node {
	return m.tokens.Losses(hidden, nil, labels)
}

// Weights is the model directory's content for Config: a view under the names
// that NewCausal declares, whether or not the file has the "transformer."
// prefix.
func Weights(dir checkpoint.Lister) (checkpoint.Lister, error) {
	if slices.Contains(dir.Names(), "wte.weight") {
		return checkpoint.Rename(dir, func(stored string) string {
			if strings.HasPrefix(stored, "lm_head.") {
				return stored
			}
			return "transformer." + stored
		})
	}
	return dir, nil
}

// AllowExtra reports whether published GPT-2 files may hold the tensor though
// the model does not use it: masks, and the tied output embedding.
func AllowExtra(name string) bool {
	return name == "lm_head.weight" || strings.HasSuffix(name, ".attn.bias") || strings.HasSuffix(name, ".attn.masked_bias")
}

// Load gives put every parameter of the model in dir, converted to the types
// that the policy asks for.
func Load(dir *checkpoint.Dir, c Config, p nn.Policy, put func(string, *tensor.Tensor) error) error {
	src, err := Weights(dir)
	if err != nil {
		return err
	}
	if err := fill(put, src, c, p); err != nil {
		return fmt.Errorf("%s: %w", dir.Path(), err)
	}
	return nil
}

// fill gives put the parameters that the policy asks for, in 8 bits if it says so.
func fill(put func(string, *tensor.Tensor) error, src checkpoint.Lister, c Config, p nn.Policy) error {
	specs := Specs(c, p)
	return checkpoint.Fill(put, specs, checkpoint.Int8(src, specs), checkpoint.FillOptions{AllowExtra: AllowExtra})
}

// Specs lists the model's parameters for package checkpoint.
func Specs(c Config, p nn.Policy) []checkpoint.Spec {
	var specs []checkpoint.Spec
	for _, d := range c.Declared(p) {
		specs = append(specs, checkpoint.Spec{Name: d.Name, DType: d.DType, Shape: d.Shape})
	}
	return specs
}

// Save writes config.json and model.safetensors into dir, in f32, as
// transformers reads them.
func Save(dir string, c Config, src checkpoint.Source) error {
	c.TorchDType = "float32"
	if err := writeConfig(dir, c); err != nil {
		return err
	}
	return checkpoint.Write(filepath.Join(dir, "model.safetensors"), Specs(c, nn.Policy{}), src, map[string]string{"format": "pt"})
}

func writeConfig(dir string, c Config) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	if err := e.Encode(c); err != nil {
		return err
	}
	return checkpoint.WriteFile(filepath.Join(dir, "config.json"), func(w io.Writer) error {
		_, err := w.Write(b.Bytes())
		return err
	})
}

// CheckTokenizer reports a tokenizer with ids that the model does not have, or
// that spells residues and line breaks in a way that Text does not expect.
func CheckTokenizer(path string, t Tokenizer, c Config) error {
	if t.VocabSize() > c.Vocab {
		return fmt.Errorf("%s: the tokenizer has %d tokens, the model %d; they do not belong together", path, t.VocabSize(), c.Vocab)
	}
	return nil
}
