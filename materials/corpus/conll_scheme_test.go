package corpus

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// schemed writes the same entities in each scheme: X over two words, X behind
// it, Y alone.
var schemed = map[Scheme]string{
	IOB2:  "a B-X\nb I-X\nc B-X\nd O\ne B-Y\n",
	IOB1:  "a I-X\nb I-X\nc B-X\nd O\ne I-Y\n",
	IOE:   "a I-X\nb E-X\nc I-X\nd O\ne I-Y\n",
	IOBES: "a B-X\nb E-X\nc S-X\nd O\ne S-Y\n",
}

func TestSchemes(t *testing.T) {
	for want, text := range schemed {
		scheme, err := DetectScheme(strings.NewReader(text), "f", CoNLLOptions{})
		if err != nil || scheme != want {
			t.Errorf("%q is %v, %v; want %v", text, scheme, err, want)
		}
		for s, err := range ReadCoNLL(strings.NewReader(text), "f", CoNLLOptions{Scheme: scheme}) {
			if got := strings.Join(s.Tags, " "); err != nil || got != "B-X I-X B-X O B-Y" {
				t.Errorf("%v: %q, %v", want, got, err)
			}
		}
	}
	// One mistake does not make IOB1 of a file.
	if s, err := DetectScheme(strings.NewReader(schemed[IOB2]+"\nf I-X\n"), "f", CoNLLOptions{}); err != nil || s != IOB2 {
		t.Error(s, err)
	}
	if _, err := DetectScheme(strings.NewReader("a\n"), "f", CoNLLOptions{}); err == nil {
		t.Error("no error")
	}
}

func ExampleWriteCoNLL() {
	err := WriteCoNLL(os.Stdout, []Tagged{{Doc: "a paper", Words: []string{"ZnO", "films"}, Tags: []string{"B-MAT", "B-DSC"}}})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// -DOCSTART- (a_paper)
	//
	// ZnO	B-MAT
	// films	B-DSC
}

// TestRealColumns reads Matscholar and SOFC-Exp, writes them and reads them
// again. Matscholar has lines with an empty tag.
func TestRealColumns(t *testing.T) {
	for _, c := range []struct {
		name          string
		column, words int
		wrong         string // the first error, unless it is repaired
	}{
		{"matscholar_train", 0, 110541, "matscholar_train:12059: 3 columns"},
		{"matscholar_dev", 0, 12745, "matscholar_dev:287: "},
		{"sofc_exp_train", 2, 22167, ""},
		{"sofc_exp_dev", 3, 5338, ""},
	} {
		f, err := os.Open(filepath.Join(sharedData, c.name+".conll.gz"))
		if err != nil {
			t.Skipf("needs the shared data: %v", err)
		}
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
		o := CoNLLOptions{Column: c.column, EmptyTag: "O", Repair: true}
		if scheme, err := DetectScheme(bytes.NewReader(data), c.name, o); err != nil || scheme != IOB2 {
			t.Errorf("%s: %v, %v", c.name, scheme, err)
		}
		o.EmptyTag, o.Repair = "", false
		for _, err := range ReadCoNLL(bytes.NewReader(data), c.name, o) {
			if err != nil && (c.wrong == "" || !strings.HasPrefix(err.Error(), c.wrong)) {
				t.Error(err)
			}
		}
		o.EmptyTag, o.Repair = "O", true
		var all []Tagged
		words := 0
		for s, err := range ReadCoNLL(bytes.NewReader(data), c.name, o) {
			if err != nil {
				t.Fatal(err)
			}
			s.Line = 0
			all, words = append(all, s), words+len(s.Words)
		}
		var b bytes.Buffer
		if err := WriteCoNLL(&b, all); err != nil {
			t.Fatal(err)
		}
		var again []Tagged
		for s, err := range ReadCoNLL(&b, c.name, CoNLLOptions{}) {
			if err != nil {
				t.Fatal(err)
			}
			s.Line = 0
			again = append(again, s)
		}
		t.Logf("%s: %d sentences, %d words", c.name, len(all), words)
		if words != c.words || !reflect.DeepEqual(all, again) {
			t.Errorf("%s: %d words, want %d; %d sentences come back as %d", c.name, words, c.words, len(all), len(again))
		}
	}
}

func FuzzCoNLL(f *testing.F) {
	for _, text := range schemed {
		f.Add(text, byte(0))
	}
	f.Add("-DOCSTART- (x)\n\na\tO\tB-X\nb\tO\t\n", byte(7))
	f.Fuzz(func(t *testing.T, text string, k byte) {
		o := CoNLLOptions{Column: int(k % 4), Repair: k&4 != 0, Scheme: []Scheme{"", IOB1, IOE, IOBES}[k>>3&3], Comments: k&32 != 0}
		if k&64 != 0 {
			o.EmptyTag = "O"
		}
		var all []Tagged
		for s, err := range ReadCoNLL(strings.NewReader(text), "f", o) {
			if err != nil {
				break
			}
			if len(s.Words) == 0 || len(s.Words) != len(s.Tags) || s.Line < 1 {
				t.Fatalf("%+v", s)
			}
			for i, tag := range s.Tags { // IOB2
				if tag != "O" && (len(tag) < 3 || tag[0] != 'B' && (tag[0] != 'I' || i == 0 || s.Tags[i-1] == "O" || s.Tags[i-1][2:] != tag[2:])) {
					t.Fatalf("%q", s.Tags)
				}
			}
			all = append(all, s)
		}
		if _, err := DetectScheme(strings.NewReader(text), "f", o); err != nil && !strings.HasPrefix(err.Error(), "f:") {
			t.Fatal(err)
		}
		if err := WriteCoNLL(io.Discard, all); err != nil && !strings.Contains(err.Error(), "cannot stand") {
			t.Fatal(err)
		}
	})
}
