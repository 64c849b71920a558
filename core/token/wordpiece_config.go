package token

import (
	"fmt"
	"slices"

	"github.com/kiban-models/kiban/core/internal/strictjson"
)

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
