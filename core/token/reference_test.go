package token

import (
	"bufio"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/kiban-models/kiban/core/token/tokentest"
)

func readJSON(t testing.TB, name string, to any) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(name, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := json.NewDecoder(r).Decode(to); err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, dir string) *BPE {
	t.Helper()
	b, err := OpenBPE(dir)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// copyFiles copies some files of dir elsewhere.
func copyFiles(t *testing.T, dir string, names ...string) string {
	t.Helper()
	to := t.TempDir()
	for _, n := range names {
		text, err := os.ReadFile(filepath.Join(dir, n))
		if err == nil {
			err = os.WriteFile(filepath.Join(to, n), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return to
}

type sample struct {
	Text    string
	IDs     []int32
	Decoded string
}

func checkSamples(t *testing.T, b *BPE, file string) {
	t.Helper()
	var samples []sample
	readJSON(t, file, &samples)
	if len(samples) < 40 {
		t.Fatalf("only %d samples", len(samples))
	}
	for _, s := range samples {
		ids, spans := b.EncodeOffsets(s.Text)
		if !slices.Equal(ids, s.IDs) {
			t.Errorf("%q: ids %v, want %v", s.Text, ids, s.IDs)
		}
		if !slices.Equal(b.Encode(s.Text), ids) || !slices.Equal(b.Append([]int32{-7}, []byte(s.Text))[1:], ids) {
			t.Errorf("%q: Encode, EncodeOffsets and Append differ", s.Text)
		}
		if got := strings.ToValidUTF8(b.Decode(s.IDs), "\ufffd"); got != s.Decoded {
			t.Errorf("%q: decoded %q, want %q", s.Text, got, s.Decoded)
		}
		at := 0
		for i, span := range spans {
			if span.Start != at || span.End <= at {
				t.Fatalf("%q: spans %v have a gap", s.Text, spans)
			}
			at = span.End
			if got := s.Text[span.Start:span.End]; got != string(b.TokenBytes(ids[i])) && strings.TrimSpace(got) != string(b.TokenBytes(ids[i])) {
				t.Errorf("%q: token %d is at %q", s.Text, ids[i], got)
			}
		}
		if at != len(s.Text) {
			t.Errorf("%q: spans end at %d", s.Text, at)
		}
	}
}

func TestReference(t *testing.T) {
	b := open(t, "testdata/small")
	checkSamples(t, b, "testdata/small/texts.json")
	checkSamples(t, open(t, "testdata/added"), "testdata/added/texts.json")
	// vocab.json and merges.txt alone say the same.
	checkSamples(t, open(t, copyFiles(t, "testdata/small", "vocab.json", "merges.txt")), "testdata/small/texts.json")
	// As do the files that we write, with either set.
	for _, name := range []string{"small", "added"} {
		dir := filepath.Join(t.TempDir(), "a", "b")
		if err := open(t, "testdata/"+name).Save(dir); err != nil {
			t.Fatal(err)
		}
		checkSamples(t, open(t, dir), "testdata/"+name+"/texts.json")
		if name == "small" {
			parts := copyFiles(t, dir, "vocab.json", "merges.txt", "special_tokens_map.json")
			checkSamples(t, open(t, parts), "testdata/small/texts.json")
		}
		for _, f := range []string{"tokenizer_config.json", "special_tokens_map.json"} {
			var v map[string]any
			readJSON(t, filepath.Join(dir, f), &v)
			if v["eos_token"] != EndOfText {
				t.Errorf("%s of %s: %v", f, name, v)
			}
		}
	}
	if id, ok := b.ID(EndOfText); !ok || id != 0 || !b.IsSpecial(0) || b.IsSpecial(1) || b.VocabSize() != 600 {
		t.Error("<|endoftext|> has id", id, ok, "of", b.VocabSize())
	}
}

func TestOrdinary(t *testing.T) {
	b := open(t, "testdata/small")
	text := "a" + EndOfText + "b"
	if !slices.Contains(b.Encode(text), 0) {
		t.Error("Encode missed the special token")
	}
	for _, ids := range [][]int32{b.EncodeOrdinary(text), b.AppendOrdinary(nil, []byte(text))} {
		if slices.Contains(ids, 0) || b.Decode(ids) != text {
			t.Error("EncodeOrdinary gave", ids, b.Decode(ids))
		}
	}
	if s := b.Decode([]int32{-1, 1 << 20, 0}); s != "\ufffd\ufffd"+EndOfText {
		t.Errorf("unknown ids decode as %q", s)
	}
}

func TestTrainingReference(t *testing.T) {
	var ref struct {
		Corpus []string
		Cases  []struct {
			Name     string
			From, To int
			Options  struct {
				Vocab     int      `json:"vocab_size"`
				Special   []string `json:"special_tokens"`
				Frequency int64    `json:"min_frequency"`
				Length    int      `json:"max_token_length"`
			}
			Vocab, Merges []string
		}
	}
	readJSON(t, "testdata/training.json.gz", &ref)
	for _, c := range ref.Cases {
		t.Run(c.Name, func(t *testing.T) {
			var words WordCounter
			for _, line := range ref.Corpus[c.From:c.To] {
				words.Add([]byte(line))
			}
			o := c.Options
			b, err := TrainBPE(&words, TrainOptions{VocabSize: o.Vocab, Special: o.Special, MinFrequency: o.Frequency, MaxTokenLength: o.Length})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(b.vocab, c.Vocab) {
				t.Errorf("vocabulary of %d differs from that of %d at %d", len(b.vocab), len(c.Vocab), firstDifference(b.vocab, c.Vocab))
			}
			var merges []string
			for _, m := range b.merges {
				merges = append(merges, b.vocab[m.left]+" "+b.vocab[m.right])
			}
			if !slices.Equal(merges, c.Merges) {
				t.Errorf("%d merges differ from %d at %d", len(merges), len(c.Merges), firstDifference(merges, c.Merges))
			}
		})
	}
}

func firstDifference(a, b []string) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// sequences returns the sequences of a gzipped FASTA file.
func sequences(t testing.TB, path string) []string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	var seq strings.Builder
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<26)
	started := false
	for lines.Scan() {
		if line := strings.TrimSpace(lines.Text()); strings.HasPrefix(line, ">") {
			if started {
				all = append(all, seq.String())
			}
			started = true
			seq.Reset()
		} else {
			seq.WriteString(line)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return append(all, seq.String())
}

// inLines is a sequence as ProtGPT2 sees it: <|endoftext|>, then lines of 60.
func inLines(seq string) string {
	var b strings.Builder
	b.WriteString(EndOfText)
	for line := range slices.Chunk([]byte(seq), 60) {
		b.WriteByte('\n')
		b.Write(line)
	}
	return b.String()
}

func hashIDs(ids []int32) string {
	h := fnv.New64a()
	var word [4]byte
	for _, id := range ids {
		binary.LittleEndian.PutUint32(word[:], uint32(id))
		h.Write(word[:])
	}
	return fmt.Sprintf("%016x", h.Sum64())
}

// The ids of 10,000 real proteins, in lines and as one word, are those of the
// tokenizers library; of each the fixture has number and hash.
func TestRealSequences(t *testing.T) {
	path := tokentest.Shared(t, "protein/uniprot_mmseqs_db_10000.fasta.gz")
	var rows [][]any
	readJSON(t, "testdata/uniprot_10000_ids.json.gz", &rows)
	seqs := sequences(t, path)
	if len(seqs) != len(rows) || len(seqs) < 10000 {
		t.Fatalf("%d sequences, fixture of %d", len(seqs), len(rows))
	}
	b := open(t, "testdata/small")
	var ids []int32
	for i, s := range seqs {
		for j, text := range []string{inLines(s), s} {
			ids = b.Append(ids[:0], []byte(text))
			if want := rows[i][2*j]; float64(len(ids)) != want || hashIDs(ids) != rows[i][2*j+1] {
				t.Fatalf("sequence %d (%.20s…): %d ids, want %v; or their hash differs", i, s, len(ids), want)
			}
		}
	}
}

// Training on 2,000 real proteins finds the merges of the tokenizers library.
func TestTrainingReal(t *testing.T) {
	path := tokentest.Shared(t, "protein/uniprot_mmseqs_db_10000.fasta.gz")
	var want struct {
		Merges int
		Hash   string
	}
	readJSON(t, "testdata/uniprot_training.json", &want)
	var words WordCounter
	for _, s := range sequences(t, path)[:2000] {
		for line := range slices.Chunk([]byte(s), 60) {
			words.AddWord(line, 1)
		}
	}
	b, err := TrainBPE(&words, TrainOptions{VocabSize: 2000, Special: []string{EndOfText}})
	if err != nil {
		t.Fatal(err)
	}
	var ids []int32
	for _, m := range b.merges {
		ids = append(ids, m.left, m.right)
	}
	if len(b.merges) != want.Merges || hashIDs(ids) != want.Hash {
		t.Errorf("%d merges with hash %s, want %d with %s", len(b.merges), hashIDs(ids), want.Merges, want.Hash)
	}
}

// What Go's older Unicode calls a letter, number or space, the table does too.
func TestClasses(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		want := -1
		switch {
		case unicode.IsLetter(r):
			want = letter
		case unicode.IsNumber(r):
			want = number
		case unicode.IsSpace(r):
			want = space
		case unicode.IsGraphic(r):
			want = other
		}
		if got := tableClass(r); want >= 0 && got != want {
			t.Errorf("%U is of class %d, want %d", r, got, want)
		}
	}
}
