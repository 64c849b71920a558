package protein

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kiban-models/kiban/bio/sequence"
	"github.com/kiban-models/kiban/core/dataset"
)

// letters is a vocabulary of single characters: 0 is <|endoftext|>, 1 the line
// break, 2 to 27 A to Z.
type letters struct{}

func (letters) VocabSize() int { return 28 }

func (letters) Append(dst []int32, text []byte) []int32 {
	for _, c := range text {
		if c == '\n' {
			dst = append(dst, 1)
		} else {
			dst = append(dst, int32(c-'A')+2)
		}
	}
	return dst
}

func lettersText(ids []int32) string {
	var b strings.Builder
	for _, id := range ids {
		switch id {
		case 0:
			b.WriteString("<|endoftext|>")
		case 1:
			b.WriteByte('\n')
		default:
			b.WriteByte(byte(id-2) + 'A')
		}
	}
	return b.String()
}

func testData(t testing.TB, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the test")
		}
	}
	path := filepath.Join(dir, "..", "shared", "data", "protein", name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("needs the shared data: %v", err)
	}
	return path
}

func fasta(t *testing.T, text string) string {
	path := filepath.Join(t.TempDir(), "in.fasta")
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

func texts(t *testing.T, dir string) []string {
	d, err := dataset.Open(dir, dataset.OpenOptions{Verify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var out []string
	for ids, err := range d.Documents() {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, lettersText(ids))
	}
	return out
}

func TestText(t *testing.T) {
	for _, n := range []int{1, 59, 60, 61, 120, 121} {
		residues := []byte(strings.Repeat("MKVLAAGIVG", 13)[:n])
		text := Text(residues)
		lines := strings.Split(string(text), "\n")
		if lines[0] != "" || lines[len(lines)-1] != "" || len(lines) != 2+(n+59)/60 {
			t.Errorf("%d: %q", n, text)
		}
		for _, form := range [][]byte{text, text[1:], text[:len(text)-1]} {
			if got, err := Residues(form); err != nil || !bytes.Equal(got, residues) {
				t.Errorf("%d: %q gives %q, %v", n, form, got, err)
			}
		}
	}
	for text, want := range map[string]string{
		"":        "text without residues",
		"\nMK\nV": "line 1 has 2 residues, want 60",
		"\n\nMKV": "line 1 has 0 residues",
		"\nMK-V":  "line 1, column 3: '-' is no residue",
		"\n" + strings.Repeat("M", 60) + "\n" + strings.Repeat("M", 61): "line 2 has 61 residues",
	} {
		if _, err := Residues([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestPrepareSmall(t *testing.T) {
	long := strings.Repeat("MKVLAAGIVGLC", 11)[:125]
	in := fasta(t, ">a\n"+long+"\n>b\nmkv*\n>c\nMKV\n>short\nM\n>long\n"+strings.Repeat("W", 200)+"\n>d\nMKU\n")
	out := filepath.Join(t.TempDir(), "new", "out")
	s, err := Prepare(t.Context(), PrepareOptions{Inputs: []string{in}, Out: out, MinLength: 3, MaxLength: 150,
		Vocabulary: Vocabulary{Tokenizer: letters{}, SHA256: "abc"}})
	if err != nil {
		t.Fatal(err)
	}
	got := texts(t, filepath.Join(out, TrainDir))
	want := []string{"<|endoftext|>\n" + long[:60] + "\n" + long[60:120] + "\n" + long[120:] + "\n", "<|endoftext|>\nMKV\n", "<|endoftext|>\nMKU\n"}
	if strings.Join(got, "") != strings.Join(want, "") {
		t.Errorf("%q, want %q", got, want)
	}
	if n := len(texts(t, filepath.Join(out, ValidationDir))); n != 0 {
		t.Errorf("%d documents for validation", n)
	}
	if s.Num != 6 || s.Sum != 335 || s.Min != 1 || s.Max != 200 || s.Duplicates != 1 || s.TooShort != 1 || s.TooLong != 1 ||
		s.LowerCase != 3 || s.Stops != 1 || s.Nonstandard != 1 || s.Train != (Part{3, 131, 142}) || s.Validation != (Part{}) ||
		s.Tokens != 142 || s.ResiduesPerToken != 131.0/142 || s.Residues["U"] != 1 || s.Residues["W"] != 0 || s.File != in {
		t.Errorf("%+v", s)
	}
	b, err := os.ReadFile(filepath.Join(out, SummaryFile))
	if err != nil {
		t.Fatal(err)
	}
	var saved map[string]any
	if err := json.Unmarshal(b, &saved); err != nil || saved["num_seqs"] != 6.0 || saved["too_long"] != 1.0 {
		t.Errorf("%v %v", saved, err)
	}
	d, err := dataset.Open(filepath.Join(out, TrainDir), dataset.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	m := d.Manifest()
	if m.Tokenizer != "abc" || m.Part != "train" || m.Sources[0].File != in || len(m.Sources[0].SHA256) != 64 || m.Symbols["U"] != 1 {
		t.Errorf("%+v", m)
	}
}

// trainLetters is a Train hook that checks the words and saves a file.
func trainLetters(count *int64) func(context.Context, iter.Seq2[[]byte, int64], int) (Vocabulary, error) {
	return func(_ context.Context, words iter.Seq2[[]byte, int64], _ int) (Vocabulary, error) {
		for w, n := range words {
			if string(w) == "\n" {
				continue
			}
			if len(w) > LineWidth || bytes.ContainsAny(w, "\n") || n != 1 {
				return Vocabulary{}, fmt.Errorf("word %q", w)
			}
			*count += int64(len(w))
		}
		return Vocabulary{Tokenizer: letters{}, Save: func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "vocab.txt"), []byte("A-Z"), 0o666)
		}}, nil
	}
}

func TestPrepareReal(t *testing.T) {
	in := testData(t, "uniprot_mmseqs_db_10000.fasta.gz")
	var first map[string]string
	for _, threads := range []int{1, 2, 5} {
		out := filepath.Join(t.TempDir(), "out")
		var trained int64
		s, err := Prepare(t.Context(), PrepareOptions{Inputs: []string{in}, Out: out, Threads: threads, ShardTokens: 1 << 20,
			Reader: sequence.Options{Duplicates: sequence.DuplicateError},
			Split:  dataset.SplitRule{Validation: 0.1, Seed: 42}, Train: trainLetters(&trained)})
		if err != nil {
			t.Fatal(err)
		}
		if s.Num != 10000 || s.Sum != 4553755 || s.Min != 7 || s.Max != 7677 || s.Duplicates != 331 ||
			s.Train.Sequences+s.Validation.Sequences != 9669 || s.Validation.Sequences < 850 || s.Validation.Sequences > 1080 {
			t.Errorf("%+v", s)
		}
		if trained != s.Train.Residues {
			t.Errorf("the tokenizer saw %d residues of %d", trained, s.Train.Residues)
		}
		files := map[string]string{}
		err = filepath.WalkDir(out, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			b, err := os.ReadFile(path)
			d := dataset.DigestOf(b)
			files[strings.TrimPrefix(path, out)] = string(d[:])
			return err
		})
		if err != nil || len(files) < 10 || files["/tokenizer/vocab.txt"] == "" {
			t.Fatalf("%d files, %v", len(files), err)
		}
		if first == nil {
			first = files
		}
		for name, sum := range first {
			if files[name] != sum {
				t.Errorf("%d threads: %s differs", threads, name)
			}
		}
	}
}

func TestSplitIsByContent(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	in := testData(t, "uniref90_sample_8000.fasta.gz")
	_, err := Prepare(t.Context(), PrepareOptions{Inputs: []string{in}, Out: out, Split: dataset.SplitRule{Validation: 0.5}, Grouping: Grouping{Off: true},
		Vocabulary: Vocabulary{Tokenizer: letters{}}})
	if err != nil {
		t.Fatal(err)
	}
	var side = map[string]bool{}
	for _, s := range texts(t, filepath.Join(out, TrainDir)) {
		side[s] = true
	}
	// Half of the records, in another order and under other names.
	r, err := sequence.Open(in, sequence.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var b []string
	for rec, err := range r.All() {
		if err != nil {
			t.Fatal(err)
		}
		if rec.Index%2 == 0 {
			b = append(b, fmt.Sprintf(">n%d\n%s\n", rec.Index, rec.Residues))
		}
	}
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	again := filepath.Join(t.TempDir(), "out")
	if _, err := Prepare(t.Context(), PrepareOptions{Inputs: []string{fasta(t, strings.Join(b, ""))}, Out: again,
		Split: dataset.SplitRule{Validation: 0.5}, Grouping: Grouping{Off: true}, Vocabulary: Vocabulary{Tokenizer: letters{}}}); err != nil {
		t.Fatal(err)
	}
	for part, want := range map[string]bool{TrainDir: true, ValidationDir: false} {
		got := texts(t, filepath.Join(again, part))
		if len(got) < 1800 {
			t.Errorf("%s: %d", part, len(got))
		}
		for _, s := range got {
			if side[s] != want {
				t.Fatalf("%s has moved: %.80q", part, s)
			}
		}
	}
}

func TestPrepareRefuses(t *testing.T) {
	dna := ">a\nACGTACGTAGCTAGCTNNACGT\n"
	protein := ">a\nMKVLAAGIVGLC\n"
	v := Vocabulary{Tokenizer: letters{}}
	for name, c := range map[string]struct {
		text string
		opts PrepareOptions
		want string
	}{
		"DNA":        {dna, PrepareOptions{Vocabulary: v}, "looks like dna, not protein; translate it first, or use --seq-type protein"},
		"RNA":        {strings.ReplaceAll(dna, "T", "U"), PrepareOptions{Vocabulary: v}, "looks like rna"},
		"no header":  {"MKV\n", PrepareOptions{Vocabulary: v}, "in.fasta:1: column 1: text before the first header"},
		"invalid":    {protein + ">b\nMK1\n", PrepareOptions{Vocabulary: v}, "in.fasta:4: record b, column 3"},
		"nothing":    {"", PrepareOptions{Vocabulary: v}, "no sequence left for training of 0 read"},
		"all short":  {protein, PrepareOptions{Vocabulary: v, MinLength: 13}, "1 too short"},
		"limits":     {protein, PrepareOptions{Vocabulary: v, MinLength: 13, MaxLength: 12}, "leave nothing"},
		"fraction":   {protein, PrepareOptions{Vocabulary: v, Split: dataset.SplitRule{Validation: 2}}, "want 0 to 1"},
		"tokenizer":  {protein, PrepareOptions{Vocabulary: Vocabulary{Tokenizer: letters{}, EndOfText: 28}}, "separator 28"},
		"DNA wanted": {protein, PrepareOptions{Vocabulary: v, Reader: sequence.Options{Type: sequence.DNA}}, "want protein"},
		"training": {protein, PrepareOptions{Train: func(context.Context, iter.Seq2[[]byte, int64], int) (Vocabulary, error) {
			return Vocabulary{}, errors.New("too little data")
		}}, "training the tokenizer: too little data"},
	} {
		parent := t.TempDir()
		c.opts.Inputs, c.opts.Out = []string{fasta(t, c.text)}, filepath.Join(parent, "out")
		_, err := Prepare(t.Context(), c.opts)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if entries, _ := os.ReadDir(parent); len(entries) != 0 {
			t.Errorf("%s left behind: %v", name, entries)
		}
	}
	out := filepath.Join(t.TempDir(), "out")
	o := PrepareOptions{Inputs: []string{fasta(t, dna)}, Out: out, Vocabulary: v, Reader: sequence.Options{Type: sequence.Protein}}
	if _, err := Prepare(t.Context(), o); err != nil {
		t.Errorf("insisting: %v", err)
	}
	if _, err := Prepare(t.Context(), o); err == nil || !strings.Contains(err.Error(), "exists already") {
		t.Error(err)
	}
	o.Overwrite = true
	if _, err := Prepare(t.Context(), o); err != nil {
		t.Error(err)
	}
	o.Out = filepath.Join(o.Inputs[0], "below a file")
	if _, err := Prepare(t.Context(), o); err == nil || !strings.Contains(err.Error(), "not a directory") {
		t.Error(err)
	}
	o.Out, o.Inputs = filepath.Join(t.TempDir(), "x"), []string{t.TempDir()}
	if _, err := Prepare(t.Context(), o); err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Error(err)
	}
	o.Inputs = []string{"none.fasta"}
	if _, err := Prepare(t.Context(), o); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func TestCancel(t *testing.T) {
	in := testData(t, "uniref90_sample_8000.fasta.gz")
	ctx, cancel := context.WithCancel(t.Context())
	parent := t.TempDir()
	_, err := Prepare(ctx, PrepareOptions{Inputs: []string{in}, Out: filepath.Join(parent, "out"), Vocabulary: Vocabulary{Tokenizer: letters{}},
		Progress: func(_ string, done, _ int64) {
			if done > 0 {
				cancel()
			}
		}})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if entries, _ := os.ReadDir(parent); len(entries) != 0 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestFileChanges(t *testing.T) {
	in := fasta(t, strings.Repeat(">a\nMKVLAAGIVGLC\n", 100_000))
	changed := false
	_, err := Prepare(t.Context(), PrepareOptions{Inputs: []string{in}, Out: filepath.Join(t.TempDir(), "out"), Vocabulary: Vocabulary{Tokenizer: letters{}},
		Progress: func(phase string, done, _ int64) {
			if phase == "reading" && done > 0 && !changed {
				changed = true
				if err := os.Chtimes(in, time.Time{}, time.Unix(1, 0)); err != nil {
					t.Error(err)
				}
			}
		}})
	if err == nil || !strings.Contains(err.Error(), "changed while it was read") {
		t.Error(err)
	}
}

func TestStandardInput(t *testing.T) {
	old := os.Stdin
	defer func() { os.Stdin = old }()
	f, err := os.Open(fasta(t, ">a\nMKVLAAGIVGLC\n"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	os.Stdin = f
	out := filepath.Join(t.TempDir(), "out")
	var n int64
	s, err := Prepare(t.Context(), PrepareOptions{Out: out, Train: trainLetters(&n)})
	if err != nil || n != 12 || s.File != "standard input" || s.Train.Sequences != 1 {
		t.Fatalf("%+v %v", s, err)
	}
}
