package token

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/kiban-models/kiban/core/token/tokentest"
)

const smallWordPiece = `{"version":"1.0","truncation":null,"padding":null,"added_tokens":[{"id":0,"content":"[UNK]","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true},{"id":5,"content":"<x>","single_word":true,"lstrip":true,"rstrip":false,"normalized":true,"special":false}],"normalizer":{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"strip_accents":null,"lowercase":true},"pre_tokenizer":{"type":"BertPreTokenizer"},"post_processor":{"type":"BertProcessing","sep":["[SEP]",1],"cls":["[CLS]",2]},"decoder":{"type":"WordPiece","prefix":"##","cleanup":true},"model":{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##","max_input_chars_per_word":100,"vocab":{"[UNK]":0,"[SEP]":1,"[CLS]":2,"a":3,"##b":4}}}`

func changed(pairs ...string) []byte {
	s := smallWordPiece
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(s, pairs[i]) {
			panic(pairs[i] + " is not in the text")
		}
		s = strings.Replace(s, pairs[i], pairs[i+1], 1)
	}
	return []byte(s)
}

// A file that is accepted encodes any text with pieces that lie in it as they
// should, and is the same tokenizer when saved and read again.
func FuzzWordPieceJSON(f *testing.F) {
	f.Add(changed())
	f.Add(changed(`"lowercase":true`, `"lowercase":false`, `"strip_accents":null`, `"strip_accents":true`))
	f.Add(changed(`{"type":"BertNormalizer"`, `{"type":"Sequence","normalizers":[{"type":"NFD"},{"type":"StripAccents"},{"type":"Lowercase"}]}`+"\x00"))
	f.Add(changed(`"max_input_chars_per_word":100`, `"max_input_chars_per_word":3`, `"##b"`, `"##é"`))
	f.Fuzz(func(t *testing.T, data []byte) {
		w, err := ReadWordPieceJSON(bytes.NewReader(data))
		if err != nil {
			if len(err.Error()) > 4096 {
				t.Fatalf("an error of %d bytes", len(err.Error()))
			}
			return
		}
		again, err := ReadWordPieceJSON(bytes.NewReader(w.tokenizerJSON()))
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{"ab é <x> a<x>a Å\xff材", string(data[:min(len(data), 200)]), string(data[max(0, len(data)-200):])} {
			pieces := w.Encode(text)
			if got := again.Encode(text); !slices.Equal(got, pieces) {
				t.Fatalf("%q: %v, saved and opened %v", text, pieces, got)
			}
			checkPieces(t, w, text, pieces)
			checkPieces(t, w, text, w.EncodeOrdinary(text))
		}
	})
}

// checkPieces looks at where pieces lie: in the text, on the borders of
// characters, ascending, and apart unless they come of one character.
func checkPieces(t testing.TB, w *WordPiece, text string, pieces []Piece) {
	t.Helper()
	border := func(i int) bool {
		return i == len(text) || utf8.RuneStart(text[i]) || !utf8.ValidString(text[max(0, i-4):min(len(text), i+4)])
	}
	last := Piece{}
	for _, p := range pieces {
		if p.ID < 0 || int(p.ID) >= w.VocabSize() || p.Start < last.Start || p.End < last.End || p.End <= p.Start || p.End > len(text) || !border(p.Start) || !border(p.End) {
			t.Fatalf("%q: piece %v after %v", text, p, last)
		}
		if _, n := utf8.DecodeRuneInString(text[p.Start:]); p.Start < last.End && p.Start+n < last.End {
			t.Fatalf("%q: piece %v overlaps %v", text, p, last)
		}
		last = p
	}
}

// What is said of one text is said of its parts between white space: pieces do
// not depend on what is around them.
func FuzzWordPiece(f *testing.F) {
	for _, s := range tokentest.RandomTexts()[:100] {
		f.Add(s, s)
	}
	f.Add("e\u0301\u0323", "\xff\xfe\xf0\x9f")
	all := append(wordPieces(f), addedWordPiece(f))
	f.Fuzz(func(t *testing.T, a, b string) {
		for k, w := range all {
			first, second := w.EncodeOrdinary(a), w.EncodeOrdinary(b)
			checkPieces(t, w, a, first)
			whole := w.EncodeOrdinary(a + "\n" + b)
			checkPieces(t, w, a+"\n"+b, whole)
			if k == len(all)-1 {
				continue // added tokens may lie across
			}
			for i := range second {
				second[i].Start += len(a) + 1
				second[i].End += len(a) + 1
			}
			if got := append(first, second...); !slices.Equal(got, whole) {
				t.Fatalf("%q and %q: %v, together %v", a, b, got, whole)
			}
		}
	})
}

func TestWordPieceRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change []string
		want   string
	}{
		"normalizer":     {[]string{`{"type":"BertNormalizer"`, `{"type":"NFKC"`}, "NFKC"},
		"in a sequence":  {[]string{`{"type":"BertNormalizer"`, `{"type":"Sequence","normalizers":[{"type":"Lowercase"},{"type":"Precompiled"}]`}, "Precompiled"},
		"pre_tokenizer":  {[]string{`"BertPreTokenizer"`, `"Whitespace"`}, "Whitespace"},
		"no splitting":   {[]string{`{"type":"BertPreTokenizer"}`, `null`}, "BertPreTokenizer"},
		"post_processor": {[]string{`"BertProcessing"`, `"RobertaProcessing"`}, "RobertaProcessing"},
		"decoder":        {[]string{`"decoder":{"type":"WordPiece"`, `"decoder":{"type":"BPEDecoder"`}, "BPEDecoder"},
		"model":          {[]string{`"model":{"type":"WordPiece"`, `"model":{"type":"Unigram"`}, "Unigram"},
		"model field":    {[]string{`"continuing_subword_prefix"`, `"dropout":0,"continuing_subword_prefix"`}, "dropout"},
		"field":          {[]string{`"version"`, `"extra":1,"version"`}, "extra"},
		"no unknown":     {[]string{`"unk_token":"[UNK]"`, `"unk_token":"[X]"`}, "[X]"},
		"gap":            {[]string{`"##b":4`, `"##b":44`}, "gaps"},
		"id twice":       {[]string{`"##b":4`, `"##b":3`}, "belongs to tokens"},
		"token twice":    {[]string{`"##b":4`, `"##b":4,"##b":6`}, "##b"},
		"empty token":    {[]string{`"##b"`, `""`}, "0 bytes"},
		"prefix":         {[]string{`"continuing_subword_prefix":"##"`, `"continuing_subword_prefix":""`}, "continuing_subword_prefix"},
		"no characters":  {[]string{`"max_input_chars_per_word":100`, `"max_input_chars_per_word":0`}, "max_input_chars_per_word"},
		"added id":       {[]string{`"id":0,`, `"id":3,`}, "has id"},
		"vanishes":       {[]string{`"<x>"`, `"\u0301"`}, "empty after normalisation"},
	} {
		_, err := ReadWordPieceJSON(bytes.NewReader(changed(c.change...)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one about %q", name, err, c.want)
		}
	}
	for text, want := range map[string]string{
		"":              "empty",
		"[UNK]\na\na\n": "line 3: token \"a\" is on line 2",
		"[UNK]\n\na\n":  "line 2 is empty",
		"a\nb\n":        "unknown token",
		"[UNK]\n\xff\n": "not UTF-8",
		"[UNK]\n" + strings.Repeat("x", maxToken+1): "bytes",
	} {
		if _, err := ReadVocabText(strings.NewReader(text), Rules{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: error %v, want one about %q", text, err, want)
		}
	}
	dir := t.TempDir()
	if _, err := OpenWordPiece(dir); err == nil || !strings.Contains(err.Error(), "neither tokenizer.json nor vocab.txt") {
		t.Error("an empty directory:", err)
	}
	for _, f := range [][2]string{{"vocab.txt", "[UNK]\na\n"}, {"tokenizer_config.json", `{"never_split":["a-b"]}`}} {
		if err := os.WriteFile(dir+"/"+f[0], []byte(f[1]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := OpenWordPiece(dir); err == nil || !strings.Contains(err.Error(), "never_split") {
		t.Error("never_split:", err)
	}
}

func TestWordPieceUse(t *testing.T) {
	w := wordPieces(t)[0]
	ids := func(pieces []Piece) (all []int32) {
		for _, p := range pieces {
			all = append(all, p.ID)
		}
		return all
	}
	text := "see [SEP] there"
	if !slices.Contains(ids(w.Encode(text)), w.SEP()) || slices.Contains(ids(w.EncodeOrdinary(text)), w.SEP()) {
		t.Error("special tokens:", w.Encode(text), w.EncodeOrdinary(text))
	}
	more, err := w.WithTokens("[E1]", "[/E1]", "[MASK]", "[E1]")
	if err != nil {
		t.Fatal(err)
	}
	if id, ok := more.ID("[E1]"); !ok || int(id) != w.VocabSize() || more.VocabSize() != w.VocabSize()+2 || !more.IsSpecial(id) || !more.WordStart(id) || more.MASK() != w.MASK() {
		t.Error("added tokens:", id, more.VocabSize())
	}
	got := ids(more.Encode("the [E1]film[/E1]s"))
	if n := len(got); n < 5 || got[1] != int32(w.VocabSize()) || got[n-2] != int32(w.VocabSize()+1) && got[n-3] != int32(w.VocabSize()+1) {
		t.Error("marked entity:", got)
	}
	words := []string{"Thin-films", "\u00ad", "", "of", "ångström"}
	pieces, of := w.EncodeWords(words)
	var joined []Piece
	for i, word := range words {
		one := w.Encode(word)
		joined = append(joined, one...)
		for range one {
			if of[0] != i {
				t.Fatalf("word of a piece is %d, want %d", of[0], i)
			}
			of = of[1:]
		}
	}
	if len(of) != 0 || !slices.Equal(pieces, joined) {
		t.Error("words:", pieces, of, "want", joined)
	}
	texts := tokentest.RandomTexts()[:300]
	for i, p := range w.EncodeAll(texts, 4) {
		if !slices.Equal(p, w.Encode(texts[i])) {
			t.Fatalf("text %d differs when many are encoded", i)
		}
	}
	if id, _ := w.ID("##s"); w.WordStart(id) || !w.WordStart(w.UNK()) || w.Token(-1) != "" || w.Token(1<<20) != "" {
		t.Error("word starts")
	}
	if s := w.Decode([]int32{w.CLS(), w.ids["the"], -5, w.ids["."], w.SEP()}, false); s != "the." {
		t.Errorf("decoded %q", s)
	}
	a, b := make([]Piece, 7), make([]Piece, 3)
	for n, want := range map[int][2]int{20: {7, 3}, 9: {6, 3}, 6: {3, 3}, 5: {3, 2}, 4: {2, 2}, 1: {1, 0}, 0: {0, 0}, -3: {0, 0}} {
		x, y := Truncate(a, b, n)
		if len(x) != want[0] || len(y) != want[1] {
			t.Errorf("truncated to %d: %d and %d, want %v", n, len(x), len(y), want)
		}
		// One at a time says the same.
		p, q := 7, 3
		for p+q > max(n, 0) {
			if p > q {
				p--
			} else {
				q--
			}
		}
		if p != len(x) || q != len(y) {
			t.Errorf("truncated to %d: %d and %d, one at a time %d and %d", n, len(x), len(y), p, q)
		}
	}
	row, types := w.Wrap(w.Encode("the"), w.Encode("the"))
	the := w.ids["the"]
	if !slices.Equal(row, []int32{2, the, 3, the, 3}) || !slices.Equal(types, []int32{0, 0, 0, 1, 1}) {
		t.Error("wrapped:", row, types)
	}
	if row, types = w.Wrap(nil, nil); len(row) != 2 || len(types) != 2 {
		t.Error("wrapped nothing:", row, types)
	}
}

// Twice the text takes about twice the time, whatever it is.
func TestWordPieceLinear(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	w := wordPieces(t)[0]
	added := addedWordPiece(t)
	room := make([]Piece, 0, 1<<21) // so that growing it is not measured
	for name, unit := range map[string]string{
		"letter": "a", "spaces": " ", "underscores": "_", "digits": "7", "CJK": "材", "marks": "\u0301", "marks in order": "\u0345\u0301\u0323",
		"emoji": "👩\u200d👧", "hangul": "각", "brackets": "[SEP", "special": "[SEP]", "invalid": "\xff\xfe", "accents": "é", "mixed": "Li\u2082O ",
	} {
		for k, w := range []*WordPiece{w, added} {
			timed := func(n int) (best float64) {
				text := strings.Repeat(unit, n/len(unit))
				best = 1e9
				for range 3 {
					start := worked()
					w.Append(room, text)
					best = min(best, (worked() - start).Seconds())
				}
				return best
			}
			// Sixteen times as much text takes 16 times as long; what is
			// quadratic takes 256 times. Caches and a busy machine have room
			// between.
			const n = 1 << 16
			a, b := timed(n), timed(16*n)
			if b > 80*max(a, 0.001) {
				t.Errorf("%s, %d: %d bytes in %.4f s, 16 times as many in %.3f s", name, k, n, a, b)
			}
			t.Logf("%-14s %d: %.1f MB/s", name, k, 16*n/1e6/b)
		}
	}
}
