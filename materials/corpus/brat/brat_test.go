package brat

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/materials/corpus"
)

func ExampleParse() {
	d, err := Parse([]byte("The powder of BaTiO₃ was milled."), []byte(
		"T1\tMaterial 14 20\tBaTiO₃\n"+
			"T2\tOperation 25 31\tmilled\n"+
			"E1\tOperation:T2 Participant_Material:T1\n"), "paper", Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range d.Relations {
		head, tail := d.Entities[r.Head].Hull(), d.Entities[r.Tail].Hull()
		fmt.Println(d.Text[head.Start:head.End], r.Label, d.Text[tail.Start:tail.End])
	}
	// Output: milled Participant_Material BaTiO₃
}

func TestParse(t *testing.T) {
	const text = "Xμ𝛽 ab\r\ncd efgh"
	const ann = "T1\tL 1 3\tμ𝛽\n" +
		"T2\tM 4 6;8 10\tab cd\r\n" +
		"T3\tM 11 15\tefgh\n" +
		"R1\tOf Arg1:E1 Arg2:T2\t\n" +
		"E1\tL:T1 Role:T2 Role2:E2\n" +
		"E2\tM:T3 \n" +
		"A1\tStart E1\n" +
		"M1\tDegree T2 high\n" +
		"N1\tReference T1 Formula:x\tBe\n" +
		"#1\tAnnotatorNotes T2\tunsure\n" +
		"*\tAlias T1 T2 T3\n"
	d, err := Parse([]byte(text), []byte(ann), "dir/x", Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := []corpus.Entity{
		{ID: "T1", Label: "L", Spans: []corpus.Span{{Start: 1, End: 7}}, Normalized: "Be"},
		{ID: "T2", Label: "M", Spans: []corpus.Span{{Start: 8, End: 10}, {Start: 12, End: 14}}},
		{ID: "T3", Label: "M", Spans: []corpus.Span{{Start: 15, End: 19}}},
	}
	if d.ID != "x" || !reflect.DeepEqual(d.Entities, want) {
		t.Errorf("%+v", d.Entities)
	}
	if got := fmt.Sprint(d.Relations); got != "[{R1 Of 0 1 0} {E1 Role 0 1 0} {E1 Role 0 2 0} {* Alias 0 1 0} {* Alias 0 2 0}]" {
		t.Error(got)
	}
	if got := fmt.Sprint(d.Attributes, d.Notes); got != "[{A1 Start E1 } {M1 Degree T2 high}] [{#1 AnnotatorNotes T2 unsure}]" {
		t.Error(got)
	}
}

func TestRefused(t *testing.T) {
	const text = "abc def"
	for ann, want := range map[string]string{
		"T1\tL 0 3\tabx":                   `x.ann:1: T1 says "abx", the text has "abc" there; ` + textRemedy,
		"\nT1\tL 4 9\tdef":                 "x.ann:2: T1 at 4 to 9 leaves the text, which has 7 characters; " + textRemedy,
		"T1\tL -1 2\tab":                   "x.ann:1: T1 at -1 to 2 leaves the text, which has 7 characters; " + textRemedy,
		"T1\tL 3 3\t":                      `x.ann:1: T1 at "3 3" is empty, or its fragments overlap; fragments ascend and have characters`,
		"T1\tL 4 7;0 3\tdef abc":           `x.ann:1: T1 at "4 7;0 3" is empty, or its fragments overlap; fragments ascend and have characters`,
		"T1\tL x 3\tabc":                   `x.ann:1: "L x 3" is no label with places; write Label 0 5, or Label 0 5;16 23`,
		"T1\tL 0 3":                        "x.ann:1: the entity T1 has no text; an entity is T1, a tab, Label 0 5, a tab, and its text",
		"junk":                             `x.ann:1: "junk" is no annotation; a line is an ID such as T1, a tab, and what it says`,
		"T1\tL 0 3\tabc\nT1\tL 4 7\tdef":   "x.ann:2: T1 again, after line 1; give it a number of its own",
		"T1\tL 0 3\tabc\nT2\tL 2 7\tc def": "x.ann:2: T2 overlaps T1 of line 1; keep one of them",
		"T2\tL 2 7\tc def\nT1\tL 0 3\tabc": "x.ann:2: T1 overlaps T2 of line 1; keep one of them",
		"R1\tOf Arg1:T1 Arg2:T2":           `x.ann:1: "Arg1:T1" of the relation R1 is no entity or event; a relation is R1, a tab, and Type Arg1:T1 Arg2:T2`,
		"T1\tL 0 3\tabc\nR1\tOf Arg1:T1":   "x.ann:2: the relation R1 has 1 ends; a relation is R1, a tab, and Type Arg1:T1 Arg2:T2",
		"E1\tL:T1":                         `x.ann:1: the event E1 has the trigger "T1", which is no entity; name the T of its trigger`,
		"E1\tL":                            "x.ann:1: the event E1 has no trigger; an event is E1, a tab, and Type:T1 Role:T2",
		"T1\tL 0 3\tabc\nE1\tL:T1 Role:T7": `x.ann:2: "Role:T7" of the event E1 is no entity; a role is Role:T2`,
		"A1\tStart E1":                     `x.ann:1: A1 is about "E1", which is not there; name an annotation of the file`,
		"A1\tStart":                        "x.ann:1: A1 is about nothing; name what it is about",
		"*\tEquiv T1":                      `x.ann:1: "T1" is no entity; name entities`,
		"T1" + strings.Repeat("1", 64) + "\tL 0 3\tabc": `x.ann:1: "T1` + strings.Repeat("1", 58) + `" is no annotation; a line is an ID such as T1, a tab, and what it says`,
		"T1\x1b\tL 0 3\tabc":                            `x.ann:1: "T1\x1b\tL 0 3\tabc" is no annotation; a line is an ID such as T1, a tab, and what it says`,
		"T1\tL\x00 0 3\tabc":                            `x.ann:1: "T1\tL\x00 0 3\tabc" is no annotation; a line is an ID such as T1, a tab, and what it says`,
		"T1\t" + strings.Repeat("L", 201) + " 0 3\tabc": `x.ann:1: "` + strings.Repeat("L", 60) + `" is no label with places; write Label 0 5, or Label 0 5;16 23`,
		"T1\tL 0 3\t" + strings.Repeat("x", 1000):       `x.ann:1: T1 says "` + strings.Repeat("x", 60) + `", the text has "abc" there; ` + textRemedy,
		"R1\t ":                                   "x.ann:1: R1 says nothing; mend or remove the line",
		"T1\tL 0 3\tabc\xff":                      "x.ann:1: not UTF-8; convert it, for instance by iconv -f WINDOWS-1252 -t UTF-8",
		"T1\tL 0 99999999999999999999\tabc":       `x.ann:1: "L 0 99999999999999999999" is no label with places; write Label 0 5, or Label 0 5;16 23`,
		"T1\tL 0 9223372036854775807\tabc def gh": "x.ann:1: T1 at 0 to 9223372036854775807 leaves the text, which has 7 characters; " + textRemedy,
	} {
		_, err := Parse([]byte(text), []byte(ann), "x", Options{})
		var e *corpus.Error
		if !errors.As(err, &e) || err.Error() != want {
			t.Errorf("%q:\n got %v\nwant %s", ann, err, want)
		}
		if strings.Contains(ann, "\xff") {
			continue
		}
		d, err := Parse([]byte(text), []byte(ann), "x", Options{Skip: true, Overlaps: KeepOverlaps})
		if err != nil || len(d.Warnings) == 0 && !strings.Contains(want, "overlaps T") {
			t.Errorf("%q: skipped: %v", ann, err)
		}
	}
	if _, err := Parse([]byte("a\n\xb5"), nil, "x", Options{}); err == nil || !strings.HasPrefix(err.Error(), "x.txt:2: not UTF-8") {
		t.Error(err)
	}
}

func TestRoundTrip(t *testing.T) {
	a := &corpus.Annotated{Document: corpus.Document{ID: "a", Text: "Xμ𝛽 two\r\nlines é́ end"}}
	at := strings.Index(a.Text, "two")
	a.Entities = []corpus.Entity{
		{Label: "A b", Spans: []corpus.Span{{Start: 1, End: 7}}, Normalized: "Be O", Score: 0.5},
		{Label: "B", Spans: []corpus.Span{{Start: at, End: at + len("two\r\nlines")}}},
	}
	a.Relations = []corpus.Relation{{Label: "of", Head: 1, Tail: 0}}
	name := filepath.Join(t.TempDir(), "a")
	if err := Save(name, a); err != nil {
		t.Fatal(err)
	}
	d, err := Open(name, Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := "[{T1 A_b [{1 7}] 0 Be O} {T2 B [{8 11} {13 18}] 0 }] [{R1 of 1 0 0}] [{#1 AnnotatorNotes T1 score 0.5000}]"
	if got := fmt.Sprint(d.Entities, d.Relations, d.Notes); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestSyntheses reads all of the annotated syntheses: every surface must be the
// text's.
func TestSyntheses(t *testing.T) {
	for part, want := range map[string][3]int{
		"train": {150, 14848, 12333},
		"dev":   {30, 2449, 2287},
	} {
		dir := unpack(t, "mspt_"+part+".tar.gz")
		docs, entities, relations, attributes, overlapping, tags := 0, 0, 0, 0, 0, corpus.Tagging{}
		for d, err := range Folder(dir, Options{Overlaps: KeepOverlaps}) {
			if err != nil {
				t.Fatal(err)
			}
			docs++
			entities += len(d.Entities)
			relations += len(d.Relations)
			attributes += len(d.Attributes)
			_, n := d.Tags(corpus.TagOptions{})
			tags.Entities += n.Entities
			tags.Overlaps += n.Overlaps
			tags.Widened += n.Widened
			tags.Crossing += n.Crossing
			tags.Fragmented += n.Fragmented
			if n.Entities+n.Overlaps+n.Inside+n.Crossing+n.Wordless != len(d.Entities) {
				t.Errorf("%s: %+v of %d entities", d.ID, n, len(d.Entities))
			}
		}
		for _, err := range Folder(dir, Options{}) {
			var e *corpus.Error
			if err != nil && errors.As(err, &e) && strings.Contains(e.What, "overlaps") && e.Line > 0 {
				overlapping++
			} else if err != nil {
				t.Error(err)
			}
		}
		t.Logf("%s: %d documents, %d entities, %d relations, %d attributes; %d documents with overlaps; tags %+v", part, docs, entities, relations, attributes, overlapping, tags)
		if got := [3]int{docs, entities, relations}; got != want || float64(tags.Entities) < 0.99*float64(entities) {
			t.Errorf("%s: %v, want %v, of which tags have %d", part, got, want, tags.Entities)
		}
	}
}

func unpack(t *testing.T, name string) string {
	t.Helper()
	f, err := os.Open(filepath.Join("../../../../shared/data/materials", name))
	if err != nil {
		t.Skipf("needs the shared data: %v", err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return dir
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(h.Name)), b, 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("Xμ𝛽 ab\r\ncd", "T1\tL 1 3\tμ𝛽\nT2\tM 4 6;8 10\tab cd\nE1\tL:T1 R:T2\nR1\tOf Arg1:E1 Arg2:T2\n*\tE T1 T2\n", true)
	f.Add("abc def", "T1\tL 0 3\tabc\nT2\tL 2 7\tc def\nA1\tx T1\nN1\tReference T1 a:b\tz\n#1\tNote T1\tx", false)
	f.Fuzz(func(t *testing.T, text, ann string, skip bool) {
		d, err := Parse([]byte(text), []byte(ann), "x", Options{Skip: skip, Overlaps: Overlaps(len(ann) % 4)})
		if err != nil {
			var e *corpus.Error
			if !errors.As(err, &e) || d != nil {
				t.Fatalf("%T %v", err, err)
			}
			return
		}
		for _, e := range d.Entities {
			last := 0
			for _, s := range e.Spans {
				if s.Start < last || s.Start >= s.End || s.End > len(d.Text) || e.Label == "" {
					t.Fatalf("%+v of %d bytes", e, len(d.Text))
				}
				last = s.End
			}
		}
		for _, r := range d.Relations {
			if min(r.Head, r.Tail) < 0 || max(r.Head, r.Tail) >= len(d.Entities) {
				t.Fatalf("%+v of %d entities", r, len(d.Entities))
			}
		}
		var b bytes.Buffer
		if err := Write(&b, &d.Annotated); err != nil {
			return // an entity of line ends alone
		}
		again, err := Parse([]byte(text), b.Bytes(), "x", Options{Overlaps: KeepOverlaps})
		if err != nil || len(again.Entities) != len(d.Entities) || len(again.Relations) != len(d.Relations) {
			t.Fatalf("%v\n%s", err, b.Bytes())
		}
	})
}
