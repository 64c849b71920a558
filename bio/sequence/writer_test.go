package sequence

import (
	"bytes"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/packed"
)

func ExampleReader() {
	text := ">UniRef50_P62593 Beta-lactamase n=12 Tax=Bacteria TaxID=2 RepID=BLAT_ECOLX\nMSIQHF\nrvalip*\n"
	r, err := NewReader(strings.NewReader(text), "example.fasta", Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for rec, err := range r.All() {
		if err != nil {
			fmt.Println(err)
			return
		}
		h := rec.Header()
		fmt.Printf("%s %q of %s, %d members: %s\n", h.Accession, h.Description, h.Organism, h.ClusterSize, rec.Residues)
	}
	fmt.Println(r.Counts().LowerCase, "residues were in lower case")
	// Output:
	// P62593 "Beta-lactamase" of Bacteria, 12 members: MSIQHFRVALIP
	// 6 residues were in lower case
}

func TestHeader(t *testing.T) {
	for _, c := range []struct {
		id, desc string
		want     Header
	}{
		{"sp|P62593|BLAT_ECOLX", "Beta-lactamase TEM OS=Escherichia coli (strain K=12) OX=562 GN=bla PE=1 SV=1",
			Header{Database: "sp", Accession: "P62593", Name: "BLAT_ECOLX", Description: "Beta-lactamase TEM",
				Organism: "Escherichia coli (strain K=12)", TaxID: 562, Gene: "bla", Evidence: 1, Version: 1}},
		{"tr|W0FSK4|W0FSK4_9FLAV", "Genome polyprotein (Fragment) OS=Dengue virus 3 PE=4 SV=1 Split=0",
			Header{Database: "tr", Accession: "W0FSK4", Name: "W0FSK4_9FLAV", Description: "Genome polyprotein (Fragment)",
				Organism: "Dengue virus 3", Evidence: 4, Version: 1}},
		{"UniRef50_A0A009", "n=2 Tax=Homo sapiens TaxID=9606 RepID=A_HUMAN",
			Header{Database: "UniRef50", Accession: "A0A009", Organism: "Homo sapiens", TaxID: 9606, ClusterSize: 2, RepID: "A_HUMAN"}},
		{"UniRef90_UPI1", "", Header{Database: "UniRef90", Accession: "UPI1"}},
		{"my_1", "OS=x", Header{Accession: "my_1", Description: "OS=x"}},
		{"a|b", "one\x01c two", Header{Accession: "a|b", Description: "one"}},
	} {
		if got := (Record{ID: c.id, Description: c.desc}).Header(); got != c.want {
			t.Errorf("%s %s\n%+v, want\n%+v", c.id, c.desc, got, c.want)
		}
	}
}

func TestWriter(t *testing.T) {
	for width, want := range map[int]string{0: ">a b c\nMKVLA\n", 2: ">a b c\nMK\nVL\nA\n", 5: ">a b c\nMKVLA\n"} {
		var b bytes.Buffer
		w := NewWriter(&b, width)
		if err := w.Write(Record{ID: "a", Description: "b c", Residues: []byte("MKVLA")}); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil || b.String() != want {
			t.Errorf("width %d: %q %v", width, b.String(), err)
		}
	}
	w := NewWriter(&bytes.Buffer{}, 60)
	for _, r := range []Record{{ID: "a"}, {ID: "a b", Residues: []byte("M")}, {ID: "a", Description: "x\n>y", Residues: []byte("M")}} {
		if err := w.Write(r); err == nil {
			t.Errorf("%+v was written", r)
		}
	}
}

func records(err error) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		_ = yield(Record{ID: "a", Residues: []byte("MKV")}, nil) && err != nil && yield(Record{}, err)
	}
}

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"x.fasta", "x.fasta.gz", "x.fa.zst"} {
		path := filepath.Join(dir, name)
		if err := WriteFile(path, DefaultWidth, records(nil)); err != nil {
			t.Fatal(err)
		}
		s, _, err := summarise(t, path, Options{})
		if err != nil || s.Sum != 3 {
			t.Errorf("%s: %+v %v", name, s, err)
		}
	}
	if b, _ := os.ReadFile(filepath.Join(dir, "x.fasta.gz")); packed.KindOf(b) != "gzip" {
		t.Error(".gz is not gzip")
	}
	path := filepath.Join(dir, "failed.fasta")
	if err := WriteFile(path, DefaultWidth, records(fmt.Errorf("broken"))); err == nil || !strings.Contains(err.Error(), "broken") {
		t.Error(err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("a failed write left a file")
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 3 {
		t.Errorf("%d files, want 3", len(entries))
	}
}
