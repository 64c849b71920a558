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

// addFromConfig adds the special tokens that are named and present, as
// transformers does for a vocab.txt, then what other files list with an id.
func (m *wordPieceModel) addFromConfig(config, names bertConfig, more []AddedToken) error {
	next := int32(len(m.vocab))
	add := func(t AddedToken) error {
		if t.ID < 0 {
			id, ok := m.vocab[t.Content]
			if !ok {
				return nil // a role that this vocabulary does not have
			}
			t.ID = id
		}
		if i := slices.IndexFunc(m.added, func(o AddedToken) bool { return o.Content == t.Content }); i >= 0 {
			if m.added[i].ID != t.ID {
				return fmt.Errorf("added token %.40q has id %d and %d", t.Content, m.added[i].ID, t.ID)
			}
			return nil
		}
		m.added = append(m.added, t)
		next = max(next, t.ID+1)
		return nil
	}
	for _, list := range [][]AddedToken{config.decoder, more} {
		for _, t := range list {
			t.Special = t.Special || slices.Contains(names.additional, t.Content) || slices.Contains(config.additional, t.Content)
			t.Normalized = t.Normalized && !t.Special
			if err := add(t); err != nil {
				return err
			}
		}
	}
	for _, role := range m.roles {
		if err := add(AddedToken{ID: -1, Content: role, Special: true}); err != nil {
			return err
		}
	}
	for _, s := range slices.Concat(config.additional, names.additional) {
		if slices.ContainsFunc(m.added, func(o AddedToken) bool { return o.Content == s }) {
			continue
		}
		t := AddedToken{ID: next, Content: s, Special: true}
		if id, ok := m.vocab[s]; ok {
			t.ID = id
		}
		if err := add(t); err != nil {
			return err
		}
	}
	return nil
}

// bertConfig is what tokenizer_config.json and special_tokens_map.json say.
type bertConfig struct {
	roles                   [len(roleNames)]string
	additional              []string
	lower, accents, chinese Choice
	class                   string
	neverSplit              []string
	decoder                 []AddedToken // added_tokens_decoder
}

func (c *bertConfig) change(r *Rules) {
	if c.lower != Unset {
		r.Lowercase = c.lower == Yes
	}
	if c.accents != Unset {
		r.StripAccents = c.accents
	}
	if c.chinese != Unset {
		r.JoinChinese = c.chinese == No
	}
}

func readBertConfig(text []byte) (c bertConfig, err error) {
	if text == nil {
		return c, nil
	}
	r := jsonReader{Reader: strictjson.NewReader(text)}
	err = r.Object(func(key string) (err error) {
		if i := slices.Index(roleNames[:], key); i >= 0 {
			c.roles[i], err = r.tokenContent()
			return err
		}
		switch key {
		case "additional_special_tokens", "never_split", "extra_special_tokens":
			list := &c.additional
			if key == "never_split" {
				list = &c.neverSplit
			}
			if r.Peek() != '[' {
				return r.Skip(maxDepth) // null; names of further roles do not change ids
			}
			return r.Array(func(i int) error {
				if i == maxAdded {
					return r.Errorf("more than %d tokens in %s", maxAdded, key)
				}
				s, err := r.tokenContent()
				*list = append(*list, s)
				return err
			})
		case "tokenizer_class":
			c.class, err = r.stringOrNull()
		case "do_lower_case":
			c.lower, err = r.choice()
		case "strip_accents":
			c.accents, err = r.choice()
		case "tokenize_chinese_chars":
			c.chinese, err = r.choice()
		case "added_tokens_decoder":
			c.decoder, err = r.addedDecoder()
		default:
			err = r.Skip(maxDepth)
		}
		return err
	})
	if err == nil {
		err = r.End()
	}
	return c, err
}

// tokenContent reads a token: a string, an object with its content, or null.
func (r *jsonReader) tokenContent() (s string, err error) {
	if r.Peek() != '{' {
		return r.stringOrNull()
	}
	err = r.Object(func(key string) (err error) {
		if key == "content" {
			s, err = r.String()
			return err
		}
		return r.Skip(maxDepth)
	})
	return s, err
}

func (r *jsonReader) choice() (Choice, error) {
	if r.Peek() == 'n' {
		return Unset, r.Null()
	}
	on, err := r.Bool()
	if on {
		return Yes, err
	}
	return No, err
}

// addedDecoder reads an object of tokens by id.
func (r *jsonReader) addedDecoder() (all []AddedToken, err error) {
	err = r.Object(func(key string) error {
		id := strictjson.NewReader([]byte(key))
		n, err := id.Uint()
		if err != nil || id.End() != nil || n >= maxVocab+maxAdded {
			return r.Errorf("added_tokens_decoder: %.40q is no id", key)
		}
		if len(all) == maxAdded {
			return r.Errorf("more than %d added tokens", maxAdded)
		}
		t, err := r.addedToken(int32(n))
		all = append(all, t)
		return err
	})
	return all, err
}

// readAddedIDs reads an added_tokens.json: ids by token.
func readAddedIDs(text []byte) (all []AddedToken, err error) {
	if text == nil {
		return nil, nil
	}
	r := jsonReader{Reader: strictjson.NewReader(text)}
	err = r.Object(func(key string) error {
		id, err := r.id()
		all = append(all, AddedToken{ID: id, Content: key, Normalized: true})
		if len(all) > maxAdded || key == "" {
			return r.Errorf("an empty token, or more than %d", maxAdded)
		}
		return err
	})
	if err == nil {
		err = r.End()
	}
	return all, err
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
