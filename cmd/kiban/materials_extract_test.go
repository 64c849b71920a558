package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/core/token"
	"github.com/kiban-models/kiban/materials/encoder"
	"github.com/kiban-models/kiban/materials/task"
)

var nerLabels = []string{"B-APL", "B-MAT", "B-PRO", "I-APL", "I-MAT", "I-PRO", "O"}

// randomNER is a model directory of random weights, whose labels fire often.
func randomNER(t *testing.T, kind task.Kind) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "ner-"+string(kind))
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	vocab := "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n"
	for _, c := range "abcdefghijklmnopqrstuvwxyz0123456789μδ.,-()" {
		vocab += fmt.Sprintf("%c\n##%c\n", c, c)
	}
	w, err := token.ReadVocabText(strings.NewReader(vocab), token.Rules{Lowercase: true})
	if err != nil {
		t.Fatal(err)
	}
	h := task.Head{Kind: kind, Labels: nerLabels}
	c := encoder.NewConfig(w.VocabSize(), 64, 1, 16, 2).WithLabels(h.Architecture(), h.Labels)
	declared := c.Declared(nn.Policy{}, h.Declare)
	fresh, weights := nn.Fresh{Seed: 5, Params: declared}, checkpoint.Tensors{}
	for _, d := range declared {
		x, err := fresh.Tensor(d.Name)
		if err != nil {
			t.Fatal(err)
		}
		if d.Name == "classifier.weight" || strings.Contains(d.Name, "embeddings.word") {
			y := tensor.New(tensor.F32, d.Shape...)
			for i, v := range x.Float32() {
				y.Float32()[i] = 30 * v
			}
			x = y
		}
		weights[d.Name] = x
	}
	if err := encoder.Save(dir, c, declared, weights); err != nil {
		t.Fatal(err)
	}
	if err := task.WriteFiles(dir, w, "", task.About{Task: task.NER, Head: kind, Normalize: task.NormalizeRules, Length: 64}); err != nil {
		t.Fatal(err)
	}
	return dir
}

// papers is a folder of documents of several kinds.
func papers(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "papers")
	long := strings.Repeat("ab cd ef gh ij kl mn op ", 20)
	for name, text := range map[string]string{
		"a.txt":         "The La0.8Sr0.2MnO3-δ ﬁlm\r\nof 5 µm (µ, μ) was so\u00adlid.\r\nA cafe\u0301 of 3 Å \U0001d6fc-phase TiO₂.\r\n",
		"b.jsonl":       `{"id": "one", "title": "Films", "text": "TiO2 \ud835\udefc films were annealed."}` + "\n" + `{"id": "two", "text": "LiFePO4 is a cathode."}` + "\n",
		"long.txt":      long + ".\n",
		"sub/c.xml":     `<?xml version="1.0"?><article><front><article-meta><title-group><article-title>On films</article-title></title-group><abstract><p>The 5&#181;m film &amp; the La<sub>0.8</sub> one. A <![CDATA[TiO2 <b]]> sample.</p></abstract></article-meta></front><body><sec><title>Results</title><p>We found caf&#x65;&#x301; &#x1d6fc; phases of TiO2.</p></sec></body></article>`,
		".hidden.txt":   "not read",
		"notes.unknown": "not read",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

type extractedRecord struct {
	ID, Text string
	Entities []struct {
		Start, End, Sentence             int
		Text, Label, Section, Normalized string
		Score                            float64
		ByteStart                        *int `json:"byte_start"`
		ByteEnd                          *int `json:"byte_end"`
		SourceStart                      *int `json:"source_start"`
		SourceEnd                        *int `json:"source_end"`
	}
	Relations []any
	Meta      struct{ Source, Title, Model string }
}

func readExtracted(t *testing.T, data string) []extractedRecord {
	t.Helper()
	var all []extractedRecord
	for line := range strings.Lines(data) {
		var r extractedRecord
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		all = append(all, r)
	}
	return all
}

var xmlTag = regexp.MustCompile(`<[^>]*>`)

// TestExtractFolder finds every entity of every output again in the file that
// it was found in.
func TestExtractFolder(t *testing.T) {
	dir, out := papers(t), t.TempDir()
	file := func(name string) string { return filepath.Join(out, name) }
	for _, kind := range []task.Kind{task.Words, task.Chain} {
		must(t, "materials", "extract", dir, "-m", randomNER(t, kind), "-o", file("all.jsonl"), "--csv", file("all.csv"), "--brat", file("brat"), "--html", file("page.html"), "--byte-offsets", "-O")
		all := readExtracted(t, contents(t, file("all.jsonl")))
		if len(all) != 5 {
			t.Fatalf("%d documents", len(all))
		}
		total := 0
		for _, r := range all {
			source := contents(t, r.Meta.Source)
			if r.Relations == nil || len(r.Relations) > 0 {
				t.Errorf("%s: relations %v", r.ID, r.Relations)
			}
			for _, e := range r.Entities {
				total++
				if got := string([]rune(r.Text)[e.Start:e.End]); got != e.Text || r.Text[*e.ByteStart:*e.ByteEnd] != e.Text {
					t.Errorf("%s: %q at %d, which is %q", r.ID, e.Text, e.Start, got)
				}
				switch filepath.Ext(r.Meta.Source) {
				case ".txt":
					if got := string([]rune(source)[e.Start:e.End]); got != e.Text {
						t.Errorf("%s: %q at %d of the file, which is %q", r.Meta.Source, e.Text, e.Start, got)
					}
				case ".xml":
					if e.SourceStart == nil {
						t.Errorf("%s: %q has no place in the file", r.Meta.Source, e.Text)
						continue
					}
					raw := strings.NewReplacer("<![CDATA[", "", "]]>", "").Replace(source[*e.SourceStart:*e.SourceEnd])
					if !strings.Contains(e.Text, "<") {
						raw = xmlTag.ReplaceAllString(raw, "")
					}
					if got := html.UnescapeString(raw); got != e.Text {
						t.Errorf("%s: %q at bytes %d to %d, which are %q", r.Meta.Source, e.Text, *e.SourceStart, *e.SourceEnd, got)
					}
				}
			}
		}
		if total < 30 {
			t.Errorf("only %d entities", total)
		}
		marks := strings.Count(contents(t, file("page.html")), "<mark ")
		if marks != total {
			t.Errorf("%d marks of %d entities", marks, total)
		}
		lines, err := csv.NewReader(strings.NewReader(contents(t, file("all.csv")))).ReadAll()
		if err != nil || len(lines) != total+1 {
			t.Errorf("%d lines of %d entities, %v", len(lines), total, err)
		}
		anns, err := filepath.Glob(file("brat/*.ann"))
		if err != nil || len(anns) != len(all) {
			t.Errorf("%d .ann files, %v", len(anns), err)
		}
		found := 0
		for _, a := range anns {
			found += strings.Count(contents(t, a), "\nT") + strings.Count(contents(t, a)[:1], "T")
		}
		if found != total {
			t.Errorf("%d lines T of %d entities", found, total)
		}
		if err := os.RemoveAll(file("brat")); err != nil {
			t.Fatal(err)
		}
	}
}

// TestExtractSkips has files that cannot be read among others.
func TestExtractSkips(t *testing.T) {
	dir, model := papers(t), randomNER(t, task.Words)
	for name, text := range map[string]string{"bad.xml": "<article><body><p>never closed", "latin1.txt": "caf\xe9 TiO2\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	out := filepath.Join(t.TempDir(), "x.jsonl")
	_, stderr, code := kiban(context.Background(), "", "materials", "extract", dir, "-m", model, "-o", out)
	if code != exitFailed || !strings.Contains(stderr, "bad.xml") || !strings.Contains(stderr, "latin1.txt:1") || !strings.Contains(stderr, "2 of 7 documents were skipped") {
		t.Errorf("code %d, %s", code, stderr)
	}
	if n := len(readExtracted(t, contents(t, out))); n != 5 {
		t.Errorf("%d documents were written", n)
	}
	if _, stderr, code = kiban(context.Background(), "", "materials", "extract", filepath.Join(dir, "latin1.txt"), "-m", model, "--invalid", "replace", "-q"); code != 0 {
		t.Errorf("code %d, %s", code, stderr)
	}
}

// TestExtractInterrupted leaves nothing that is half done.
func TestExtractInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errInterrupted)
	out := t.TempDir()
	_, stderr, code := kiban(ctx, "", "materials", "extract", papers(t), "-m", randomNER(t, task.Words), "-o", filepath.Join(out, "x.jsonl"), "--brat", filepath.Join(out, "brat"), "--html", filepath.Join(out, "p.html"))
	if code == 0 {
		t.Errorf("code 0: %s", stderr)
	}
	if left := tree(t, out); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}

func TestExtractForms(t *testing.T) {
	model := randomNER(t, task.Words)
	text := "TiO2 films (μ) of LiFePO4 were annealed at 𝛼. "
	run := func(args ...string) string {
		stdout, stderr, code := kiban(context.Background(), text, append([]string{"materials", "extract", "-m", model, "-q"}, args...)...)
		if code != 0 {
			t.Fatalf("%v: %s", args, stderr)
		}
		return stdout
	}
	all := readExtracted(t, run())
	if len(all) != 1 || len(all[0].Entities) == 0 {
		t.Fatalf("%+v", all)
	}
	var list []map[string]any
	if err := json.Unmarshal([]byte(run("--format", "hf")), &list); err != nil || len(list) != len(all[0].Entities) {
		t.Fatalf("%v of %d entities, %v", list, len(all[0].Entities), err)
	}
	for i, e := range list {
		want := all[0].Entities[i]
		if len(e) != 5 || e["entity_group"] != want.Label || e["word"] != want.Text || e["start"] != float64(want.Start) || e["end"] != float64(want.End) || e["score"] != want.Score {
			t.Errorf("%v of %+v", e, want)
		}
	}
	var task struct {
		Text  string
		Spans []struct {
			Start, End int
			Label      string
		}
	}
	if err := json.Unmarshal([]byte(run("--format", "prodigy")), &task); err != nil || task.Text != text || len(task.Spans) != len(list) {
		t.Errorf("%+v, %v", task, err)
	}
	if lines := strings.Count(run("--format", "tsv"), "\n"); lines != len(list)+1 {
		t.Errorf("%d lines", lines)
	}
	if n := len(readExtracted(t, run("--min-score", "1"))[0].Entities); n > len(list)/2 {
		t.Errorf("%d entities of score 1", n)
	}
	for _, how := range []string{"average", "max"} {
		if other := run("--aggregate", how); bytes.Equal([]byte(other), []byte(run())) {
			t.Errorf("by %s all is as by the first piece", how)
		}
	}
}

func TestExtractMisuse(t *testing.T) {
	model := randomNER(t, task.Chain)
	dir := papers(t)
	for _, x := range []struct {
		code int
		want string
		args []string
	}{
		{exitMisuse, "no model given", nil},
		{exitMisuse, "a CRF labels words by their first pieces", []string{"-m", model, "--aggregate", "max"}},
		{exitMisuse, "--min-score", []string{"-m", model, "--min-score", "1.5"}},
		{exitMisuse, "give 31 or less", []string{"-m", model, "--stride", "40"}},
		{exitMisuse, "brat is not for stdout", []string{"-m", model, "--format", "brat"}},
		{exitFailed, "nowhere.txt", []string{"-m", model, "nowhere.txt"}},
		{exitFailed, "nowhere", []string{"-m", "nowhere"}},
		{exitFailed, "is not empty", []string{"-m", model, "--brat", dir}},
	} {
		stdout, stderr, code := kiban(context.Background(), "", append([]string{"materials", "extract", dir, "-q"}, x.args...)...)
		if code != x.code || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, x.want) {
			t.Errorf("%v: code %d, %q", x.args, code, stderr)
		}
	}
}

// TestExtractPublished opens the weights of MatSciBERT's BERT_CRF, which names
// them its own way, and finds what a directory of ours finds.
func TestExtractPublished(t *testing.T) {
	ours := randomNER(t, task.Chain)
	published := filepath.Join(t.TempDir(), "published")
	if err := os.CopyFS(published, os.DirFS(ours)); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(published, "kiban.json")); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(published, "model.safetensors")
	f, err := checkpoint.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	renamed := checkpoint.Tensors{}
	for _, n := range f.Names() {
		x, err := f.Tensor(n)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(n, "crf.") {
			n = "encoder." + n
		}
		renamed[n] = x
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := checkpoint.Write(name, renamed.Specs(), renamed, nil); err != nil {
		t.Fatal(err)
	}
	dir := papers(t)
	a := must(t, "materials", "extract", dir, "-m", ours, "--format", "csv")
	if b := must(t, "materials", "extract", dir, "-m", published, "--format", "csv"); a != b || strings.Count(a, "\n") < 30 {
		t.Errorf("ours finds\n%s\nthe published\n%s", a, b)
	}
}

func TestNormalizedFormula(t *testing.T) {
	for _, x := range []struct{ label, surface, want string }{
		{"MAT", "Fe₂O₃", "Fe2O3"}, {"MATERIAL", "LiFePO4", "LiFePO4"}, {"MAT", "steel", ""}, {"PRO", "TiO2", ""}, {"MAT", "In this", ""},
	} {
		if got := normalizedFormula(x.label, x.surface); got != x.want {
			t.Errorf("%s %q is %q, wanted %q", x.label, x.surface, got, x.want)
		}
	}
}
