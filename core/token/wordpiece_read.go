package token

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/internal/strictjson"
)

// OpenWordPiece reads the tokenizer of a model directory: tokenizer.json if it
// is there, else vocab.txt with the tokens of added_tokens.json. In either case
// tokenizer_config.json and special_tokens_map.json name the special tokens,
// and do_lower_case, strip_accents and tokenize_chinese_chars of
// tokenizer_config.json are what transformers goes by, also against
// tokenizer.json, unless the class there is PreTrainedTokenizerFast.
func OpenWordPiece(dir string) (*WordPiece, error) {
	w, err := openWordPiece(dir)
	if err != nil {
		return nil, fmt.Errorf("token: %w", err)
	}
	return w, nil
}

func openWordPiece(dir string) (*WordPiece, error) {
	files := map[string][]byte{}
	for _, name := range []string{"tokenizer.json", "vocab.txt", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"} {
		text, err := checkpoint.ReadFile(dir, name, maxFile)
		if err == nil {
			files[name] = text
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	in := func(name string, err error) error { return fmt.Errorf("%s: %w", filepath.Join(dir, name), err) }
	config, err := readBertConfig(files["tokenizer_config.json"])
	if err != nil {
		return nil, in("tokenizer_config.json", err)
	}
	names, err := readBertConfig(files["special_tokens_map.json"])
	if err != nil {
		return nil, in("special_tokens_map.json", err)
	}
	var m wordPieceModel
	from := "tokenizer.json"
	switch {
	case files["tokenizer.json"] != nil:
		m, err = parseWordPiece(files["tokenizer.json"])
	case files["vocab.txt"] != nil:
		from = "vocab.txt"
		m, err = parseVocabText(files["vocab.txt"])
	default:
		return nil, fmt.Errorf("%s: neither tokenizer.json nor vocab.txt is there: %w", dir, fs.ErrNotExist)
	}
	if err != nil {
		return nil, in(from, err)
	}
	if m.bert && (from == "vocab.txt" || config.class != "PreTrainedTokenizerFast") {
		config.change(&m.rules)
		m.steps = m.rules.steps()
	}
	for i := range m.roles {
		if s := cmpOr(config.roles[i], names.roles[i]); s != "" && (m.roles[i] == "" || from == "vocab.txt" || i == rolePAD || i == roleMASK) {
			m.roles[i] = s
		} else if m.roles[i] == "" {
			m.roles[i] = roleDefaults[i]
		}
	}
	if from == "vocab.txt" {
		more, err := readAddedIDs(files["added_tokens.json"])
		if err != nil {
			return nil, in("added_tokens.json", err)
		}
		if err := m.addFromConfig(config, names, more); err != nil {
			return nil, fmt.Errorf("%s: %w", dir, err)
		}
	}
	for _, s := range config.neverSplit {
		if !slices.ContainsFunc(m.added, func(t AddedToken) bool { return t.Content == s }) {
			return nil, in("tokenizer_config.json", fmt.Errorf("never_split names %.40q, which is no added token: such words are not kept whole here; take it out or add it to the tokens", s))
		}
	}
	w, err := newWordPiece(m)
	if err != nil {
		return nil, in(from, err)
	}
	return w, nil
}

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// ReadWordPieceJSON reads a tokenizer.json of the tokenizers library whose model
// is WordPiece. A component that would change the ids and is not implemented
// here is an error that names it. Settings of truncation and padding are left
// to the caller.
func ReadWordPieceJSON(r io.Reader) (*WordPiece, error) {
	text, err := readAll(r)
	var m wordPieceModel
	if err == nil {
		m, err = parseWordPiece(text)
	}
	var w *WordPiece
	if err == nil {
		for i := range m.roles {
			m.roles[i] = cmpOr(m.roles[i], roleDefaults[i])
		}
		w, err = newWordPiece(m)
	}
	if err != nil {
		return nil, fmt.Errorf("token: tokenizer.json: %w", err)
	}
	return w, nil
}

// ReadVocabText reads a vocab.txt, which has a token a line, with the special
// tokens of BERT.
func ReadVocabText(r io.Reader, rules Rules) (*WordPiece, error) {
	text, err := readAll(r)
	var m wordPieceModel
	if err == nil {
		m, err = parseVocabText(text)
	}
	var w *WordPiece
	if err == nil {
		m.rules, m.steps, m.roles = rules, rules.steps(), roleDefaults
		if err = m.addFromConfig(bertConfig{}, bertConfig{}, nil); err == nil {
			w, err = newWordPiece(m)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("token: vocab.txt: %w", err)
	}
	return w, nil
}

func defaultModel() wordPieceModel {
	return wordPieceModel{vocab: map[string]int32{}, bert: true, rules: Rules{Lowercase: true},
		prefix: "##", maxChars: defaultMaxChars, cleanup: true}
}

func parseVocabText(text []byte) (wordPieceModel, error) {
	m := defaultModel()
	lines := 0
	for line := range bytes.Lines(text) {
		lines++
		token := string(bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r")))
		if before, ok := m.vocab[token]; ok {
			return m, fmt.Errorf("line %d: token %.40q is on line %d already", lines, token, before+1)
		}
		if token == "" {
			return m, fmt.Errorf("line %d is empty", lines)
		}
		if len(token) > maxToken {
			return m, fmt.Errorf("line %d: token %.40q has %d bytes, want 1 to %d", lines, token, len(token), maxToken)
		}
		if !utf8.ValidString(token) {
			return m, fmt.Errorf("line %d: token %.40q is not UTF-8", lines, token)
		}
		if lines > maxVocab {
			return m, fmt.Errorf("line %d: more than %d tokens", lines, maxVocab)
		}
		m.vocab[token] = int32(lines - 1)
	}
	if lines == 0 {
		return m, errors.New("the file is empty")
	}
	return m, nil
}

// parseWordPiece reads a tokenizer.json.
func parseWordPiece(text []byte) (wordPieceModel, error) {
	r := jsonReader{Reader: strictjson.NewReader(text)}
	m := defaultModel()
	m.bert, m.noJoin = false, true
	var haveModel, haveSplit bool
	err := r.Object(func(key string) (err error) {
		switch key {
		case "version":
			return r.expect("version", "1.0")
		case "truncation", "padding":
			return r.Skip(maxDepth)
		case "added_tokens":
			return r.addedTokens()
		case "normalizer":
			return r.bertNormalizer(&m)
		case "pre_tokenizer":
			haveSplit = true
			c, err := r.component("pre_tokenizer", 4)
			if err == nil && c.kind != "BertPreTokenizer" {
				err = r.Errorf("pre_tokenizer %s is not supported, want BertPreTokenizer", cmpOr(c.String(), "null"))
			}
			return err
		case "post_processor":
			return r.bertProcessor(&m)
		case "decoder":
			if r.Peek() == 'n' {
				return r.Null()
			}
			c, err := r.component("decoder", 4)
			if err == nil && c.kind != "WordPiece" {
				err = r.Errorf("decoder %s is not supported, want WordPiece", c)
			}
			m.noJoin, m.cleanup = false, c.flag("cleanup", true)
			return err
		case "model":
			haveModel = true
			return r.wordPieceModel(&m)
		}
		return r.Errorf("unknown field %.40q", key)
	})
	if err == nil {
		err = r.End()
	}
	switch {
	case err != nil:
	case !haveModel:
		err = errors.New("model is missing")
	case !haveSplit:
		err = errors.New("pre_tokenizer is missing, want BertPreTokenizer")
	}
	m.vocab, m.added = r.m.vocab, r.m.added
	return m, err
}

func (r *jsonReader) wordPieceModel(m *wordPieceModel) error {
	haveVocab := false
	err := r.Object(func(key string) (err error) {
		switch key {
		case "type":
			return r.expect("model", "WordPiece")
		case "unk_token":
			m.roles[roleUNK], err = r.String()
		case "continuing_subword_prefix":
			m.prefix, err = r.String()
		case "max_input_chars_per_word":
			var n int64
			n, err = r.Uint()
			m.maxChars = int(min(n, maxToken+1))
		case "vocab":
			haveVocab = true
			err = r.vocab()
		default:
			err = r.Errorf("model: unknown field %.40q", key)
		}
		return err
	})
	if err == nil && !haveVocab {
		err = r.Errorf("model: vocab is missing")
	}
	return err
}

// bertNormalizer takes BertNormalizer, Lowercase, NFD and StripAccents, alone
// or in Sequences.
func (r *jsonReader) bertNormalizer(m *wordPieceModel) error {
	if r.Peek() == 'n' {
		return r.Null()
	}
	c, err := r.component("normalizer", 4)
	if err != nil {
		return err
	}
	parts := c.flatten()
	for _, p := range parts {
		switch p.kind {
		case "BertNormalizer":
			rules := Rules{Lowercase: p.flag("lowercase", true), KeepControls: !p.flag("clean_text", true), JoinChinese: !p.flag("handle_chinese_chars", true)}
			if p.flag("strip_accents", true) != p.flag("strip_accents", false) {
				rules.StripAccents = Unset
			} else if rules.StripAccents = No; p.flag("strip_accents", false) {
				rules.StripAccents = Yes
			}
			m.rules, m.bert = rules, len(parts) == 1
			m.steps = append(m.steps, rules.steps()...)
		case "Lowercase":
			m.steps = append(m.steps, stepLower)
		case "NFD":
			m.steps = append(m.steps, stepDecompose)
		case "StripAccents":
			m.steps = append(m.steps, stepStripMarks)
		default:
			return r.Errorf("normalizer %s is not supported, want BertNormalizer, or a Sequence of it, Lowercase, NFD and StripAccents", c)
		}
	}
	return nil
}

// bertProcessor takes what puts [CLS] and [SEP] around texts, and keeps which
// they are.
func (r *jsonReader) bertProcessor(m *wordPieceModel) error {
	if r.Peek() == 'n' {
		return r.Null()
	}
	text := r.Rest()
	if err := r.Skip(maxDepth); err != nil {
		return err
	}
	text = text[:len(text)-len(r.Rest())]
	type part struct {
		SpecialToken *struct{ ID string }
		Sequence     *struct{ ID string }
	}
	var p struct {
		Type     string
		Sep, Cls []any
		Single   []part
	}
	if err := json.Unmarshal(text, &p); err != nil {
		return r.Errorf("post_processor: %v", err)
	}
	var cls, sep string
	switch {
	case p.Type == "BertProcessing" && len(p.Sep) == 2 && len(p.Cls) == 2:
		cls, _ = p.Cls[0].(string)
		sep, _ = p.Sep[0].(string)
	case p.Type == "TemplateProcessing" && len(p.Single) == 3 && p.Single[0].SpecialToken != nil &&
		p.Single[1].Sequence != nil && p.Single[2].SpecialToken != nil:
		cls, sep = p.Single[0].SpecialToken.ID, p.Single[2].SpecialToken.ID
	}
	if cls == "" || sep == "" {
		return r.Errorf("post_processor %.40s is not supported, want one that puts a token before a text and one after it", strings.ToValidUTF8(p.Type, "?"))
	}
	m.roles[roleCLS], m.roles[roleSEP] = cls, sep
	return nil
}
