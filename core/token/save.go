package token

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/internal/strictjson"
)

// Save writes the tokenizer to a directory, which it makes if need be, as the
// files that transformers opens: tokenizer.json, vocab.json, merges.txt,
// tokenizer_config.json and special_tokens_map.json. <|endoftext|>, or else
// the first special token, is named as the one that begins and ends a text and
// stands for the unknown, as in GPT-2.
func (b *BPE) Save(dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("token: %w", err)
	}
	for _, f := range []struct {
		name string
		text []byte
	}{
		{"vocab.json", append(b.vocabJSON(nil), '\n')},
		{"merges.txt", b.mergesText()},
		{"special_tokens_map.json", b.configJSON(false)},
		{"tokenizer_config.json", b.configJSON(true)},
		{"tokenizer.json", b.tokenizerJSON()},
	} {
		err := checkpoint.WriteFile(filepath.Join(dir, f.name), func(w io.Writer) error {
			_, err := w.Write(f.text)
			return err
		})
		if err != nil {
			return fmt.Errorf("token: %w", err)
		}
	}
	return nil
}

func (b *BPE) vocabJSON(dst []byte) []byte {
	dst = append(dst, '{')
	for id, token := range b.vocab {
		if token == "" {
			continue
		}
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		dst = append(strictjson.AppendString(dst, token), ':')
		dst = strconv.AppendInt(dst, int64(id), 10)
	}
	return append(dst, '}')
}

func (b *BPE) mergesText() []byte {
	text := []byte("#version: 0.2\n")
	for _, m := range b.merges {
		text = append(text, b.vocab[m.left]+" "+b.vocab[m.right]+"\n"...)
	}
	return text
}

func (b *BPE) configJSON(full bool) []byte {
	var fields []string
	add := func(name, value string) {
		fields = append(fields, fmt.Sprintf("  %q: %s", name, value))
	}
	var roles, additional []string
	for _, t := range b.added {
		if !t.Special {
			continue
		}
		quoted := string(strictjson.AppendString(nil, t.Content))
		if len(roles) == 0 || t.Content == EndOfText {
			additional = append(additional, roles...)
			roles = []string{quoted}
		} else {
			additional = append(additional, quoted)
		}
	}
	if full {
		add("add_prefix_space", "false")
		add("tokenizer_class", `"PreTrainedTokenizerFast"`)
		add("clean_up_tokenization_spaces", "false")
	}
	for _, r := range roles {
		add("bos_token", r)
		add("eos_token", r)
		add("unk_token", r)
	}
	if len(additional) > 0 {
		add("additional_special_tokens", "["+strings.Join(additional, ", ")+"]")
	}
	return []byte("{\n" + strings.Join(fields, ",\n") + "\n}\n")
}

func (b *BPE) tokenizerJSON() []byte {
	var w bytes.Buffer
	w.WriteString("{\n  \"version\": \"1.0\",\n  \"truncation\": null,\n  \"padding\": null,\n  \"added_tokens\": [")
	writeAdded(&w, b.added)
	fmt.Fprintf(&w, "],\n  \"normalizer\": null,\n"+
		"  \"pre_tokenizer\": {\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"trim_offsets\": true, \"use_regex\": %t},\n"+
		"  \"post_processor\": {\"type\": \"ByteLevel\", \"add_prefix_space\": true, \"trim_offsets\": false, \"use_regex\": true},\n"+
		"  \"decoder\": {\"type\": \"ByteLevel\", \"add_prefix_space\": true, \"trim_offsets\": true, \"use_regex\": true},\n"+
		"  \"model\": {\n    \"type\": \"BPE\",\n    \"dropout\": null,\n    \"unk_token\": ", b.useRegex)
	if b.unk >= 0 {
		w.Write(strictjson.AppendString(nil, b.vocab[b.unk]))
	} else {
		w.WriteString("null")
	}
	w.WriteString(",\n    \"continuing_subword_prefix\": null,\n    \"end_of_word_suffix\": null,\n" +
		"    \"fuse_unk\": false,\n    \"byte_fallback\": false,\n    \"ignore_merges\": false,\n    \"vocab\": ")
	w.Write(b.vocabJSON(nil))
	w.WriteString(",\n    \"merges\": [")
	for i, m := range b.merges {
		if i > 0 {
			w.WriteByte(',')
		}
		left, right := b.vocab[m.left], b.vocab[m.right]
		w.WriteString("\n      ")
		if strings.Contains(left+right, " ") { // older readers know only the other spelling
			fmt.Fprintf(&w, "[%s, %s]", strictjson.AppendString(nil, left), strictjson.AppendString(nil, right))
		} else {
			w.Write(strictjson.AppendString(nil, left+" "+right))
		}
	}
	w.WriteString("\n    ]\n  }\n}\n")
	return w.Bytes()
}

// writeAdded writes the elements of added_tokens.
func writeAdded(w *bytes.Buffer, added []AddedToken) {
	for i, t := range added {
		if i > 0 {
			w.WriteByte(',')
		}
		fmt.Fprintf(w, "\n    {\"id\": %d, \"content\": %s, \"single_word\": %t, \"lstrip\": %t, \"rstrip\": %t, \"normalized\": %t, \"special\": %t}",
			t.ID, strictjson.AppendString(nil, t.Content), t.SingleWord, t.LStrip, t.RStrip, t.Normalized, t.Special)
	}
	if len(added) > 0 {
		w.WriteString("\n  ")
	}
}
