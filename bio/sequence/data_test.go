package sequence

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/biogo/biogo/io/seqio/fasta"
	"github.com/biogo/biogo/seq/linear"
	"github.com/klauspost/compress/gzip"
)

// dataFile finds a file of the shared data folder beside the repository.
func dataFile(t testing.TB, name string) string {
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

func summarise(t *testing.T, path string, opts Options) (Stats, Counts, error) {
	t.Helper()
	opts.CountLetters = true
	r, err := Open(path, opts)
	if err != nil {
		return Stats{}, Counts{}, err
	}
	defer r.Close()
	var s Stats
	for rec, err := range r.All() {
		if err != nil {
			return s, r.Counts(), err
		}
		s.Add(len(rec.Residues))
	}
	return s, r.Counts(), nil
}

func TestRealFiles(t *testing.T) {
	for _, c := range []struct {
		file     string
		opts     Options
		num, sum int64
		min, max int64
		typ      Type
		err      string
	}{
		{file: "uniprot_mmseqs_db_10000.fasta.gz", num: 10000, sum: 4553755, min: 7, max: 7677, typ: Protein},
		{file: "uniref90_sample_8000.fasta.gz", num: 8000, sum: 2676892, min: 13, max: 8001, typ: Protein},
		{file: "P62593_blat_ecolx_variants_open.fasta.gz", num: 4288, sum: 1226368, min: 286, max: 286, typ: Protein},
		{file: "esm_some_proteins.fasta", num: 15, sum: 5115, min: 71, max: 935, typ: Protein},
		{file: "1xcr_1_A.a3m.gz", err: "is no residue; give unaligned"},
		{file: "UniRef50_E9K9Y4.a3m.gz", opts: Options{Gaps: RemoveGaps}, num: -1},
		{file: "odd_fasta/aster.pro", num: 1, sum: 107, min: 107, max: 107, typ: Protein},
		{file: "odd_fasta/aster_no_wrap.pro", num: 1, sum: 107, min: 107, max: 107, typ: Protein},
		{file: "odd_fasta/aster_pearson.pro", err: ":1: column 1: text before the first header: \"Some header\""},
		{file: "odd_fasta/dups.fasta", num: 5, sum: 24, min: 4, max: 5, typ: DNA},
		{file: "odd_fasta/dups.fasta", opts: Options{Duplicates: DuplicateError}, err: ":10: record alpha: an earlier record"},
		{file: "odd_fasta/f002", num: 3, sum: 1517, min: 413, max: 633, typ: DNA},
		{file: "odd_fasta/pyfaidx_issue_83.fasta", num: 2, sum: 179, min: 60, max: 119, typ: DNA},
		{file: "odd_fasta/pyfaidx_genes.fasta.lower.gz", num: 20, sum: 69469, min: 481, max: 5523, typ: DNA},
		{file: "odd_fasta/bionemo_bad_index.fasta", num: 5, sum: 125, min: 1, max: 84, typ: DNA},
		{file: "odd_fasta/seqkit_blank.fx"},
		{file: "globins4.sto", err: "text before the first header: \"# STOCKHOLM 1.0\""},
	} {
		s, n, err := summarise(t, dataFile(t, c.file), c.opts)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: %v, want %s", c.file, err, c.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.file, err)
			continue
		}
		if c.num < 0 {
			if s.Num != 17 || n.Gaps != 353 || n.LowerCase != 131 {
				t.Errorf("%s: %+v", c.file, n)
			}
			continue
		}
		if s.Num != c.num || s.Sum != c.sum || s.Min != c.min || s.Max != c.max || GuessType(&n.Letters) != c.typ {
			t.Errorf("%s: %+v of %v", c.file, s, GuessType(&n.Letters))
		}
	}
}

func TestAsterForms(t *testing.T) {
	whole, _, err := read(t, open(t, dataFile(t, "odd_fasta/aster.pro")), Options{})
	if err != nil {
		t.Fatal(err)
	}
	pearson, err := os.ReadFile(dataFile(t, "odd_fasta/aster_pearson.pro"))
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := bytes.Cut(pearson, []byte("\n"))
	for _, src := range []io.Reader{open(t, dataFile(t, "odd_fasta/aster_no_wrap.pro")), bytes.NewReader(body)} {
		got, _, err := read(t, src, Options{})
		if err != nil || len(got) != 1 || got[0] != whole[0] {
			t.Errorf("%q %v, want %q", got, err, whole)
		}
	}
}

func open(t *testing.T, path string) *os.File {
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// biogo's reader is the second opinion on clean files.
func TestAgreesWithBiogo(t *testing.T) {
	path := dataFile(t, "uniprot_mmseqs_db_10000.fasta.gz")
	z, err := gzip.NewReader(open(t, path))
	if err != nil {
		t.Fatal(err)
	}
	other := fasta.NewReader(z, linear.NewSeq("", nil, Protein.Alphabet()))
	r, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for rec, err := range r.All() {
		if err != nil {
			t.Fatal(err)
		}
		s, err := other.Read()
		if err != nil {
			t.Fatal(err)
		}
		l := s.(*linear.Seq)
		if l.ID != rec.ID || strings.TrimSpace(l.Desc) != rec.Description || l.Seq.String() != string(rec.Residues) {
			t.Fatalf("line %d: %s and %s", rec.Line, l.ID, rec.ID)
		}
	}
	if _, err := other.Read(); err != io.EOF {
		t.Errorf("biogo has more records: %v", err)
	}
}

func BenchmarkReader(b *testing.B) {
	f, err := os.Open(dataFile(b, "uniref90_sample_8000.fasta.gz"))
	if err != nil {
		b.Fatal(err)
	}
	z, _ := gzip.NewReader(f)
	data, err := io.ReadAll(z)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		r, _ := NewReader(bytes.NewReader(data), "b", Options{})
		for _, err := range r.All() {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkReaderGzip(b *testing.B) {
	data, err := os.ReadFile(dataFile(b, "uniref90_sample_8000.fasta.gz"))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(2876893)
	for b.Loop() {
		r, _ := NewReader(bytes.NewReader(data), "b", Options{})
		for _, err := range r.All() {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}
