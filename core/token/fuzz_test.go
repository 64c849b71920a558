package token

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// A tokenizer.json that is accepted encodes any text, gives the text back, and
// is the same tokenizer when saved and read again.
func FuzzTokenizerJSON(f *testing.F) {
	f.Add([]byte(tokenizerText()))
	f.Add([]byte(tokenizerText(`"use_regex":true`, `"use_regex":false`)))
	f.Add([]byte(tokenizerText(`"lstrip":false`, `"lstrip":true`, `"<x>"`, `" x"`)))
	f.Add([]byte(tokenizerText(`"normalized":false`, `"normalized":true`, `"rstrip":false`, `"rstrip":true`)))
	for _, s := range []string{
		`{"version":"1.0","model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2,"<unk>":3},"merges":["a b"],"unk_token":"<unk>"},"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false}}`,
		`{"model":{"vocab":{"a":0,"a":1},"merges":[["a","a"]]},"pre_tokenizer":{"type":"Sequence","pretokenizers":[]}}`,
		`{"normalizer":{"type":"Sequence","normalizers":[{"type":"NFC"}]}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := ReadTokenizerJSON(bytes.NewReader(data))
		if err != nil {
			if len(err.Error()) > 4096 {
				t.Fatalf("an error of %d bytes", len(err.Error()))
			}
			return
		}
		again, err := ReadTokenizerJSON(bytes.NewReader(b.tokenizerJSON()))
		if err != nil {
			t.Fatal(err)
		}
		// An unknown token does not say what it stood for, one that takes the
		// white space around it not how much.
		whole := !b.oneByte
		for _, a := range b.added {
			whole = whole && !a.LStrip && !a.RStrip && string(b.content[a.ID]) == a.Content
		}
		for _, text := range []string{"abc ab<x> \xff", string(data[:min(len(data), 200)]), string(data[max(0, len(data)-200):])} {
			ids, spans := b.EncodeOffsets(text)
			if got := again.Encode(text); !slices.Equal(got, ids) {
				t.Fatalf("%q: %v, saved and opened %v", text, ids, got)
			}
			at := 0
			for i, s := range spans {
				if s.Start != at || s.End <= s.Start || ids[i] < 0 || int(ids[i]) >= b.VocabSize() {
					t.Fatalf("%q: ids %v, spans %v", text, ids, spans)
				}
				at = s.End
			}
			if len(spans) != len(ids) || at != len(text) {
				t.Fatalf("%q: %d ids, spans %v", text, len(ids), spans)
			}
			for _, ids := range [][]int32{ids, b.EncodeOrdinary(text)} {
				if got := b.Decode(ids); whole && got != text {
					t.Fatalf("%q came back as %q", text, got)
				}
			}
		}
	})
}

// Any bytes come back as they were.
func FuzzEncode(f *testing.F) {
	b, err := OpenBPE("testdata/small")
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{"", "MKV\nLLA", EndOfText, "it's \xff\xfe é日😀 \t\n", strings.Repeat("AG", 100)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got := b.Decode(b.Encode(s)); got != s {
			t.Fatalf("%q came back as %q", s, got)
		}
		if got := b.Decode(b.EncodeOrdinary(s)); got != s {
			t.Fatalf("%q came back as %q, ordinary", s, got)
		}
		if ids := b.appendLong(nil, append([]byte("x"), s...)); !slices.Equal(ids, naive(b, append([]byte("x"), s...))) {
			t.Fatalf("%q: long words differ", s)
		}
	})
}
