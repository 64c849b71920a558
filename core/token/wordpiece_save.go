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
// files that transformers opens: tokenizer.json, vocab.txt,
// tokenizer_config.json, special_tokens_map.json, and added_tokens.json if
// there are tokens outside the vocabulary.
func (w *WordPiece) Save(dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("token: %w", err)
	}
	type file struct {
		name string
		text []byte
	}
	files := []file{
		{"vocab.txt", w.vocabText()},
		{"special_tokens_map.json", w.configJSON(false)},
		{"tokenizer_config.json", w.configJSON(true)},
		{"tokenizer.json", w.tokenizerJSON()},
	}
	if text := w.addedJSON(); text != nil {
		files = append(files, file{"added_tokens.json", text})
	}
	for _, f := range files {
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

// modelTokens returns the tokens of the model by id, without those that were
// added; they are the first ids, as vocab.txt needs it, if all is false.
func (w *WordPiece) modelTokens() (tokens []string, dense bool) {
	dense = true
	for id, token := range w.tokens {
		if at, ok := w.settings.vocab[token]; ok && at == int32(id) {
			dense = dense && len(tokens) == id
			tokens = append(tokens, token)
		}
	}
	return tokens, dense
}

func (w *WordPiece) vocabText() []byte {
	var text []byte
	tokens, dense := w.modelTokens()
	if !dense {
		tokens = w.tokens // lines are ids: those of added tokens in between stay
	}
	for _, token := range tokens {
		text = append(append(text, token...), '\n')
	}
	return text
}

// addedJSON returns the tokens after those of vocab.txt.
func (w *WordPiece) addedJSON() []byte {
	tokens, dense := w.modelTokens()
	if !dense || len(tokens) == len(w.tokens) {
		return nil
	}
	text := []byte("{")
	for id := len(tokens); id < len(w.tokens); id++ {
		if id > len(tokens) {
			text = append(text, ',')
		}
		text = append(strictjson.AppendString(append(text, "\n  "...), w.tokens[id]), ": "...)
		text = strconv.AppendInt(text, int64(id), 10)
	}
	return append(text, "\n}\n"...)
}

func (w *WordPiece) configJSON(full bool) []byte {
	var fields []string
	add := func(name, value string) {
		fields = append(fields, fmt.Sprintf("  %q: %s", name, value))
	}
	quote := func(s string) string { return string(strictjson.AppendString(nil, s)) }
	role := map[int32]bool{}
	for i, name := range roleNames {
		if id := w.roles[i]; id >= 0 {
			add(name, quote(w.tokens[id]))
			role[id] = true
		}
	}
	var more []string
	for _, t := range w.settings.added {
		if t.Special && !role[t.ID] {
			more = append(more, quote(t.Content))
		}
	}
	if len(more) > 0 {
		add("additional_special_tokens", "["+strings.Join(more, ", ")+"]")
	}
	if full {
		class := `"PreTrainedTokenizerFast"`
		if r := w.settings.rules; w.settings.bert && !r.KeepControls {
			class = `"BertTokenizer"`
			add("do_lower_case", strconv.FormatBool(r.Lowercase))
			add("strip_accents", choiceJSON(r.StripAccents))
			add("tokenize_chinese_chars", strconv.FormatBool(!r.JoinChinese))
		}
		add("tokenizer_class", class)
		add("clean_up_tokenization_spaces", strconv.FormatBool(w.settings.cleanup))
		var b bytes.Buffer
		for i, t := range w.settings.added {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, "\n    \"%d\": {\"content\": %s, \"lstrip\": %t, \"normalized\": %t, \"rstrip\": %t, \"single_word\": %t, \"special\": %t}",
				t.ID, quote(t.Content), t.LStrip, t.Normalized, t.RStrip, t.SingleWord, t.Special)
		}
		add("added_tokens_decoder", "{"+b.String()+"\n  }")
	}
	return []byte("{\n" + strings.Join(fields, ",\n") + "\n}\n")
}

func choiceJSON(c Choice) string {
	return [...]string{Unset: "null", Yes: "true", No: "false"}[c]
}

// normalizerJSON writes the steps as BertNormalizer where they are one.
func (w *WordPiece) normalizerJSON() string {
	bert := func(clean, chinese bool, accents Choice, lower bool) string {
		return fmt.Sprintf(`{"type": "BertNormalizer", "clean_text": %t, "handle_chinese_chars": %t, "strip_accents": %s, "lowercase": %t}`,
			clean, chinese, choiceJSON(accents), lower)
	}
	if r := w.settings.rules; w.settings.bert {
		return bert(!r.KeepControls, !r.JoinChinese, r.StripAccents, r.Lowercase)
	}
	var parts []string
	for _, s := range w.settings.steps {
		switch s {
		case stepClean:
			parts = append(parts, bert(true, false, No, false))
		case stepChinese:
			parts = append(parts, bert(false, true, No, false))
		case stepDecompose:
			parts = append(parts, `{"type": "NFD"}`)
		case stepStripNonspacing: // always after stepDecompose, which it does again to no effect
			parts = append(parts, bert(false, false, Yes, false))
		case stepStripMarks:
			parts = append(parts, `{"type": "StripAccents"}`)
		case stepLower:
			parts = append(parts, `{"type": "Lowercase"}`)
		}
	}
	switch len(parts) {
	case 0:
		return "null"
	case 1:
		return parts[0]
	}
	return `{"type": "Sequence", "normalizers": [` + strings.Join(parts, ", ") + `]}`
}

func (w *WordPiece) tokenizerJSON() []byte {
	var b bytes.Buffer
	quote := func(s string) string { return string(strictjson.AppendString(nil, s)) }
	b.WriteString("{\n  \"version\": \"1.0\",\n  \"truncation\": null,\n  \"padding\": null,\n  \"added_tokens\": [")
	writeAdded(&b, w.settings.added)
	b.WriteString("],\n  \"normalizer\": " + w.normalizerJSON() + ",\n  \"pre_tokenizer\": {\"type\": \"BertPreTokenizer\"},\n  \"post_processor\": ")
	if cls, sep := w.CLS(), w.SEP(); cls >= 0 && sep >= 0 {
		c, s := quote(w.tokens[cls]), quote(w.tokens[sep])
		mark := func(name string, kind int) string {
			return fmt.Sprintf(`{"SpecialToken": {"id": %s, "type_id": %d}}`, name, kind)
		}
		text := func(name string, kind int) string {
			return fmt.Sprintf(`{"Sequence": {"id": %q, "type_id": %d}}`, name, kind)
		}
		single := []string{mark(c, 0), text("A", 0), mark(s, 0)}
		pair := append(single[:3:3], text("B", 1), mark(s, 1))
		fmt.Fprintf(&b, "{\n    \"type\": \"TemplateProcessing\",\n    \"single\": [%s],\n    \"pair\": [%s],\n    \"special_tokens\": {",
			strings.Join(single, ", "), strings.Join(pair, ", "))
		fmt.Fprintf(&b, "%s: {\"id\": %s, \"ids\": [%d], \"tokens\": [%s]}", c, c, cls, c)
		if s != c {
			fmt.Fprintf(&b, ", %s: {\"id\": %s, \"ids\": [%d], \"tokens\": [%s]}", s, s, sep, s)
		}
		b.WriteString("}\n  }")
	} else {
		b.WriteString("null")
	}
	b.WriteString(",\n  \"decoder\": ")
	if w.settings.noJoin {
		b.WriteString("null")
	} else {
		fmt.Fprintf(&b, `{"type": "WordPiece", "prefix": %s, "cleanup": %t}`, quote(w.settings.prefix), w.settings.cleanup)
	}
	fmt.Fprintf(&b, ",\n  \"model\": {\n    \"type\": \"WordPiece\",\n    \"unk_token\": %s,\n    \"continuing_subword_prefix\": %s,\n    \"max_input_chars_per_word\": %d,\n    \"vocab\": {",
		quote(w.tokens[w.unk]), quote(w.settings.prefix), w.settings.maxChars)
	first := true
	for id, token := range w.tokens {
		if at, ok := w.settings.vocab[token]; !ok || at != int32(id) {
			continue
		}
		if !first {
			b.WriteByte(',')
		}
		first = false
		fmt.Fprintf(&b, "\n      %s: %d", quote(token), id)
	}
	b.WriteString("\n    }\n  }\n}\n")
	return b.Bytes()
}
