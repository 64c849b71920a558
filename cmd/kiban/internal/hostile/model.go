package hostile

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
)

// The model that the cases spoil: one layer of width 8, 256 bytes and
// <|endoftext|> as its tokens.
const (
	vocab   = 257
	width   = 8
	context = 32
)

const configText = `{
  "architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "vocab_size": 257, "n_positions": 32, "n_embd": 8,
  "n_layer": 1, "n_head": 2, "n_inner": null, "activation_function": "gelu_new", "layer_norm_epsilon": 1e-05,
  "initializer_range": 0.02, "resid_pdrop": 0.1, "embd_pdrop": 0.1, "attn_pdrop": 0.1, "bos_token_id": 0, "eos_token_id": 0
}
`

const fewText = ">a\nMKTAYIAKQR\n>b\nGGSGLLVDEED\n"

// tensor is one of a model's weights, f32.
type tensor struct {
	name  string
	shape []int
	data  []byte
}

// weights are those of the model; the same at every call.
func weights() []tensor {
	r := rand.New(rand.NewPCG(1, 2))
	const b = "transformer.h.0."
	var all []tensor
	for _, t := range []struct {
		name  string
		shape []int
	}{
		{"transformer.wte.weight", []int{vocab, width}}, {"transformer.wpe.weight", []int{context, width}},
		{b + "ln_1.weight", []int{width}}, {b + "ln_1.bias", []int{width}},
		{b + "attn.c_attn.weight", []int{width, 3 * width}}, {b + "attn.c_attn.bias", []int{3 * width}},
		{b + "attn.c_proj.weight", []int{width, width}}, {b + "attn.c_proj.bias", []int{width}},
		{b + "ln_2.weight", []int{width}}, {b + "ln_2.bias", []int{width}},
		{b + "mlp.c_fc.weight", []int{width, 4 * width}}, {b + "mlp.c_fc.bias", []int{4 * width}},
		{b + "mlp.c_proj.weight", []int{4 * width, width}}, {b + "mlp.c_proj.bias", []int{width}},
		{"transformer.ln_f.weight", []int{width}}, {"transformer.ln_f.bias", []int{width}},
	} {
		n := 1
		for _, d := range t.shape {
			n *= d
		}
		data := make([]byte, 0, 4*n)
		for range n {
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(float32(r.NormFloat64())/16))
		}
		all = append(all, tensor{t.name, t.shape, data})
	}
	return all
}

// entry is a tensor's text in a safetensors header.
func entry(name, dtype, shape, offsets string) string {
	return fmt.Sprintf(`%q:{"dtype":%q,"shape":%s,"data_offsets":%s}`, name, dtype, shape, offsets)
}

// headed is a safetensors file of any header.
func headed(header string, data ...byte) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), data...)
}

// safetensors is a good file of the tensors.
func safetensors(all []tensor) []byte {
	var entries []string
	var data []byte
	for _, t := range all {
		shape := strings.ReplaceAll(fmt.Sprint(t.shape), " ", ",")
		entries = append(entries, entry(t.name, "F32", shape, fmt.Sprintf("[%d,%d]", len(data), len(data)+len(t.data))))
		data = append(data, t.data...)
	}
	return headed("{"+strings.Join(entries, ",")+"}", data...)
}

// byteNames are GPT-2's printable characters for the 256 bytes.
func byteNames() [256]string {
	var names [256]string
	next := rune(256)
	for c := range rune(256) {
		if c >= '!' && c <= '~' || c >= 0xa1 && c <= 0xac || c >= 0xae {
			names[c] = string(c)
		} else {
			names[c] = string(next)
			next++
		}
	}
	return names
}

// tokenizer is the model's tokenizer.json; edits are pairs of text to replace.
func tokenizer(edits ...string) string {
	var v []string
	v = append(v, `"<|endoftext|>":0`)
	for c, name := range byteNames() {
		v = append(v, fmt.Sprintf("%q:%d", name, c+1))
	}
	s := `{"version":"1.0","truncation":null,"padding":null,` +
		`"added_tokens":[{"id":0,"content":"<|endoftext|>","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true}],` +
		`"normalizer":null,"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true},` +
		`"post_processor":null,"decoder":{"type":"ByteLevel"},` +
		`"model":{"type":"BPE","dropout":null,"unk_token":null,"continuing_subword_prefix":null,"end_of_word_suffix":null,` +
		`"fuse_unk":false,"byte_fallback":false,"vocab":{` + strings.Join(v, ",") + `},"merges":[]}}`
	return strings.NewReplacer(edits...).Replace(s)
}

// model makes the harmless model directory and two sequences to score.
func model(f Folder) error {
	for name, data := range map[string][]byte{
		"model/config.json":       []byte(configText),
		"model/model.safetensors": safetensors(weights()),
		"model/tokenizer.json":    []byte(tokenizer()),
		"few.fa":                  []byte(fewText),
	} {
		if err := f.Write(name, data); err != nil {
			return err
		}
	}
	return nil
}

// spoiled makes the model and then changes it.
func spoiled(change func(f Folder) error) func(Folder) error {
	return func(f Folder) error {
		if err := model(f); err != nil {
			return err
		}
		return change(f)
	}
}

var (
	inspect = []string{"model", "inspect", "model"}
	score   = []string{"protein", "score", "-m", "model", "few.fa", "--device", "cpu"}
)
