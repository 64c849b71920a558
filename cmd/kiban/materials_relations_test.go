package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/materials/corpus"
	"github.com/kiban-models/kiban/materials/corpus/brat"
	"github.com/kiban-models/kiban/materials/relation"
	"github.com/kiban-models/kiban/materials/task"
)

// related writes a brat folder in which a MAT has each PRO after it, and an APL
// uses each MAT before it.
func related(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(4, 4))
	word := func() string { return string(rune('a'+r.IntN(26))) + string(rune('a'+r.IntN(26))) }
	for n := range 12 {
		d := corpus.Annotated{}
		for range 3 {
			var line []int
			for range 12 {
				d.Text += word() + " "
				if r.IntN(3) > 0 {
					s := word()
					line = append(line, len(d.Entities))
					d.Entities = append(d.Entities, corpus.Entity{Label: []string{"MAT", "PRO", "APL"}[r.IntN(3)], Spans: []corpus.Span{{Start: len(d.Text), End: len(d.Text) + len(s)}}})
					d.Text += s + " "
				}
			}
			d.Text += ".\n"
			for _, i := range line {
				for _, j := range line {
					switch pair := d.Entities[i].Label + d.Entities[j].Label; {
					case pair == "MATPRO" && i < j:
						d.Relations = append(d.Relations, corpus.Relation{Label: "Has", Head: i, Tail: j})
					case pair == "APLMAT" && i > j:
						d.Relations = append(d.Relations, corpus.Relation{Label: "Uses", Head: i, Tail: j})
					}
				}
			}
		}
		if err := brat.Save(filepath.Join(dir, fmt.Sprint(n)), &d); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// relationRecord is what is said of relations in JSONL.
type relationRecord struct {
	Relations []struct {
		Head, Tail int
		Label      string
		Score      float64
	}
}

// TestExtractRelations finds relations between entities, and the same in every
// output.
func TestExtractRelations(t *testing.T) {
	dir, out := papers(t), t.TempDir()
	file := func(name string) string { return filepath.Join(out, name) }
	r, more := rand.New(rand.NewPCG(6, 6)), ""
	for range 30 {
		for range 8 {
			more += fmt.Sprintf("%c%c \U0001d6fc%c ", 'a'+r.IntN(26), 'a'+r.IntN(26), 'a'+r.IntN(26))
		}
		more += ".\r\n"
	}
	if err := os.WriteFile(filepath.Join(dir, "more.txt"), []byte(more), 0o666); err != nil {
		t.Fatal(err)
	}
	must(t, "materials", "finetune", "relation", related(t), "-o", file("pairs"), "--layers", "1", "--width", "32", "--heads", "2",
		"--vocab-size", "101", "--lr", "3e-3", "--head-lr", "3e-3", "--negatives", "0.3", "--epochs", "3", "--precision", "f32", "--device", "cpu", "-q")
	must(t, "materials", "extract", dir, "-m", randomNER(t, task.Chain), "--relations", file("pairs"), "-o", file("all.jsonl"),
		"--csv", file("all.csv"), "--brat", file("brat"), "-q")

	about := struct{ Pairs relation.Candidates }{}
	if err := json.Unmarshal([]byte(contents(t, file("pairs/kiban.json"))), &about); err != nil {
		t.Fatal(err)
	}
	allowed := map[string]int{}
	for _, p := range about.Pairs.Pairs {
		allowed[p.Head+" "+p.Tail] = p.Within
	}
	if len(allowed) != 2 {
		t.Fatalf("the model knows the pairs %v", about.Pairs)
	}

	// brat's folder as it is read again, by text.
	annotated := map[string]corpus.Annotated{}
	for d, err := range brat.Folder(file("brat"), brat.Options{Overlaps: brat.KeepOverlaps}) {
		if err != nil {
			t.Fatal(err)
		}
		annotated[d.Text] = d.Annotated
	}
	lines, err := csv.NewReader(strings.NewReader(contents(t, file("all.csv")))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	lines = lines[1:]

	labels, total := map[string]int{}, 0
	var told []relationRecord
	for line := range strings.Lines(contents(t, file("all.jsonl"))) {
		var r relationRecord
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		told = append(told, r)
	}
	for n, r := range readExtracted(t, contents(t, file("all.jsonl"))) {
		b, ok := annotated[r.Text]
		if !ok || len(b.Entities) != len(r.Entities) || len(b.Relations) != len(told[n].Relations) {
			t.Fatalf("%s: brat has %d entities and %d relations, JSONL %d and %d", r.ID, len(b.Entities), len(b.Relations), len(r.Entities), len(told[n].Relations))
		}
		// The lines of CSV that are this document's, an entity each.
		mine := lines[:len(r.Entities)]
		lines = lines[len(r.Entities):]
		seen := map[[2]int]bool{}
		for i, x := range told[n].Relations {
			total++
			labels[x.Label]++
			if x.Head < 0 || x.Tail < 0 || x.Head >= len(r.Entities) || x.Tail >= len(r.Entities) || x.Head == x.Tail || seen[[2]int{x.Head, x.Tail}] {
				t.Fatalf("%s: relation %+v of %d entities", r.ID, x, len(r.Entities))
			}
			seen[[2]int{x.Head, x.Tail}] = true
			h, tail := r.Entities[x.Head], r.Entities[x.Tail]
			within, ok := allowed[h.Label+" "+tail.Label]
			// Three classes: the likeliest has a third at least.
			if !ok || x.Label != "Has" && x.Label != "Uses" || !(x.Score > 1.0/3 && x.Score <= 1) {
				t.Errorf("%s: %+v between %s and %s", r.ID, x, h.Label, tail.Label)
			}
			runes := []rune(r.Text)
			between := string(runes[min(h.End, tail.End):max(h.Start, tail.Start)])
			if strings.Contains(between, "\n") || len(between) > within {
				t.Errorf("%s: %q and %q are %d bytes apart, of %d", r.ID, h.Text, tail.Text, len(between), within)
			}
			y := b.Relations[i]
			for _, e := range []struct{ at, brat int }{{x.Head, y.Head}, {x.Tail, y.Tail}} {
				want := r.Entities[e.at]
				s := b.Entities[e.brat].Spans
				surface := b.Text[s[0].Start:s[len(s)-1].End]
				if y.Label != x.Label || string(runes[want.Start:want.End]) != want.Text || surface != want.Text || b.Entities[e.brat].Label != want.Label {
					t.Errorf("%s: relation %d is %s of %q in JSONL, %s of %q in brat", r.ID, i, x.Label, want.Text, y.Label, surface)
				}
				if l := mine[e.at]; l[0] != r.ID || l[3] != fmt.Sprint(want.Start) || l[4] != fmt.Sprint(want.End) || l[5] != want.Text || l[6] != want.Label {
					t.Errorf("%s: entity %d is %+v in JSONL, %v in CSV", r.ID, e.at, want, l)
				}
			}
		}
	}
	t.Logf("%d relations: %v", total, labels)
	if total < 20 || labels[relation.None] > 0 || len(lines) > 0 {
		t.Errorf("%d relations %v: the test sees too little; %d lines of CSV are of no document", total, labels, len(lines))
	}
	if conf := contents(t, file("brat/annotation.conf")); !strings.Contains(conf, "\n[relations]\nHas Arg1:<ENTITY>, Arg2:<ENTITY>\nUses Arg1:<ENTITY>, Arg2:<ENTITY>\n") {
		t.Errorf("annotation.conf is %s", conf)
	}

	// What stands in the way is said.
	ner := randomNER(t, task.Words)
	fails(t, []string{ner, "is for ner", "finetune relation"}, "materials", "extract", dir, "-m", ner, "--relations", ner)
	if err := os.CopyFS(file("published"), os.DirFS("../../materials/task/testdata/pairs")); err != nil {
		t.Fatal(err)
	}
	fails(t, []string{file("published"), `no "pairs"`, "finetune relation"}, "materials", "extract", dir, "-m", ner, "--relations", file("published"))
}

// TestConvertPublishedRelations keeps the names and numbers of a classifier as
// MatSciBERT publishes it, and goes on to train what was converted.
func TestConvertPublishedRelations(t *testing.T) {
	out := t.TempDir()
	file := func(name string) string { return filepath.Join(out, name) }
	published := "../../materials/task/testdata/pairs"
	must(t, "model", "convert", published, "-o", file("safe"))
	must(t, "model", "convert", file("safe"), "-o", file("bin"), "--format", "pytorch")
	want := weightsOf(t, published)
	for _, name := range []string{file("safe"), file("bin")} {
		got := weightsOf(t, name)
		if !slices.Equal(got.Names(), want.Names()) || !slices.Contains(got.Names(), "linear.weight") {
			t.Errorf("%s has %q", name, got.Names())
		}
		for n, x := range want {
			if got[n] == nil || string(got[n].Bytes()) != string(x.Bytes()) {
				t.Errorf("%s: %s is another", name, n)
			}
		}
		m, err := task.OpenModel(name)
		if err != nil {
			t.Fatal(err)
		}
		if h, err := m.Head(task.Relation); err != nil || h.Kind != task.Pair || len(h.Labels) != 5 {
			t.Errorf("%s: %+v, %v", name, h, err)
		}
		m.Close()
	}
	// Its markers are known, so that the vocabulary stays as it is.
	must(t, "materials", "finetune", "relation", related(t), "-m", file("safe"), "-o", file("run"), "--epochs", "1", "--precision", "f32", "--device", "cpu", "-q")
	var config struct {
		Vocab int `json:"vocab_size"`
	}
	if err := json.Unmarshal([]byte(contents(t, file("run/config.json"))), &config); err != nil || config.Vocab != 61 {
		t.Errorf("vocabulary of %d, %v", config.Vocab, err)
	}
	if names := weightsOf(t, file("run")).Names(); !slices.Contains(names, "classifier.tail.weight") || slices.Contains(names, "linear.weight") {
		t.Errorf("trained %q", names)
	}
}

// weightsOf reads the tensors of a directory.
func weightsOf(t *testing.T, dir string) checkpoint.Tensors {
	t.Helper()
	d, err := checkpoint.OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	all := checkpoint.Tensors{}
	for _, n := range d.Names() {
		x, err := d.Tensor(n)
		if err != nil {
			t.Fatal(err)
		}
		all[n] = x.Clone()
	}
	return all
}
