package hostile

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
)

// The model of entities that the cases spoil: one layer of width 8, letters and
// digits as its tokens.
const (
	bertContext = 32
	bertInner   = 16
)

var nerLabels = []string{"B-MAT", "B-PRO", "I-MAT", "I-PRO", "O"}

// bertVocab is the model's vocab.txt.
func bertVocab() string {
	var b strings.Builder
	b.WriteString("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n")
	for _, c := range "abcdefghijklmnopqrstuvwxyz0123456789.,-()" {
		fmt.Fprintf(&b, "%c\n##%c\n", c, c)
	}
	return b.String()
}

func bertVocabSize() int { return strings.Count(bertVocab(), "\n") }

// bertConfig is the model's config.json; edits are pairs of text to replace.
func bertConfig(edits ...string) string {
	var id, number []string
	for i, l := range nerLabels {
		id = append(id, fmt.Sprintf(`"%d": %q`, i, l))
		number = append(number, fmt.Sprintf(`%q: %d`, l, i))
	}
	s := fmt.Sprintf(`{
  "architectures": ["BertForTokenClassification"], "model_type": "bert", "vocab_size": %d, "max_position_embeddings": %d,
  "type_vocab_size": 2, "hidden_size": %d, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": %d,
  "hidden_act": "gelu", "layer_norm_eps": 1e-12, "initializer_range": 0.02, "hidden_dropout_prob": 0.1,
  "attention_probs_dropout_prob": 0.1, "classifier_dropout": null, "pad_token_id": 0,
  "id2label": {%s}, "label2id": {%s}
}
`, bertVocabSize(), bertContext, width, bertInner, strings.Join(id, ", "), strings.Join(number, ", "))
	return strings.NewReplacer(edits...).Replace(s)
}

// bertWeights are the model's; the same at every call.
func bertWeights() []tensor {
	r := rand.New(rand.NewPCG(5, 6))
	var all []tensor
	add := func(name string, shape ...int) {
		n := 1
		for _, d := range shape {
			n *= d
		}
		data := make([]byte, 0, 4*n)
		for range n {
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(float32(r.NormFloat64())))
		}
		all = append(all, tensor{name, shape, data})
	}
	linear := func(name string, out, in int) {
		add(name+".weight", out, in)
		add(name+".bias", out)
	}
	norm := func(name string) {
		add(name+".weight", width)
		add(name+".bias", width)
	}
	const e, l = "bert.embeddings.", "bert.encoder.layer.0."
	add(e+"word_embeddings.weight", bertVocabSize(), width)
	add(e+"position_embeddings.weight", bertContext, width)
	add(e+"token_type_embeddings.weight", 2, width)
	norm(e + "LayerNorm")
	for _, part := range []string{"query", "key", "value"} {
		linear(l+"attention.self."+part, width, width)
	}
	linear(l+"attention.output.dense", width, width)
	norm(l + "attention.output.LayerNorm")
	linear(l+"intermediate.dense", bertInner, width)
	linear(l+"output.dense", width, bertInner)
	norm(l + "output.LayerNorm")
	linear("classifier", len(nerLabels), width)
	return all
}

const paper = "a film of lifepo4 was grown at 500 k. the band gap is 3.2 ev.\n"

// bert makes the harmless model directory and a paper to read.
func bert(f Folder) error {
	for name, data := range map[string][]byte{
		"model/config.json":       []byte(bertConfig()),
		"model/model.safetensors": safetensors(bertWeights()),
		"model/vocab.txt":         []byte(bertVocab()),
		"in.txt":                  []byte(paper),
	} {
		if err := f.Write(name, data); err != nil {
			return err
		}
	}
	return nil
}

// spoiledBERT makes the model and then changes it.
func spoiledBERT(change func(f Folder) error) func(Folder) error {
	return func(f Folder) error {
		if err := bert(f); err != nil {
			return err
		}
		return change(f)
	}
}

// extracting are the arguments that find the entities of a file.
func extracting(name string, more ...string) []string {
	return append([]string{"materials", "extract", name, "-m", "model", "-o", "out.jsonl", "--device", "cpu", "--progress", "none"}, more...)
}
