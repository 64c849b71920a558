package normalize

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/kiban-models/kiban/core/token"
	"github.com/kiban-models/kiban/core/token/tokentest"
)

const vocabularies = "../../core/token/testdata/wordpiece"

func wordPiece(t testing.TB, name string) *token.WordPiece {
	t.Helper()
	w, err := token.OpenWordPiece(filepath.Join(vocabularies, name))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func mapping(t testing.TB) *Normalizer {
	t.Helper()
	n, err := Open("testdata/mapping", nil)
	if err != nil || !n.Published() {
		t.Fatal(err, n)
	}
	return n
}

func ExampleEncoder() {
	vocab := "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n20\nμ\n##m\nfilm\n##s\n-\ncoated\n"
	w, err := token.ReadVocabText(strings.NewReader(vocab), token.Rules{Lowercase: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	e := Encoder{New(w), w}
	text := "20 µm ﬁlms\u2011coated" // the micro sign, a ligature, a hyphen that does not break
	for _, p := range e.Encode(text) {
		fmt.Printf("%-6s %q\n", w.Token(p.ID), text[p.Start:p.End])
	}
	// Output:
	// 20     "20"
	// μ      "µ"
	// ##m    "m"
	// film   "ﬁlm"
	// ##s    "s"
	// -      "‑"
	// coated "coated"
}

// The text that a mapping file makes is that of the published recipe, on random
// texts and on the materials data.
func TestPublishedRecipe(t *testing.T) {
	var want struct {
		Random    []string
		Materials string
	}
	data, err := os.ReadFile("testdata/published.json")
	if err == nil {
		err = json.Unmarshal(data, &want)
	}
	if err != nil {
		t.Fatal(err)
	}
	n := mapping(t)
	short := func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return hex.EncodeToString(sum[:8])
	}
	texts := tokentest.RandomTexts()
	for i := 0; i < len(texts); i += 100 {
		var group []string
		for _, s := range texts[i : i+100] {
			out, m := n.Normalize(s)
			check(t, s, out, m)
			group = append(group, out)
		}
		if got := short(strings.Join(group, "\x00")); got != want.Random[i/100] {
			t.Errorf("one of the texts %d to %d comes out otherwise", i, i+99)
		}
	}
	dir := tokentest.Shared(t, "materials")
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, f := range files {
		for _, text := range tokentest.TextsIn(t, filepath.Join(dir, f.Name())) {
			out, m := n.Normalize(string(text))
			check(t, string(text), out, m)
			all.WriteString(out)
		}
	}
	if got := short(all.String()); got != want.Materials || all.Len() < 13_000_000 {
		t.Errorf("the materials data, %d bytes, comes out otherwise", all.Len())
	}
}

// check looks at the way back: spans of single characters ascend, lie on the
// borders of characters and within the text; nothing but what is dropped lies
// between two; and the whole is the whole of them.
func check(t testing.TB, text, out string, m *Map) {
	t.Helper()
	if !utf8.ValidString(out) {
		t.Fatalf("%q: %q is not UTF-8", text, out)
	}
	valid := utf8.ValidString(text)
	border := func(i int) bool { return !valid || i == len(text) || utf8.RuneStart(text[i]) }
	last, lastEnd, first := 0, 0, -1
	for i, r := range out {
		start, end := m.Span(i, i+utf8.RuneLen(r))
		if first < 0 {
			first = start
		}
		if start < last || end < lastEnd || end <= start || end > len(text) || !border(start) || !border(end) {
			t.Fatalf("%q: %q at %d is from [%d, %d) after [%d, %d)", text, r, i, start, end, last, lastEnd)
		}
		if start < lastEnd && start != last {
			t.Fatalf("%q: %q at %d is from [%d, %d), which cuts [%d, %d)", text, r, i, start, end, last, lastEnd)
		}
		if r < utf8.RuneSelf && unicode.IsLetter(r) && text[start] < utf8.RuneSelf && rune(text[start]) != r {
			t.Fatalf("%q: %q at %d is from %q", text, r, i, text[start:end])
		}
		last, lastEnd = start, end
	}
	if first >= 0 {
		if start, end := m.Span(0, len(out)); start != first || end != lastEnd {
			t.Fatalf("%q: the whole is from [%d, %d), want [%d, %d)", text, start, end, first, lastEnd)
		}
	}
}

func TestRules(t *testing.T) {
	uncased, cased := New(wordPiece(t, "uncased")), New(wordPiece(t, "cased"))
	for _, c := range []struct {
		n        *Normalizer
		in, want string
	}{
		{uncased, "plain ASCII, kept `as` it is?", "plain ASCII, kept 'as' it is?"},
		{uncased, "\u22125 °C – a\u2011b", "-5 °C - a-b"},
		{uncased, "µm μm", "μm μm"},
		{uncased, "5 \u212b, 5 Å, 5 A\u030a", "5 Å, 5 Å, 5 Å"},
		{uncased, "LiFePO₄ cm⁻¹ x²", "LiFePO4 cm-1 x2"},
		{uncased, "ﬁlm ﬂow", "film flow"},
		{uncased, "a\u00a0b\u2009c", "a b c"},
		{uncased, "hy\u00adphen\u200bated", "hyphenated"},
		{uncased, "½ ℃ 𝛼 Ｌｉ ﹣", "1/2 °C α Li -"},
		{uncased, "CuSO4\u22c55H2O", "CuSO4·5H2O"},
		{uncased, "2′ 2″", "2' 2\""},
		{uncased, "Ω \u2126 ∆", "Ω Ω Δ"},
		{uncased, "x\u0302 e\u0301", "x\u0302 é"},
		{cased, "x\u0306", "x"},
		{uncased, "\xff", "\ufffd"},
		{uncased, "\U0001f9ea ꙮ", "\U0001f9ea ꙮ"}, // unknown: the tokenizer says so
		{uncased, "", ""},
	} {
		got, m := c.n.Normalize(c.in)
		if got != c.want {
			t.Errorf("%+q became %+q, want %+q", c.in, got, c.want)
		}
		check(t, c.in, got, m)
	}
	// A letter with its accents is one place.
	text := "ax\u0306\u0323b"
	got, m := cased.Normalize(text)
	if start, end := m.Span(1, 2); got != "axb" || start != 1 || end != 6 {
		t.Errorf("%q: x is from [%d, %d)", got, start, end)
	}
	// Fewer unknown words than without: that is what it is for.
	w := wordPiece(t, "cased")
	text = "Å𝛼ﬁ㎛ ⁻¹ ＬｉＦｅ"
	count := func(s string) (n int) {
		for _, p := range w.Encode(s) {
			if p.ID == w.UNK() {
				n++
			}
		}
		return n
	}
	normal, _ := cased.Normalize(text)
	if before, after := count(text), count(normal); before < 2 || after != 0 {
		t.Errorf("%d unknown words, %d after normalisation to %q", before, after, normal)
	}
}

func TestPublishedMarks(t *testing.T) {
	n := mapping(t)
	for in, want := range map[string][3]int{ // place in the result, then in the original
		"ae\u0301b":       {1, 1, 4},
		"é\u0323b":        {0, 0, 4},
		"\u2103\u0301x":   {1, 0, 5}, // ° and C, both with the accent
		"ab\u0301\u0302 ": {1, 1, 6},
	} {
		out, m := n.Normalize(in)
		check(t, in, out, m)
		_, size := utf8.DecodeRuneInString(out[want[0]:])
		if start, end := m.Span(want[0], want[0]+size); start != want[1] || end != want[2] {
			t.Errorf("%+q became %+q, byte %d of it from [%d, %d), want [%d, %d)", in, out, want[0], start, end, want[1], want[2])
		}
	}
}

func TestMappingRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"a a\n\nb b":                   "vocab_mappings.txt:2:",
		"a a\nb":                       "vocab_mappings.txt:2:",
		"a a\nb \xff":                  "vocab_mappings.txt:2: not UTF-8",
		"a " + strings.Repeat("x", 99): "vocab_mappings.txt:1: 99 bytes",
		"":                             "vocab_mappings.txt:1:",
	} {
		if _, err := ReadMapping(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one about %q", text, err, want)
		}
	}
	if _, err := ReadMapping(bytes.NewReader(make([]byte, maxMappingFile+1))); err == nil {
		t.Error("a huge file was taken")
	}
}

// Pieces of any text lie in it as they should, with either normalizer.
func FuzzEncoder(f *testing.F) {
	for _, s := range tokentest.RandomTexts()[:200] {
		f.Add(s)
	}
	for _, s := range []string{"e\u0301\u0323", "\xff\xfe\xf0\x9f", "\u212b5 µm", "so\u00adft\r\nx", "ﬁ\u0301", "a\u0301\xff", "`\u0301"} {
		f.Add(s)
	}
	var encoders []Encoder
	for _, name := range []string{"uncased", "cased"} {
		w := wordPiece(f, name)
		encoders = append(encoders, Encoder{New(w), w}, Encoder{mapping(f), w})
	}
	f.Fuzz(func(t *testing.T, text string) {
		valid := utf8.ValidString(text)
		for k, e := range encoders {
			out, m := e.Normalize(text)
			check(t, text, out, m)
			last := token.Piece{}
			for _, p := range e.Encode(text) {
				if p.Start < last.Start || p.End < last.End || p.End <= p.Start || p.End > len(text) || p.Start < last.End && p.Start+cluster(text[p.Start:]) < last.End {
					t.Fatalf("%q: piece %v after %v", text, p, last)
				}
				if valid {
					if !utf8.ValidString(text[p.Start:p.End]) {
						t.Fatalf("%q: piece %v cuts a character", text, p)
					}
					if r, _ := utf8.DecodeRuneInString(text[p.End:]); k%2 == 0 && p.End < len(text) && unicode.Is(unicode.Mn, r) && p.End-p.Start < maxMarks {
						t.Fatalf("%q: piece %v leaves an accent behind", text, p)
					}
				}
				last = p
			}
		}
	})
}
