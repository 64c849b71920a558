package checkpoint

import (
	"bytes"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/internal/strictjson"
)

func TestDecodeConfig(t *testing.T) {
	type config struct {
		Width  int            `json:"n_embd"`
		Nested map[string]any `json:"nested"`
	}
	for text, want := range map[string]string{
		`{"n_embd": 5 , "N_EMBD": 7, "other": [1, {"a": null}], "nested": {"A": 1}}`: "",
		`{"n_embd":5,"n_embd":6}`:                "comes twice",
		`{"n_embd":5,"nested":{"a":1,"a":2}}`:    "comes twice",
		`{"n_embd":5,"x":"` + "\xff" + `"}`:      "UTF-8",
		`{"n_embd":5}x`:                          "want the end",
		`{"n_embd":5,"x":` + deep(17) + `}`:      "too deep",
		`{"n_embd":5,"x":` + deep(1000000) + `}`: "too deep",
		`[]`:                                     "want '{'",
		`{"n_embd":5.5}`:                         "n_embd",
		`{"n_embd":"5"}`:                         "n_embd",
		`{"n_embd":1e400}`:                       "n_embd",
		``:                                       "found the end",
	} {
		var c config
		err := DecodeConfig([]byte(text), &c)
		switch {
		case want == "" && (err != nil || c.Width != 5 || c.Nested["A"] != 1.0):
			t.Errorf("%.100s: %+v, %v", text, c, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%.100s: %v, want %q", text, err, want)
		}
	}
}

func deep(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }

// The index of shards says the same when written and read again, and names no
// file but those beside it.
func FuzzIndex(f *testing.F) {
	for _, s := range []string{
		`{"metadata":{"total_size":8},"weight_map":{"a":"model-00001-of-00002.safetensors","b.c":"model-00002-of-00002.safetensors"}}`,
		`{"weight_map":{}}`, `{"weight_map":{"a":"../x"}}`, `{"weight_map":{"a":"x","a":"y"}}`, `{"weight_map":{"":"x"}}`,
		`{"weight_map":{"a":"x\u0000"}}`, `{"weight_map":{"a":"."}}`, `{"weight_map":{"a":1}}`, `{"weight_map":null}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := parseIndex(data)
		if err != nil {
			return
		}
		text := []byte(`{"weight_map":{`)
		for name, shard := range m {
			if strings.ContainsAny(shard, "/\\\x00") || shard == "" || shard == "." || shard == ".." || name == "" || len(name)+len(shard) > len(data) {
				t.Fatalf("tensor %q in shard %q was accepted", name, shard)
			}
			if text[len(text)-1] != '{' {
				text = append(text, ',')
			}
			text = append(strictjson.AppendString(text, name), ':')
			text = strictjson.AppendString(text, shard)
		}
		again, err := parseIndex(append(text, "}}"...))
		if err != nil || !maps.Equal(m, again) {
			t.Fatalf("%q became %q, %v", m, again, err)
		}
	})
}

// So does a manifest.
func FuzzManifest(f *testing.F) {
	sum := strings.Repeat("0a", 32)
	for _, s := range []string{
		`{"format_version":1,"step":7,"files":[{"name":"a/b","size":3,"sha256":"` + sum + `"}]}`,
		`{"format_version":1,"step":7,"files":[{"name":"../b","size":3,"sha256":"` + sum + `"}]}`,
		`{"format_version":2,"step":7,"files":[]}`, `{"format_version":1,"step":0,"files":[]}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := parseManifest(data)
		if err != nil {
			return
		}
		for _, f := range m.Files {
			if !filepath.IsLocal(f.Name) || f.Size < 0 {
				t.Fatalf("%+v was accepted", f)
			}
		}
		var b bytes.Buffer
		if err := m.encode(&b); err != nil {
			t.Fatal(err)
		}
		again, err := parseManifest(b.Bytes())
		if err != nil || again.Step != m.Step || !slices.Equal(m.Files, again.Files) {
			t.Fatalf("%+v became %+v, %v", m, again, err)
		}
	})
}
