package hostile

import (
	"fmt"
	"strings"
)

// tokenizerCases are attacks by a model's tokenizer, which comes before its
// weights.
func tokenizerCases() []Case {
	var cases []Case
	refuse := func(name string, data func() []byte, says ...string) {
		cases = append(cases, Case{Name: name, Make: spoiled(file("model/tokenizer.json", data)), Args: score, Says: append(says, "tokenizer.json")})
	}
	edited := func(name, from, to string, says ...string) {
		refuse(name, func() []byte { return []byte(tokenizer(from, to)) }, says...)
	}
	accept := func(name string, change func(f Folder) error) {
		cases = append(cases, Case{Name: name, Make: spoiled(change), Args: score, Accept: true, Twin: model})
	}
	edited("tk_dupid", `"A":66`, `"A":67`, "belongs to token")
	edited("tk_duptoken", `"A":66`, `"A":66,"A":300`, "comes twice")
	edited("tk_idgap", `"A":66`, `"A":2147483648`, "too large")
	edited("tk_idgap_small", `"A":66`, `"A":1000000`, "gaps")
	edited("tk_id_float", `"A":66`, `"A":6.6e1`, "whole number")
	edited("tk_merge_missing", `"merges":[]`, `"merges":["A Q"]`, "not in the vocabulary")
	// A merge whose result is a part of it cannot be in a vocabulary: the
	// result has the letters of both.
	edited("tk_merge_cycle", `"merges":[]`, `"merges":[["A",""],["","A"]]`, "a part is empty")
	edited("tk_merge_three", `"merges":[]`, `"merges":[["A","C","D"]]`, "more than two parts")
	edited("tk_byte_fallback", `"byte_fallback":false`, `"byte_fallback":true`, "byte_fallback is not supported")
	// Kiban knows no byte fallback, so <0x-1> is a word like others; the byte
	// that it displaces is what is missed.
	edited("tk_byte_neg", `"A":66`, `"<0x-1>":66`, "no token for the byte 0x41")
	edited("tk_regex", `{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true}`,
		`{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"(a+)+$"},"behavior":"Isolated","invert":false},{"type":"ByteLevel","add_prefix_space":false,"use_regex":false}]}`,
		"Split", "not supported")
	edited("tk_expand", `"normalizer":null`, `"normalizer":{"type":"Replace","pattern":{"String":"A"},"content":"`+strings.Repeat("A", 1024)+`"}`, "normalizer Replace is not supported")
	edited("tk_deep", `"normalizer":null`, `"normalizer":`+strings.Repeat(`{"type":"Sequence","normalizers":[`, 1000)+strings.Repeat("]}", 1000), "")
	edited("tk_deep_brackets", `"truncation":null`, `"truncation":`+strings.Repeat("[", 1_000_000), "nested too deep")
	edited("tk_emptytoken", `"A":66`, `"":66`, "has 0 bytes")
	edited("tk_empty_added", `"content":"<|endoftext|>"`, `"content":""`, "no content")
	edited("tk_longtoken", `"A":66`, `"`+strings.Repeat("A", 1<<20)+`":66`, "bytes, want")
	edited("tk_unknown_field", `"version":"1.0"`, `"version":"1.0","Model":{}`, "unknown field")
	edited("tk_badutf8", `"A":66`, "\"\xff\":66", "UTF-8")
	edited("tk_surrogate", `"A":66`, `"\ud800":66`, "lone surrogate")
	// As many added tokens as are allowed, all of which begin like the text.
	accept("tk_added", func(f Folder) error {
		var b strings.Builder
		for i := range 65_000 {
			fmt.Fprintf(&b, `,{"id":%d,"content":"%s%d","special":false,"lstrip":false,"rstrip":false,"normalized":false,"single_word":false}`, vocab+i, strings.Repeat("M", 100), i)
		}
		config := strings.Replace(configText, `"vocab_size": 257`, fmt.Sprintf(`"vocab_size": %d`, vocab+65_000), 1)
		wide := weights()
		wide[0].shape[0] = vocab + 65_000
		wide[0].data = append(wide[0].data, make([]byte, 4*width*65_000)...)
		for name, data := range map[string]string{
			"model/tokenizer.json": tokenizer(`"special":true}]`, `"special":true}`+b.String()+"]"),
			"model/config.json":    config, weightsFile: string(safetensors(wide)),
		} {
			if err := f.Write(name, []byte(data)); err != nil {
				return err
			}
		}
		return nil
	})
	cases[len(cases)-1].Twin = nil // another model: other numbers
	// What a user types is text, not a mark.
	cases = append(cases, Case{Name: "tk_special_text", Make: model, Says: []string{"'<' is no residue"},
		Args: []string{"protein", "generate", "-m", "model", "-n", "1", "--prompt", "<|endoftext|>", "--device", "cpu"}})
	return cases
}
