package checkpoint

import (
	"bytes"
	"encoding/json"

	"github.com/kiban-models/kiban/core/internal/strictjson"
)

// maxConfigDepth is how deep a config.json may nest; published ones nest three
// deep.
const maxConfigDepth = 16

// DecodeConfig reads the object of a config.json into the struct that v points
// to, whose fields have names of lower-case letters, digits and underscores.
// Other fields of the object are checked and left out. It is stricter than
// package json, to which "N_EMBD" is n_embd and the last of two equal names
// counts.
func DecodeConfig(data []byte, v any) error {
	plain := []byte{'{'}
	r := strictjson.NewReader(data)
	err := r.Object(func(key string) error {
		r.Peek() // up to the value
		from := r.Rest()
		if err := r.Skip(maxConfigDepth); err != nil {
			return err
		}
		for _, c := range []byte(key) {
			if c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
				return nil
			}
		}
		if len(plain) > 1 {
			plain = append(plain, ',')
		}
		plain = append(strictjson.AppendString(plain, key), ':')
		plain = append(plain, bytes.TrimSpace(from[:len(from)-len(r.Rest())])...)
		return nil
	})
	if err == nil {
		err = r.End()
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(append(plain, '}'), v)
}
