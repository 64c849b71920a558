package corpus

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

func ExampleAnnotated_Tags() {
	a := Annotated{Document: Document{ID: "1", Text: "We made BaTiO3 films. They are thin."}}
	a.Entities = []Entity{{Label: "MAT", Spans: []Span{{8, 14}}}, {Label: "DSC", Spans: []Span{{15, 20}}}}
	sentences, n := a.Tags(TagOptions{})
	for _, s := range sentences {
		fmt.Println(s.Words, s.Tags)
	}
	fmt.Println(n.Entities)
	// Output:
	// [We made BaTiO3 films .] [O O B-MAT B-DSC O]
	// [They are thin .] [O O O O]
	// 2
}

func TestTags(t *testing.T) {
	text := "Zn doped TiO2-x films. Ti was high."
	at := func(s string) Span { i := strings.Index(text, s); return Span{i, i + len(s)} }
	for _, c := range []struct {
		entities []Entity
		opt      TagOptions
		want     string
		n        Tagging
	}{
		{[]Entity{{Label: "A", Spans: []Span{at("Zn doped")}}, {Label: "B", Spans: []Span{at("Zn")}}}, TagOptions{}, "B-A I-A O O O", Tagging{Entities: 1, Overlaps: 1}},
		{[]Entity{{Label: "A", Spans: []Span{at("Zn doped")}}, {Label: "B", Spans: []Span{at("doped TiO2-x")}}}, TagOptions{Overlap: Longest}, "O B-B I-B O O", Tagging{Entities: 1, Overlaps: 1}},
		{[]Entity{{Label: "A", Spans: []Span{at("TiO2")}}}, TagOptions{}, "O O B-A O O", Tagging{Entities: 1, Widened: 1}},
		{[]Entity{{Label: "A", Spans: []Span{at("TiO2")}}}, TagOptions{DropInside: true}, "O O O O O", Tagging{Inside: 1}},
		{[]Entity{{Label: "A", Spans: []Span{at("Ti")}}, {Label: "B", Spans: []Span{at("O2-x")}}}, TagOptions{}, "O O B-A O O", Tagging{Entities: 1, Widened: 1, Overlaps: 1}},
		{[]Entity{{Label: "A", Spans: []Span{at("films. Ti")}}}, TagOptions{}, "O O O O O", Tagging{Crossing: 1}},
		{[]Entity{{Label: "A", Spans: []Span{at("Zn"), at("films")}}}, TagOptions{}, "B-A I-A I-A I-A O", Tagging{Entities: 1, Fragmented: 1}},
		{[]Entity{{Label: "A", Spans: []Span{at(" ")}}}, TagOptions{}, "O O O O O", Tagging{Wordless: 1}},
	} {
		a := Annotated{Document: Document{Text: text}, Entities: c.entities}
		got, n := a.Tags(c.opt)
		if len(got) != 2 || strings.Join(got[0].Tags, " ") != c.want || n != c.n {
			t.Errorf("%+v: got %q %+v, want %q %+v", c.entities, got[0].Tags, n, c.want, c.n)
		}
		if len(a.Entities) != len(c.entities) {
			t.Error("the document changed")
		}
	}
}

// What fits into tags comes back from them.
func TestEntitiesOf(t *testing.T) {
	text := "We made BaTiO3 and ZnO thin films."
	words := Words(text)
	tags := strings.Fields("O O B-M O B-M B-D I-D O")
	entities := EntitiesOf(words, tags)
	a := Annotated{Document: Document{Text: text}, Entities: entities}
	got, n := a.Tags(TagOptions{})
	if len(entities) != 3 || n.Entities != 3 || strings.Join(got[0].Tags, " ") != strings.Join(tags, " ") {
		t.Errorf("%v %v %+v", entities, got, n)
	}
	if e := EntitiesOf(words[:3], []string{"I-A", "I-B", "I-B"}); len(e) != 2 || e[1].Spans[0].End != words[2].End {
		t.Errorf("%v", e)
	}
}

func TestResolve(t *testing.T) {
	make := func() *Annotated {
		return &Annotated{
			Document:  Document{Text: strings.Repeat("x", 40)},
			Entities:  []Entity{{ID: "a", Spans: []Span{{0, 5}}}, {ID: "b", Spans: []Span{{3, 12}}}, {ID: "c", Spans: []Span{{4, 6}}}, {ID: "d", Spans: []Span{{12, 14}}}, {ID: "e", Spans: []Span{{10, 11}, {13, 30}}}},
			Relations: []Relation{{Label: "r", Head: 0, Tail: 3}, {Label: "s", Head: 1, Tail: 3}, {Label: "t", Head: 4, Tail: 0}},
		}
	}
	for o, want := range map[Overlap]string{Outermost: "a e[{t 1 0}]", Longest: "a e[{t 1 0}]", KeepOverlaps: "a b c d e[{r 0 3} {s 1 3} {t 4 0}]"} {
		a := make()
		dropped := a.Resolve(o)
		var ids, relations []string
		for _, e := range a.Entities {
			ids = append(ids, e.ID)
		}
		for _, r := range a.Relations {
			relations = append(relations, fmt.Sprintf("{%s %d %d}", r.Label, r.Head, r.Tail))
		}
		if got := fmt.Sprintf("%s[%s]", strings.Join(ids, " "), strings.Join(relations, " ")); got != want || dropped != 5-len(ids) {
			t.Errorf("%v: %s, want %s", o, got, want)
		}
		if p, err := ParseOverlap(o.String()); err != nil || p != o {
			t.Error(p, err)
		}
	}
}

func TestLists(t *testing.T) {
	const in = `{"id":"p","text":"Xμ𝛽 film","spans":[{"start":1,"end":3,"label":"M"},{"start":4,"end":8,"label":"D"}],"answer":"accept","relations":[{"head":0,"child":1,"head_span":{"start":1,"end":3},"child_span":{"start":4,"end":8},"label":"r"}]}
{"text":"x","spans":[],"answer":"reject"}
{"text":"x","answer":"ignore"}
{"text":"ZnO film","entities":[[0,3,"M"]]}
{"id":"k","text":"ZnO film","entities":[{"start":0,"end":3,"text":"ZnO","label":"M","score":0.5,"normalized":"ZnO"},{"start":4,"end":8,"label":"D"}],"relations":[{"head":1,"tail":0,"label":"of","score":0.25}]}
{"text":"ab","spans":[{"start":1,"end":3,"label":"M"}]}
{"text":"ab","spans":[{"start":0,"end":1,"label":"M","text":"b"}]}
{"text":"ab","spans":[{"start":0,"end":1}]}
{"text":"ab","entities":[[0,1]]}
{"text":"ab","spans":[],"relations":[{"head":0,"tail":1,"label":"x"}]}
{"spans":[]}
`
	var n ListCounts
	var got, errs []string
	var docs []Annotated
	for a, err := range ReadLists(strings.NewReader(in), "a.jsonl", Options{}, &n) {
		if err != nil {
			errs = append(errs, err.Error())
			continue
		}
		docs = append(docs, a)
		got = append(got, fmt.Sprint(a.ID, a.Entities, a.Relations))
	}
	want := `p[{ M [{1 7}] 0 } { D [{8 12}] 0 }] [{ r 0 1 0}]
a-4[{ M [{0 3}] 0 }] []
k[{ M [{0 3}] 0.5 ZnO} { D [{4 8}] 0 }] [{ of 1 0 0.25}]`
	if strings.Join(got, "\n") != want || n != (ListCounts{Rejected: 1, Ignored: 1}) {
		t.Errorf("got %s %+v", strings.Join(got, "\n"), n)
	}
	for i, want := range []string{"a.jsonl:6: document \"a-6\": spans 1: 1 to 3 leaves the text, which has 2 characters", "a.jsonl:7: document \"a-7\": spans 1: it says \"b\", the text at 0 to 1 is \"a\"",
		"a.jsonl:8: document \"a-8\": spans 1 has no label", "a.jsonl:9: document \"a-9\": entities 1: a list must be", "a.jsonl:10: document \"a-10\": relation 1: its head", "a.jsonl:11: a record without text"} {
		if i >= len(errs) || !strings.HasPrefix(errs[i], want) {
			t.Errorf("%d: %q, want %q", i, errs, want)
		}
	}
	for _, a := range docs {
		var b bytes.Buffer
		if err := WriteProdigy(&b, &a); err != nil {
			t.Fatal(err)
		}
		for again, err := range ReadLists(&b, "b.jsonl", Options{}, nil) {
			if err != nil || fmt.Sprint(again.ID, again.Text, again.Entities, len(again.Relations)) != fmt.Sprint(a.ID, a.Text, a.Entities, len(a.Relations)) {
				t.Errorf("%v\n%+v\n%+v", err, a, again)
			}
		}
	}
}

func FuzzLists(f *testing.F) {
	f.Add([]byte(`{"text":"Xμ𝛽 film","spans":[{"start":1,"end":3,"label":"M"}],"relations":[{"head_span":{"start":1,"end":3},"child_span":{"start":1,"end":3},"label":"r"}]}`))
	f.Add([]byte(`{"text":"ZnO","entities":[[0,3,"M"]],"relations":[{"head":0,"tail":0,"label":"x"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		for a, err := range ReadLists(bytes.NewReader(data), "a", Options{MaxBytes: 1 << 16}, nil) {
			if err != nil {
				continue
			}
			var b bytes.Buffer
			if err := WriteProdigy(&b, &a); err != nil {
				t.Fatal(err)
			}
			tagged, n := a.Tags(TagOptions{})
			if n.Entities+n.Overlaps+n.Inside+n.Crossing+n.Wordless != len(a.Entities) {
				t.Fatalf("%+v of %d", n, len(a.Entities))
			}
			for _, s := range tagged {
				if len(s.Words) != len(s.Tags) {
					t.Fatal(s)
				}
			}
		}
	})
}
