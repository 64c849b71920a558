package token

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/kiban-models/kiban/core/internal/strictjson"
)

const maxDepth = 32

// gpt2Pattern is the pattern of nextWord as files spell it.
const gpt2Pattern = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`

// ReadTokenizerJSON reads a tokenizer.json of the tokenizers library. It must
// be byte-level BPE; a component that would change the ids and is not
// implemented here is an error that names it. Settings of truncation and
// padding are left to the caller.
func ReadTokenizerJSON(r io.Reader) (*BPE, error) {
	text, err := readAll(r)
	if err != nil {
		return nil, fmt.Errorf("token: tokenizer.json: %w", err)
	}
	b, err := parseTokenizer(text)
	if err != nil {
		return nil, fmt.Errorf("token: tokenizer.json: %w", err)
	}
	return b, nil
}

// jsonReader reads the parts of a tokenizer.json into m.
type jsonReader struct {
	*strictjson.Reader
	m model
}

func parseTokenizer(text []byte) (*BPE, error) {
	r := jsonReader{Reader: strictjson.NewReader(text)}
	var haveModel, haveSplit bool
	err := r.Object(func(key string) error {
		switch key {
		case "version":
			return r.expect("version", "1.0")
		case "truncation", "padding":
			return r.Skip(maxDepth)
		case "added_tokens":
			return r.addedTokens()
		case "normalizer":
			if r.Peek() != 'n' {
				return r.refuse("normalizer")
			}
			return r.Null()
		case "pre_tokenizer":
			haveSplit = true
			return r.preTokenizer()
		case "post_processor":
			return r.postProcessor()
		case "decoder":
			return r.decoder()
		case "model":
			haveModel = true
			return r.model()
		}
		return r.Errorf("unknown field %.40q", key)
	})
	if err == nil {
		err = r.End()
	}
	switch {
	case err != nil:
		return nil, err
	case !haveModel:
		return nil, errors.New("model is missing")
	case !haveSplit:
		return nil, errors.New("pre_tokenizer is missing, want ByteLevel")
	}
	return newBPE(r.m)
}

// component is a part of the pipeline: its type, and its other settings that
// are strings or true and false.
type component struct {
	kind     string
	settings map[string]any
	parts    []component // of a Sequence
}

// component reads a part; within is how deep Sequences may still nest.
func (r *jsonReader) component(what string, within int) (component, error) {
	c := component{settings: map[string]any{}}
	if r.Peek() == 'n' {
		return c, r.Null()
	}
	err := r.Object(func(key string) (err error) {
		switch {
		case key == "type":
			c.kind, err = r.String()
		case r.Peek() == '"':
			c.settings[key], err = r.String()
		case r.Peek() == 't' || r.Peek() == 'f':
			c.settings[key], err = r.Bool()
		case r.Peek() == '[' && within > 0:
			err = r.Array(func(int) error {
				part, err := r.component(what, within-1)
				c.parts = append(c.parts, part)
				return err
			})
		case r.Peek() == '{' && key == "pattern":
			err = r.Object(func(kind string) error {
				s, err := r.String()
				c.settings["pattern"] = kind + " " + s
				return err
			})
		default:
			c.settings[key] = "?"
			err = r.Skip(maxDepth)
		}
		return err
	})
	if err == nil && c.kind == "" {
		err = r.Errorf("%s has no type", what)
	}
	return c, err
}

// refuse reads a part in order to name it in the error.
func (r *jsonReader) refuse(what string) error {
	c, err := r.component(what, maxDepth)
	if err != nil {
		return err
	}
	return r.Errorf("%s %s is not supported", what, c)
}

// String returns the type, and of a Sequence those of its parts, cut short: it
// is for errors about files that may say anything.
func (c component) String() string {
	if c.kind != "Sequence" {
		return fmt.Sprintf("%.40s", c.kind)
	}
	var names []string
	for _, p := range c.parts {
		if len(names) == 8 {
			names = append(names, "…")
			break
		}
		names = append(names, p.String())
	}
	return fmt.Sprintf("Sequence[%.200s]", strings.Join(names, " "))
}

// flag returns a setting that is true or false.
func (c component) flag(name string, missing bool) bool {
	if v, ok := c.settings[name].(bool); ok {
		return v
	}
	return missing
}

// flatten returns the parts of nested Sequences in order.
func (c component) flatten() []component {
	if c.kind != "Sequence" {
		return []component{c}
	}
	var all []component
	for _, p := range c.parts {
		all = append(all, p.flatten()...)
	}
	return all
}

// preTokenizer takes ByteLevel, alone or after a Split by GPT-2's pattern,
// which is how some files spell the same thing.
func (r *jsonReader) preTokenizer() error {
	c, err := r.component("pre_tokenizer", 4)
	if err != nil {
		return err
	}
	parts := c.flatten()
	n := len(parts)
	if n == 0 || n > 2 || parts[n-1].kind != "ByteLevel" {
		return r.Errorf("pre_tokenizer %s is not supported, want ByteLevel", c)
	}
	last := parts[n-1]
	if last.flag("add_prefix_space", true) {
		return r.Errorf("pre_tokenizer ByteLevel with add_prefix_space is not supported")
	}
	r.m.useRegex = last.flag("use_regex", true)
	if n == 2 {
		s := parts[0]
		if s.kind != "Split" || s.settings["pattern"] != "Regex "+gpt2Pattern || s.settings["behavior"] != "Isolated" || s.flag("invert", false) {
			return r.Errorf("pre_tokenizer %s is not supported before ByteLevel, except a Split by the pattern of GPT-2", s)
		}
		if r.m.useRegex {
			return r.Errorf("pre_tokenizer splits twice, which is not supported")
		}
		r.m.useRegex = true
	}
	return nil
}

// postProcessor takes ByteLevel, which changes only the offsets that the
// tokenizers library reports.
func (r *jsonReader) postProcessor() error {
	if r.Peek() == 'n' {
		return r.Null()
	}
	c, err := r.component("post_processor", 4)
	if err != nil {
		return err
	}
	for _, p := range c.flatten() {
		if p.kind != "ByteLevel" {
			return r.Errorf("post_processor %s is not supported", c)
		}
	}
	return nil
}

func (r *jsonReader) decoder() error {
	if r.Peek() == 'n' {
		return r.Null()
	}
	c, err := r.component("decoder", 4)
	if err == nil && c.kind != "ByteLevel" {
		err = r.Errorf("decoder %s is not supported, want ByteLevel", c)
	}
	return err
}

func (r *jsonReader) expect(what, want string) error {
	s, err := r.String()
	if err == nil && s != want {
		err = r.Errorf("%s %.40q is not supported, want %q", what, s, want)
	}
	return err
}

// stringOrNull reads a string, "" for null.
func (r *jsonReader) stringOrNull() (string, error) {
	if r.Peek() == 'n' {
		return "", r.Null()
	}
	return r.String()
}

// off reads a setting that must be null, false, or empty.
func (r *jsonReader) off(what string) error {
	on := true
	var err error
	switch r.Peek() {
	case 'n':
		on, err = false, r.Null()
	case 't', 'f':
		on, err = r.Bool()
	case '"':
		var s string
		s, err = r.String()
		on = s != ""
	}
	if err == nil && on {
		err = r.Errorf("%s is not supported", what)
	}
	return err
}

func (r *jsonReader) model() error {
	var haveVocab, haveMerges bool
	err := r.Object(func(key string) (err error) {
		switch key {
		case "type":
			return r.expect("model", "BPE")
		case "dropout", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk", "byte_fallback", "ignore_merges":
			return r.off("model: " + key)
		case "unk_token":
			r.m.unk, err = r.stringOrNull()
			return err
		case "vocab":
			haveVocab = true
			return r.vocab()
		case "merges":
			haveMerges = true
			return r.merges()
		}
		return r.Errorf("model: unknown field %.40q", key)
	})
	if err == nil && !(haveVocab && haveMerges) {
		err = r.Errorf("model: vocab or merges is missing")
	}
	return err
}

func (r *jsonReader) vocab() error {
	r.m.vocab = map[string]int32{}
	return r.Object(func(token string) error {
		if len(r.m.vocab) == maxVocab {
			return r.Errorf("more than %d tokens", maxVocab)
		}
		id, err := r.id()
		r.m.vocab[token] = id
		return err
	})
}

func (r *jsonReader) id() (int32, error) {
	n, err := r.Uint()
	if err == nil && n > math.MaxInt32 {
		err = r.Errorf("id %d is too large", n)
	}
	return int32(n), err
}

// merges takes both spellings, "a b" and ["a", "b"].
func (r *jsonReader) merges() error {
	return r.Array(func(i int) error {
		if i == maxMerges {
			return r.Errorf("more than %d merges", maxMerges)
		}
		var pair [2]string
		if r.Peek() == '"' {
			line, err := r.String()
			if err != nil {
				return err
			}
			if pair, err = splitMerge(line); err != nil {
				return r.Errorf("%v", err)
			}
		} else {
			n := 0
			err := r.Array(func(i int) (err error) {
				if i == 2 {
					return r.Errorf("a merge of more than two parts")
				}
				pair[i], err = r.String()
				n++
				return err
			})
			if err == nil && n != 2 {
				err = r.Errorf("a merge of %d parts, want 2", n)
			}
			if err != nil {
				return err
			}
		}
		r.m.merges = append(r.m.merges, pair)
		return nil
	})
}

func splitMerge(line string) (pair [2]string, err error) {
	left, right, ok := strings.Cut(line, " ")
	if !ok || left == "" || right == "" || strings.Contains(right, " ") {
		return pair, fmt.Errorf("merge %.60q is not two tokens with a space between", line)
	}
	return [2]string{left, right}, nil
}

func (r *jsonReader) addedTokens() error {
	return r.Array(func(i int) error {
		if i == maxAdded {
			return r.Errorf("more than %d added tokens", maxAdded)
		}
		t, err := r.addedToken(-1)
		r.m.added = append(r.m.added, t)
		return err
	})
}

// addedToken reads a token; id is what it has if it does not say.
func (r *jsonReader) addedToken(id int32) (AddedToken, error) {
	t := AddedToken{ID: id}
	err := r.Object(func(key string) (err error) {
		switch key {
		case "id":
			t.ID, err = r.id()
		case "content":
			t.Content, err = r.String()
		case "special":
			t.Special, err = r.Bool()
		case "lstrip":
			t.LStrip, err = r.Bool()
		case "rstrip":
			t.RStrip, err = r.Bool()
		case "normalized":
			t.Normalized, err = r.Bool()
		case "single_word":
			t.SingleWord, err = r.Bool()
		default:
			err = r.Errorf("added token: unknown field %.40q", key)
		}
		return err
	})
	if err == nil && (t.Content == "" || t.ID < 0) {
		err = r.Errorf("an added token has no content or no id")
	}
	return t, err
}

func readAll(r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("more than %d bytes", maxFile)
	}
	return text, err
}
