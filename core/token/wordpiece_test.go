package token

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/kiban-models/kiban/core/token/tokentest"
)

func ExampleWordPiece_Encode() {
	vocab := "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nfilms\nof\nli\n##fe\n##po\n##4\n.\nangstrom\n"
	w, err := ReadVocabText(strings.NewReader(vocab), Rules{Lowercase: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	text := "Films of LiFePO4, ångström."
	for _, p := range w.Encode(text) {
		fmt.Printf("%2d %-8s %q\n", p.ID, w.Token(p.ID), text[p.Start:p.End])
	}
	// Output:
	//  5 films    "Films"
	//  6 of       "of"
	//  7 li       "Li"
	//  8 ##fe     "Fe"
	//  9 ##po     "PO"
	// 10 ##4      "4"
	//  1 [UNK]    ","
	// 12 angstrom "ångström"
	// 11 .        "."
}

// wordPieceSettings are SETTINGS of testdata/wordpiece.py.
var wordPieceSettings = []struct {
	vocab string
	rules Rules
}{
	{"uncased", Rules{Lowercase: true}},
	{"cased", Rules{}},
	{"cased", Rules{StripAccents: Yes}},
	{"uncased", Rules{Lowercase: true, StripAccents: No, KeepControls: true, JoinChinese: true}},
}

func wordPieces(t testing.TB) (all []*WordPiece) {
	t.Helper()
	for _, s := range wordPieceSettings {
		text, err := os.ReadFile(filepath.Join("testdata/wordpiece", s.vocab, "vocab.txt"))
		if err != nil {
			t.Fatal(err)
		}
		w, err := ReadVocabText(bytes.NewReader(text), s.rules)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, w)
	}
	return all
}

// addedWordPiece has added tokens of every kind.
func addedWordPiece(t testing.TB) *WordPiece {
	t.Helper()
	text, err := os.ReadFile("testdata/wordpiece/added.json")
	if err != nil {
		t.Fatal(err)
	}
	w, err := ReadWordPieceJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// inCharacters turns the offsets of pieces, in bytes of text, into characters.
func inCharacters(text string, pieces []Piece) []Piece {
	at := make([]int32, len(text)+1)
	n := int32(0)
	for i := range text {
		at[i] = n
		n++
	}
	at[len(text)] = n
	out := slices.Clone(pieces)
	for i, p := range out {
		out[i].Start, out[i].End = int(at[p.Start]), int(at[p.End])
	}
	return out
}

// digest is that of testdata/wordpiece.py.
type pieceDigest struct {
	sum []byte
	n   int
}

func (d *pieceDigest) add(text string, pieces []Piece) {
	d.n += len(pieces)
	for _, p := range inCharacters(text, pieces) {
		for _, v := range [...]int{int(p.ID), p.Start, p.End} {
			d.sum = binary.LittleEndian.AppendUint32(d.sum, uint32(v))
		}
	}
	d.sum = append(d.sum, '|')
}

func (d *pieceDigest) hex() string { return shortSum(d.sum) }

func shortSum(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

func TestWordPieceReference(t *testing.T) {
	var want struct {
		Texts    []string
		Settings [][][3]any
	}
	readJSON(t, "testdata/wordpiece/texts.json", &want)
	all := append(wordPieces(t), addedWordPiece(t))
	if len(want.Settings) != len(all) || len(want.Texts) < 40 {
		t.Fatalf("%d settings, %d texts", len(want.Settings), len(want.Texts))
	}
	check := func(t *testing.T, w *WordPiece, rows [][3]any) {
		for i, text := range want.Texts {
			pieces := w.Encode(text)
			ids, offsets := []any{}, []any{}
			var plain []int32
			for _, p := range inCharacters(text, pieces) {
				ids = append(ids, float64(p.ID))
				offsets = append(offsets, float64(p.Start), float64(p.End))
				plain = append(plain, p.ID)
			}
			if row := rows[i]; !slices.Equal(ids, row[0].([]any)) || !slices.Equal(offsets, row[1].([]any)) {
				t.Errorf("%.80q: ids and offsets\n%v %v, want\n%v %v", text, ids, offsets, row[0], row[1])
			}
			if got := w.Decode(plain, true); got != rows[i][2] {
				t.Errorf("%.80q: decoded %q, want %q", text, got, rows[i][2])
			}
		}
	}
	for k, w := range all {
		t.Run(fmt.Sprint(k), func(t *testing.T) {
			check(t, w, want.Settings[k])
			// The files that we write say the same.
			dir := filepath.Join(t.TempDir(), "a", "b")
			if err := w.Save(dir); err != nil {
				t.Fatal(err)
			}
			again, err := OpenWordPiece(dir)
			if err != nil {
				t.Fatal(err)
			}
			check(t, again, want.Settings[k])
			if k == 3 {
				return // tokenizer_config.json has no word for clean_text
			}
			if err := os.Remove(filepath.Join(dir, "tokenizer.json")); err != nil {
				t.Fatal(err)
			}
			if again, err = OpenWordPiece(dir); err != nil {
				t.Fatal(err)
			}
			check(t, again, want.Settings[k])
		})
	}
	// A directory as it is published.
	for k, name := range []string{"uncased", "cased"} {
		w, err := OpenWordPiece("testdata/wordpiece/" + name)
		if err != nil {
			t.Fatal(err)
		}
		check(t, w, want.Settings[k])
		if w.CLS() != 2 || w.SEP() != 3 || w.PAD() != 0 || w.MASK() != 4 || w.UNK() != 1 || w.VocabSize() != 8000 || !w.IsSpecial(4) || w.IsSpecial(5) {
			t.Error("special tokens", w.CLS(), w.SEP(), w.PAD(), w.MASK(), w.UNK(), w.VocabSize())
		}
	}
}

// Ids and offsets of 10,000 random texts are those of the tokenizers library.
func TestWordPieceRandom(t *testing.T) {
	var want [][]string
	readJSON(t, "testdata/wordpiece/random.json.gz", &want)
	texts := tokentest.RandomTexts()
	for k, w := range append(wordPieces(t), addedWordPiece(t)) {
		wrong := 0
		for i := 0; i < len(texts); i += 10 {
			var d pieceDigest
			for _, s := range texts[i : i+10] {
				d.add(s, w.Encode(s))
			}
			if d.hex() != want[k][i/10] {
				if wrong++; wrong <= 3 {
					t.Errorf("setting %d: one of the texts %d to %d has other ids or offsets: %q", k, i, i+9, texts[i:i+10])
				}
			}
		}
		if wrong > 0 {
			t.Errorf("setting %d: %d of %d groups differ", k, wrong, len(want[k]))
		}
	}
}

// What the normaliser makes of each character, and ids and offsets of each in
// company, are those of the tokenizers library.
func TestWordPieceCharacters(t *testing.T) {
	var want [][][2]string
	readJSON(t, "testdata/wordpiece/characters.json.gz", &want)
	for k, w := range wordPieces(t) {
		if testing.Short() && k > 0 {
			break
		}
		for block, sums := range want[k] {
			var normal []byte
			var d pieceDigest
			for r := rune(block * 4096); r < rune(block+1)*4096; r++ {
				if !utf8.ValidRune(r) {
					continue
				}
				c := string(r)
				if len(normal) > 0 || r%4096 > 0 {
					normal = append(normal, '\n')
				}
				normal = append(normal, w.normalized(c)...)
				text := "a" + c + "b " + c + " \u0345" + c + "\u0323;" + c
				d.add(text, w.Encode(text))
			}
			if got := shortSum(normal); got != sums[0] {
				t.Errorf("setting %d: a character of %U to %U is normalised otherwise", k, block*4096, block*4096+4095)
			}
			if d.hex() != sums[1] {
				t.Errorf("setting %d: a character of %U to %U has other ids or offsets", k, block*4096, block*4096+4095)
			}
		}
	}
}

// Ids and offsets of every line of the materials data are those of the
// tokenizers library.
func TestWordPieceMaterials(t *testing.T) {
	dir := tokentest.Shared(t, "materials")
	var want map[string]struct {
		Bytes, Lines int
		Settings     [][2]any
	}
	readJSON(t, "testdata/wordpiece/materials.json", &want)
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := wordPieces(t)
	total := 0
	for _, f := range files {
		name := f.Name()
		row, ok := want[name]
		if !ok {
			t.Errorf("%s is not in the fixture", name)
			continue
		}
		texts := tokentest.TextsIn(t, filepath.Join(dir, name))
		size, lines := 0, 0
		for k, w := range all {
			var sums strings.Builder
			pieces, whole := 0, []Piece(nil)
			for _, text := range texts {
				var d pieceDigest
				for line := range strings.SplitSeq(string(text), "\n") {
					whole = w.Append(whole[:0], line)
					d.add(line, whole)
					if k == 0 {
						lines++
					}
				}
				if k == 0 {
					size += len(text)
				}
				sums.WriteString(d.hex())
				pieces += d.n
			}
			if got := shortSum([]byte(sums.String())); float64(pieces) != row.Settings[k][0] || got != row.Settings[k][1] {
				t.Errorf("%s, setting %d: %d pieces, want %v; or their digest differs", name, k, pieces, row.Settings[k][0])
			}
		}
		if size != row.Bytes || lines != row.Lines {
			t.Errorf("%s: %d bytes in %d lines, want %d in %d", name, size, lines, row.Bytes, row.Lines)
		}
		total += size
	}
	if len(files) != len(want) || total < 13_000_000 {
		t.Errorf("%d files of %d, %d bytes", len(files), len(want), total)
	}
}

// The vocabulary of a published model, for instance that of BERT uncased
// (30,522 tokens), which KIBAN_BERT_DIR names and "wordpiece.py bert" encoded
// with.
func TestWordPiecePublished(t *testing.T) {
	dir := os.Getenv("KIBAN_BERT_DIR")
	if dir == "" {
		t.Skip("needs the directory of all-MiniLM-L6-v2 in KIBAN_BERT_DIR")
	}
	var want struct {
		Vocab             int
		Random, Materials [2]any
	}
	readJSON(t, "testdata/wordpiece/bert.json", &want)
	w, err := OpenWordPiece(dir)
	if err != nil {
		t.Fatal(err)
	}
	if w.VocabSize() != want.Vocab {
		t.Fatalf("%d tokens, the fixture is of %d", w.VocabSize(), want.Vocab)
	}
	var d pieceDigest
	for _, s := range tokentest.RandomTexts() {
		d.add(s, w.Encode(s))
	}
	if float64(d.n) != want.Random[0] || d.hex() != want.Random[1] {
		t.Errorf("random texts: %d pieces, want %v; or their digest differs", d.n, want.Random[0])
	}
	var sums strings.Builder
	pieces := 0
	data := tokentest.Shared(t, "materials")
	files, err := os.ReadDir(data)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		for _, text := range tokentest.TextsIn(t, filepath.Join(data, f.Name())) {
			var d pieceDigest
			for line := range strings.SplitSeq(string(text), "\n") {
				d.add(line, w.Encode(line))
			}
			pieces += d.n
			sums.WriteString(d.hex())
		}
	}
	if got := shortSum([]byte(sums.String())); float64(pieces) != want.Materials[0] || got != want.Materials[1] {
		t.Errorf("materials: %d pieces, want %v; or their digest differs", pieces, want.Materials[0])
	}
}

// TestWordPieceSaved proves that what Save writes is, byte for byte, what
// "wordpiece.py saved" opened in transformers and found to give the same ids.
// KIBAN_SAVE_TO keeps the directories, to be checked again after a change.
func TestWordPieceSaved(t *testing.T) {
	dir := os.Getenv("KIBAN_SAVE_TO")
	if dir == "" {
		dir = t.TempDir()
	}
	var got strings.Builder
	for k, w := range append(wordPieces(t), addedWordPiece(t)) {
		to := filepath.Join(dir, fmt.Sprint(k))
		if err := w.Save(to); err != nil {
			t.Fatal(err)
		}
		files, err := os.ReadDir(to)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			text, err := os.ReadFile(filepath.Join(to, f.Name()))
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&got, "%s  %d/%s\n", shortSum(text), k, f.Name())
		}
	}
	want, err := os.ReadFile("testdata/wordpiece/saved.sha256")
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("the files changed: run testdata/wordpiece.py saved on them, then record\n%s", got.String())
	}
}
