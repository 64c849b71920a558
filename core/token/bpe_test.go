package token

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kiban-models/kiban/core/token/tokentest"
)

// naive merges a word by looking at every pair each time: the definition.
func naive(b *BPE, word []byte) []int32 {
	var ids []int32
	for _, c := range word {
		ids = append(ids, b.byteID[c])
	}
	for {
		best, at := uint32(noRank), -1
		for i := 1; i < len(ids); i++ {
			if r := b.pairs.rank(ids[i-1], ids[i]); r < best {
				best, at = r, i
			}
		}
		if at < 0 {
			return ids
		}
		ids[at-1] = b.merges[best].to
		ids = slices.Delete(ids, at, at+1)
	}
}

func TestShortAndLongAgree(t *testing.T) {
	b := open(t, "testdata/small")
	rng := rand.New(rand.NewPCG(3, 4))
	for range 3000 {
		word := make([]byte, 2+rng.IntN(maxShort-1))
		alphabet := []string{"A", "AG", "MKVLGA", "ACDEFGHIKLMNPQRSTVWY", " th"}[rng.IntN(5)]
		for i := range word {
			word[i] = alphabet[rng.IntN(len(alphabet))]
		}
		want := naive(b, word)
		if got := b.appendShort(nil, word); !slices.Equal(got, want) {
			t.Fatalf("%q: short gave %v, want %v", word, got, want)
		}
		if got := b.appendLong(nil, word); !slices.Equal(got, want) {
			t.Fatalf("%q: long gave %v, want %v", word, got, want)
		}
	}
}

// Twice the letters take about twice the time, in one word. A quadratic way
// takes four times as long each time, 256 times in all; the best of three
// tries forgives a busy machine.
func TestLongWords(t *testing.T) {
	b := open(t, "testdata/small")
	rng := rand.New(rand.NewPCG(5, 6))
	for name, fill := range map[string]func(i int) byte{
		"one letter": func(int) byte { return 'A' },
		"protein":    func(int) byte { return "ACDEFGHIKLMNPQRSTVWY"[rng.IntN(20)] },
		"underscore": func(int) byte { return '_' },
		"two":        func(i int) byte { return "GA"[i&1] },
		"spaces":     func(int) byte { return ' ' },
		"digits":     func(int) byte { return '0' + byte(rng.IntN(10)) },
		"base64": func(int) byte {
			return "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[rng.IntN(64)]
		},
		"brackets":  func(i int) byte { return "([{"[i%3] },
		"CJK":       func(i int) byte { return "\u6f22\u5b57"[i%6] },
		"combining": func(i int) byte { return "\u0301\u0323"[i%4] },
		"emoji":     func(i int) byte { return "\U0001f469\u200d\U0001f52c\u200d"[i%14] },
		"no UTF-8":  func(int) byte { return 0x80 + byte(rng.IntN(128)) },
		"special":   func(i int) byte { return EndOfText[i%len(EndOfText)] },
		"almost":    func(i int) byte { return EndOfText[i%(len(EndOfText)-1)] },
	} {
		const small, big = 1 << 14, 1 << 18
		word := make([]byte, big)
		for i := range word {
			word[i] = fill(i)
		}
		best := func(n int) time.Duration {
			least := time.Hour
			for range 3 {
				start := worked()
				b.Append(nil, word[:n])
				least = min(least, worked()-start)
			}
			return least
		}
		if t1, t2 := best(small), best(big); t2 > 80*t1 {
			t.Errorf("%s: %v for %d letters, %v for %d", name, t1, small, t2, big)
		}
		if got := b.Decode(b.Append(nil, word)); got != string(word) {
			t.Errorf("%s: another text came back", name)
		}
	}
}

// Of the added tokens the longest is taken, however many begin alike.
func TestManyAddedTokens(t *testing.T) {
	const n = 60_000
	var added []AddedToken
	var extra strings.Builder
	b := open(t, "testdata/small")
	for i := range n {
		content := strings.Repeat("M", 100) + strconv.Itoa(i)
		added = append(added, AddedToken{ID: int32(b.VocabSize() + i), Content: content})
		fmt.Fprintf(&extra, `,{"id":%d,"content":%q,"special":false,"lstrip":false,"rstrip":false,"normalized":false,"single_word":false}`, b.VocabSize()+i, content)
	}
	many, err := ReadTokenizerJSON(strings.NewReader(strings.Replace(string(b.tokenizerJSON()), `"special": true}`, `"special": true}`+extra.String(), 1)))
	if err != nil {
		t.Fatal(err)
	}
	start := worked()
	for _, i := range []int{0, 7, 70, 777, n - 1} {
		text := "AA" + added[i].Content + "MMM"
		if ids := many.Encode(text); !slices.Contains(ids, added[i].ID) || many.Decode(ids) != text {
			t.Errorf("%s: %v", text, ids)
		}
	}
	many.Encode(strings.Repeat("M", 1<<16))
	// Each of them at each letter takes a minute.
	if d := worked() - start; d > 10*time.Second {
		t.Errorf("%d letters took %v", 1<<16, d)
	}
}

func TestConcurrent(t *testing.T) {
	b := open(t, "testdata/small")
	texts := []string{"MKVLAA GAGA the protein's", strings.Repeat("MKV", 200), "The quick brown fox", EndOfText + "\nMKV"}
	var want [][]int32
	for _, s := range texts {
		want = append(want, b.Encode(s))
	}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 500 {
				k := (g + i) % len(texts)
				if got := b.Encode(texts[k]); !slices.Equal(got, want[k]) {
					t.Errorf("%q: %v, want %v", texts[k], got, want[k])
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestNoGarbage(t *testing.T) {
	b := open(t, "testdata/small")
	text := []byte(inLines(strings.Repeat("MKVLAAGWY", 40)) + " and the words")
	dst := b.Append(nil, text)
	if n := testing.AllocsPerRun(100, func() { dst = b.Append(dst[:0], text) }); n > 0 {
		t.Errorf("%v allocations a text", n)
	}
}

// tokenizerText is a tokenizer.json with the 256 bytes, two tokens and what is
// replaced in it.
func tokenizerText(replace ...string) string {
	var vocab strings.Builder
	for i, r := range byteRunes {
		fmt.Fprintf(&vocab, "%q:%d,", string(r), i)
	}
	v := strings.Replace(vocab.String(), `"\u00ad"`, "\"\u00ad\"", 1)
	text := `{"version":"1.0","truncation":null,"padding":null,"added_tokens":[{"id":258,"content":"<x>","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true}],` +
		`"normalizer":null,"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true},` +
		`"post_processor":{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":false},"decoder":{"type":"ByteLevel"},` +
		`"model":{"type":"BPE","dropout":null,"unk_token":null,"continuing_subword_prefix":"","end_of_word_suffix":null,"fuse_unk":false,"byte_fallback":false,"ignore_merges":false,` +
		`"vocab":{` + v + `"ab":256,"abc":257},"merges":["a b",["ab","c"]]}}`
	for i := 0; i < len(replace); i += 2 {
		if !strings.Contains(text, replace[i]) {
			panic("nothing to replace: " + replace[i])
		}
		text = strings.Replace(text, replace[i], replace[i+1], 1)
	}
	return text
}

func TestReadTokenizerJSON(t *testing.T) {
	for name, c := range map[string]struct {
		replace []string
		text    string
		want    []int32
	}{
		"plain":       {nil, "abc ab<x>", []int32{257, ' ', 256, 258}},
		"no regex":    {[]string{`"use_regex":true`, `"use_regex":false`}, "abc ab", []int32{257, ' ', 256}},
		"sequence":    {[]string{`{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true}`, `{"type":"Sequence","pretokenizers":[{"type":"ByteLevel","add_prefix_space":false}]}`}, "abc", []int32{257}},
		"truncation":  {[]string{`"truncation":null`, `"truncation":{"max_length":2,"x":[1.5]}`}, "abcabcab", []int32{257, 257, 256}},
		"unknown":     {[]string{`"a":97`, `"<u>":97`, `"unk_token":null`, `"unk_token":"<u>"`, `["ab","c"]`, `["b","c"]`, `"a b"`, `"b b"`, `"ab":256`, `"bb":256`, `"abc":257`, `"bc":257`}, "abca", []int32{97, 257, 97}},
		"split first": {[]string{`{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true}`, `{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"` + strings.ReplaceAll(gpt2Pattern, `\`, `\\`) + `"},"behavior":"Isolated","invert":false},{"type":"ByteLevel","add_prefix_space":false,"use_regex":false}]}`}, "abc", []int32{257}},
	} {
		text := tokenizerText(c.replace...)
		b, err := ReadTokenizerJSON(strings.NewReader(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for i, id := range c.want { // bytes stand for their ids here, except the space
			if id == ' ' {
				c.want[i] = b.byteID[' ']
			}
		}
		ids, spans := b.EncodeOffsets(c.text)
		if !slices.Equal(ids, c.want) || spans[len(spans)-1].End != len(c.text) {
			t.Errorf("%s: %v %v, want %v", name, ids, spans, c.want)
		}
	}
}

func TestReadTokenizerJSONRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		replace []string
		says    string
	}{
		"normalizer":          {[]string{`"normalizer":null`, `"normalizer":{"type":"NFKC"}`}, "NFKC"},
		"normalizer sequence": {[]string{`"normalizer":null`, `"normalizer":{"type":"Sequence","normalizers":[{"type":"NFD"},{"type":"Lowercase"}]}`}, "Lowercase"},
		"deep sequence":       {[]string{`"normalizer":null`, `"normalizer":` + strings.Repeat(`{"type":"Sequence","x":[`, 100000)}, "deep"},
		"pre_tokenizer":       {[]string{`"pre_tokenizer":{"type":"ByteLevel"`, `"pre_tokenizer":{"type":"Metaspace"`}, "Metaspace"},
		"null pre_tokenizer":  {[]string{`{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true}`, `null`}, "pre_tokenizer"},
		"prefix space":        {[]string{`"add_prefix_space":false`, `"add_prefix_space":true`}, "add_prefix_space"},
		"post_processor":      {[]string{`"post_processor":{"type":"ByteLevel"`, `"post_processor":{"type":"TemplateProcessing","single":[]`}, "TemplateProcessing"},
		"decoder":             {[]string{`"decoder":{"type":"ByteLevel"}`, `"decoder":{"type":"WordPiece"}`}, "WordPiece"},
		"model":               {[]string{`"type":"BPE"`, `"type":"Unigram"`}, "Unigram"},
		"dropout":             {[]string{`"dropout":null`, `"dropout":0.1`}, "dropout"},
		"ignore_merges":       {[]string{`"ignore_merges":false`, `"ignore_merges":true`}, "ignore_merges"},
		"byte_fallback":       {[]string{`"byte_fallback":false`, `"byte_fallback":true`}, "byte_fallback"},
		"suffix":              {[]string{`"end_of_word_suffix":null`, `"end_of_word_suffix":"</w>"`}, "end_of_word_suffix"},
		"version":             {[]string{`"version":"1.0"`, `"version":"2.0"`}, "2.0"},
		"unknown field":       {[]string{`"padding":null`, `"padding":null,"extra":1`}, "extra"},
		"dup id":              {[]string{`"abc":257`, `"abc":256`}, "256"},
		"dup token":           {[]string{`"abc":257`, `"abc":257,"ab":259`}, "twice"},
		"gap":                 {[]string{`"abc":257`, `"abc":300`}, "gaps"},
		"huge id":             {[]string{`"abc":257`, `"abc":2147483648`}, "too large"},
		"negative id":         {[]string{`"abc":257`, `"abc":-1`}, "whole number"},
		"float id":            {[]string{`"abc":257`, `"abc":257.0`}, "whole number"},
		"empty token":         {[]string{`"abc":257`, `"":257`, `,["ab","c"]`, ``}, "bytes"},
		"long token":          {[]string{`"abc":257`, `"` + strings.Repeat("x", 1025) + `":257`, `,["ab","c"]`, ``}, "1025"},
		"missing byte":        {[]string{`"a":97`, `"aa":97`, `"a b",`, ``, `["ab","c"]`, ``}, "0x61"},
		"missing merge part":  {[]string{`["ab","c"]`, `["zz","c"]`}, "zz"},
		"missing result":      {[]string{`["ab","c"]`, `["c","ab"]`}, "not in the vocabulary"},
		"merge twice":         {[]string{`["ab","c"]`, `"a b"`}, "twice"},
		"empty merge part":    {[]string{`["ab","c"]`, `["","ab"]`}, "empty"},
		"one part":            {[]string{`["ab","c"]`, `["ab"]`}, "parts"},
		"three parts":         {[]string{`["ab","c"]`, `["a","b","c"]`}, "two parts"},
		"merge text":          {[]string{`"a b"`, `"a b c"`}, "space"},
		"added id":            {[]string{`"id":258`, `"id":5`}, "5"},
		"added content":       {[]string{`"content":"<x>"`, `"content":""`}, "no content"},
		"added in vocabulary": {[]string{`"content":"<x>"`, `"content":"ab"`}, "ab"},
		"unknown token":       {[]string{`"unk_token":null`, `"unk_token":"<u>"`}, "<u>"},
		"cut short":           {[]string{`]}}`, ``}, "end"},
		"trailing":            {[]string{`]}}`, `]}}{}`}, "end"},
	} {
		_, err := ReadTokenizerJSON(strings.NewReader(tokenizerText(c.replace...)))
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v, want one about %q", name, err, c.says)
		}
	}
}

func TestReadVocabMergesRefuses(t *testing.T) {
	vocab, err := os.ReadFile("testdata/small/vocab.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, merges := range []string{"#version: 0.2\nM K V\n", "M\n", "M  K\n", "\nM K\n", "M K\nM K\n", "M 🙂\n"} {
		if _, err := ReadVocabMerges(strings.NewReader(string(vocab)), strings.NewReader(merges)); err == nil {
			t.Errorf("%q was accepted", merges)
		}
	}
	if _, err := ReadVocabMerges(strings.NewReader(string(vocab)), strings.NewReader(""), "<none>"); err == nil {
		t.Error("a special token outside the vocabulary was accepted")
	}
	if _, err := OpenBPE(t.TempDir()); !os.IsNotExist(err) && !strings.Contains(err.Error(), "vocab.json") {
		t.Error("an empty directory gave", err)
	}
}

func TestTrainRefuses(t *testing.T) {
	for _, opt := range []TrainOptions{{}, {VocabSize: 255}, {VocabSize: 256, Special: []string{"x<"}}, {VocabSize: 300, Special: []string{"x", "x"}}, {VocabSize: 300, Special: []string{""}}, {VocabSize: maxVocab + 1}} {
		if _, err := TrainBPE(&WordCounter{}, opt); err == nil {
			t.Errorf("%+v was accepted", opt)
		}
	}
	b, err := TrainBPE(&WordCounter{}, TrainOptions{VocabSize: 300})
	if err != nil || b.VocabSize() != 256 {
		t.Error("no words gave", b, err)
	}
}

func BenchmarkEncode(b *testing.B) {
	bpe := open(b, "testdata/small")
	var text []byte
	for _, s := range sequences(b, tokentest.Shared(b, "protein/uniprot_mmseqs_db_10000.fasta.gz")) {
		text = append(text, inLines(s)...)
	}
	b.SetBytes(int64(len(text)))
	var ids []int32
	for b.Loop() {
		ids = bpe.Append(ids[:0], text)
	}
}

func ExampleBPE() {
	var words WordCounter
	words.Add([]byte("MKVLAA MKVLGA MKVLAA"))
	b, err := TrainBPE(&words, TrainOptions{VocabSize: 260, Special: []string{EndOfText}})
	if err != nil {
		panic(err)
	}
	ids, spans := b.EncodeOffsets(EndOfText + "MKVLAG")
	fmt.Println(ids, spans)
	fmt.Println(b.Decode(ids))
	// Output:
	// [0 259 33 39] [{0 13} {13 17} {17 18} {18 19}]
	// <|endoftext|>MKVLAG
}
