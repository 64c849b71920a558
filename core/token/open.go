package token

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/internal/strictjson"
)

// EndOfText is the special token of GPT-2 and of models like it: it starts,
// ends and separates texts.
const EndOfText = "<|endoftext|>"

// OpenBPE reads the tokenizer of a model directory: tokenizer.json if it is
// there, else vocab.json and merges.txt. With the latter the special tokens
// are those of special_tokens_map.json, or <|endoftext|> if the vocabulary has
// it, as transformers takes them for GPT-2.
func OpenBPE(dir string) (*BPE, error) {
	whole, err := checkpoint.ReadFile(dir, "tokenizer.json", maxFile)
	if err == nil {
		b, err := ReadTokenizerJSON(bytes.NewReader(whole))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", dir, err)
		}
		return b, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("token: %w", err)
	}
	var text [3][]byte
	for i, name := range []string{"vocab.json", "merges.txt", "special_tokens_map.json"} {
		text[i], err = checkpoint.ReadFile(dir, name, maxFile)
		if errors.Is(err, fs.ErrNotExist) {
			switch i {
			case 0:
				return nil, fmt.Errorf("token: %s: neither tokenizer.json nor vocab.json is there: %w", dir, fs.ErrNotExist)
			case 2:
				continue
			}
		}
		if err != nil {
			return nil, fmt.Errorf("token: %w", err)
		}
	}
	special, err := specialTokens(text[2])
	if err != nil {
		return nil, fmt.Errorf("token: %s: %w", filepath.Join(dir, "special_tokens_map.json"), err)
	}
	m, err := vocabMerges(text[0], text[1])
	if err == nil && text[2] == nil {
		if _, ok := m.vocab[EndOfText]; ok {
			special = []string{EndOfText}
		}
	}
	if err == nil {
		err = addSpecial(&m, special)
	}
	var b *BPE
	if err == nil {
		b, err = newBPE(m)
	}
	if err != nil {
		return nil, fmt.Errorf("token: %s: %w", dir, err)
	}
	return b, nil
}

// ReadVocabMerges reads a vocab.json and a merges.txt of GPT-2 style; special
// names the tokens of the vocabulary that are special.
func ReadVocabMerges(vocab, merges io.Reader, special ...string) (*BPE, error) {
	v, err := readAll(vocab)
	if err != nil {
		return nil, fmt.Errorf("token: vocab.json: %w", err)
	}
	t, err := readAll(merges)
	if err != nil {
		return nil, fmt.Errorf("token: merges.txt: %w", err)
	}
	m, err := vocabMerges(v, t)
	if err == nil {
		err = addSpecial(&m, special)
	}
	var b *BPE
	if err == nil {
		b, err = newBPE(m)
	}
	if err != nil {
		return nil, fmt.Errorf("token: %w", err)
	}
	return b, nil
}

func vocabMerges(vocab, merges []byte) (model, error) {
	r := jsonReader{Reader: strictjson.NewReader(vocab)}
	err := r.vocab()
	if err == nil {
		err = r.End()
	}
	if err != nil {
		return model{}, fmt.Errorf("vocab.json: %w", err)
	}
	m := r.m
	m.useRegex = true
	n := 0
	for line := range bytes.Lines(merges) {
		n++
		line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
		if n == 1 && bytes.HasPrefix(line, []byte("#version")) {
			continue
		}
		pair, err := splitMerge(string(line))
		if err != nil {
			return model{}, fmt.Errorf("merges.txt:%d: %w", n, err)
		}
		if len(m.merges) == maxMerges {
			return model{}, fmt.Errorf("merges.txt:%d: more than %d merges", n, maxMerges)
		}
		m.merges = append(m.merges, pair)
	}
	return m, nil
}

func addSpecial(m *model, special []string) error {
	for _, s := range special {
		id, ok := m.vocab[s]
		if !ok {
			return fmt.Errorf("special token %.40q is not in the vocabulary", s)
		}
		m.added = append(m.added, AddedToken{ID: id, Content: s, Special: true})
	}
	return nil
}

// specialTokens returns the tokens of a special_tokens_map.json: each role has
// a token, an object with its content, or a list of these.
func specialTokens(text []byte) ([]string, error) {
	if text == nil {
		return nil, nil
	}
	var all []string
	r := jsonReader{Reader: strictjson.NewReader(text)}
	add := func() error {
		var s string
		var err error
		if r.Peek() == '{' {
			err = r.Object(func(key string) (err error) {
				if key == "content" {
					s, err = r.String()
					return err
				}
				return r.Skip(maxDepth)
			})
		} else {
			s, err = r.stringOrNull()
		}
		if s != "" && !slices.Contains(all, s) {
			all = append(all, s)
		}
		return err
	}
	err := r.Object(func(string) error {
		if r.Peek() == '[' {
			return r.Array(func(int) error { return add() })
		}
		return add()
	})
	if err == nil {
		err = r.End()
	}
	return all, err
}
