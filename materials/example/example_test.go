package example

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/kiban-models/kiban/materials/corpus"
)

func abstracts(t *testing.T) []Abstract {
	t.Helper()
	all, err := Abstracts()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestAbstracts(t *testing.T) {
	all := abstracts(t)
	seen, ids := map[string]string{}, map[string]bool{}
	count, splits := map[string]map[string]int{}, map[string]int{}
	sentences := 0
	for _, a := range all {
		if ids[a.ID] {
			t.Errorf("two abstracts are %s", a.ID)
		}
		ids[a.ID] = true
		if !slices.Contains(Splits, a.Split) || !strings.HasPrefix(a.ID, a.Topic+"-") {
			t.Errorf("%s: split %q, topic %q", a.ID, a.Split, a.Topic)
		}
		splits[a.Split]++
		for _, s := range a.Sentences {
			text := a.Text[s.Start:s.End]
			if other := seen[text]; other != "" {
				t.Errorf("%s and %s have the sentence %q", a.ID, other, text)
			}
			seen[text] = a.ID
			sentences++
		}
		if count[a.Split] == nil {
			count[a.Split] = map[string]int{}
		}
		for _, e := range a.Entities {
			if !slices.Contains(Labels, e.Label) {
				t.Errorf("%s: unknown label %s", a.ID, e.Label)
			}
			count[a.Split][e.Label]++
		}
		if strings.ContainsAny(a.Text, "{}") || !utf8.ValidString(a.Text) {
			t.Errorf("%s: marks are left in %q", a.ID, a.Text)
		}
	}
	if len(all) < 40 || sentences < 300 {
		t.Errorf("%d abstracts with %d sentences, want 40 and 300", len(all), sentences)
	}
	least := map[string]int{"train": 50, "dev": 5, "test": 15}
	for split, n := range least {
		for _, l := range Labels {
			if count[split][l] < n {
				t.Errorf("%s has %d entities of %s, want %d", split, count[split][l], l, n)
			}
		}
	}
	t.Logf("%d sentences in %v abstracts, entities %v", sentences, splits, count)
}

// TestConsistent holds the set to its rule 8: the same words take the same
// label, and what is marked once is not left out elsewhere.
func TestConsistent(t *testing.T) {
	label := map[string]string{}
	for _, a := range abstracts(t) {
		for _, e := range a.Entities {
			s := strings.ToLower(a.Text[e.Spans[0].Start:e.Spans[0].End])
			if before := label[s]; before != "" && before != e.Label {
				t.Errorf("%s: %q is %s here and %s elsewhere", a.ID, s, e.Label, before)
			}
			label[s] = e.Label
		}
	}
	// Participles that are verbs here and adjectives there (rule 5).
	verbs := []string{"coated", "sintered", "shells"}
	for _, a := range abstracts(t) {
		bare := []byte(strings.ToLower(a.Text))
		for _, e := range a.Entities {
			copy(bare[e.Spans[0].Start:e.Spans[0].End], bytes.Repeat([]byte{0}, len(bare)))
		}
		for _, w := range corpus.Words(string(bare)) {
			s := string(bare[w.Start:w.End])
			if len(s) > 1 && label[s] != "" && !slices.Contains(verbs, s) {
				t.Errorf("%s: %q is not marked here, and %s elsewhere", a.ID, s, label[s])
			}
		}
	}
}

// TestTagged reads the CoNLL form back and compares it with the marks.
func TestTagged(t *testing.T) {
	all := abstracts(t)
	for _, split := range Splits {
		b, err := CoNLL(all, split)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for s, err := range corpus.ReadCoNLL(bytes.NewReader(b), split, corpus.CoNLLOptions{}) {
			if err != nil {
				t.Fatal(err)
			}
			surface, label := "", ""
			flush := func() {
				if label != "" {
					got = append(got, s.Doc+" "+label+" "+surface)
				}
				surface, label = "", ""
			}
			for i, w := range s.Words {
				p, l, _ := strings.Cut(s.Tags[i], "-")
				if p != "I" {
					flush()
				}
				if p != "O" {
					surface, label = surface+w, l
				}
			}
			flush()
		}
		var want []string
		for _, a := range all {
			if a.Split == split {
				for _, e := range a.Entities {
					s := strings.ReplaceAll(a.Text[e.Spans[0].Start:e.Spans[0].End], " ", "")
					want = append(want, a.ID+" "+e.Label+" "+s)
				}
			}
		}
		if !slices.Equal(got, want) {
			for i := range min(len(got), len(want)) {
				if got[i] != want[i] {
					t.Fatalf("%s: entity %d is %q, want %q", split, i, got[i], want[i])
				}
			}
			t.Errorf("%s: %d entities, want %d", split, len(got), len(want))
		}
	}
}

// TestSentences looks whether the text is cut where it was written.
func TestSentences(t *testing.T) {
	wrong, n := 0, 0
	for _, a := range abstracts(t) {
		got := corpus.Sentences(a.Text)
		for _, s := range a.Sentences {
			n++
			if !slices.Contains(got, s) {
				wrong++
				t.Logf("%s: not found: %q", a.ID, a.Text[s.Start:s.End])
			}
		}
	}
	if wrong > n/100 {
		t.Errorf("%d of %d sentences were not found", wrong, n)
	}
}

func TestWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "example")
	if err := Write(dir); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, a := range abstracts(t) {
		text, err := os.ReadFile(filepath.Join(dir, "brat", a.ID+".txt"))
		if err != nil {
			t.Fatal(err)
		}
		ann, err := os.ReadFile(filepath.Join(dir, "brat", a.ID+".ann"))
		if err != nil {
			t.Fatal(err)
		}
		points := []rune(string(text))
		for _, line := range strings.Split(strings.TrimSuffix(string(ann), "\n"), "\n") {
			f := strings.Split(line, "\t")
			var label string
			var start, end int
			if _, err := fmt.Sscanf(f[1], "%s %d %d", &label, &start, &end); err != nil {
				t.Fatal(err)
			}
			if got := string(points[start:end]); got != f[2] {
				t.Errorf("%s: %s: the text has %q", a.ID, line, got)
			}
			n++
		}
	}
	docs, err := os.ReadDir(filepath.Join(dir, "documents"))
	if err != nil || len(docs) < 12 {
		t.Errorf("%d documents, %v", len(docs), err)
	}
	// What is to be found must not be learnt by heart.
	for _, d := range docs {
		b, err := os.ReadFile(filepath.Join(dir, "documents", d.Name()))
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range abstracts(t) {
			for _, s := range a.Sentences {
				if bytes.Contains(b, []byte(a.Text[s.Start:s.End])) {
					t.Errorf("%s has a sentence of %s", d.Name(), a.ID)
				}
			}
		}
	}
	t.Logf("%d entities, %d documents", n, len(docs))
}

// TestDocuments reads the documents as the verbs do.
func TestDocuments(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "example")
	if err := Write(dir); err != nil {
		t.Fatal(err)
	}
	_, err := exec.LookPath("pdftotext")
	pdf := err == nil
	n := 0
	for d, err := range corpus.Files([]string{filepath.Join(dir, "documents")}, corpus.Options{}) {
		if err != nil {
			if strings.Contains(err.Error(), ".pdf") && !pdf {
				t.Logf("no pdftotext: %v", err)
				n++
				continue
			}
			t.Fatal(err)
		}
		n++
		if s := corpus.Sentences(d.Text); len(s) < 4 || len(d.Text) < 200 {
			t.Errorf("%s: %d sentences in %q", d.Source, len(s), d.Text)
		}
	}
	if n != 16 {
		t.Errorf("%d documents, want 16", n)
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"x":                      "annotated.txt:1: a sentence before",
		"== a train":             "wanted an id",
		"== a train b\n{MAT x":   "annotated.txt:2: the mark",
		"== a train b\n{MAT}":    "not of the form",
		"== a train b\nx {y} z.": "not of the form",
	} {
		if _, err := parse("annotated.txt", text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	all, err := parse("a", "== a train b\nLi{MAT Fe}PO4")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := all[0].Tagged(); err == nil {
		t.Error("a mark within a word was taken")
	}
}

func ExampleAbstracts() {
	all, err := Abstracts()
	if err != nil {
		fmt.Println(err)
		return
	}
	a := all[0]
	fmt.Println(a.Title)
	for _, e := range a.Entities[:4] {
		fmt.Println(e.Label, a.Text[e.Spans[0].Start:e.Spans[0].End])
	}
	// Output:
	// Carbon-coated LiFePO4 cathodes with high rate capability
	// MAT Carbon
	// DSC coated
	// MAT LiFePO4
	// APL cathodes
}
