package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// pairsText has an illegal I-, a wrong end and a wrong label.
const pairsText = "LiFePO4 B-MAT B-MAT\ncathodes B-APL I-APL\nare O O\n\nthin B-DSC O\nfilms I-DSC B-DSC\nof O O\nZnO B-MAT B-SPL\n"

func TestEvaluateConlleval(t *testing.T) {
	// What conlleval (2004-01-26) prints of these lines.
	const want = `processed 7 tokens with 4 phrases; found: 4 phrases; correct: 2.
accuracy:  42.86%; precision:  50.00%; recall:  50.00%; FB1:  50.00
              APL: precision: 100.00%; recall: 100.00%; FB1: 100.00  1
              DSC: precision:   0.00%; recall:   0.00%; FB1:   0.00  1
              MAT: precision: 100.00%; recall:  50.00%; FB1:  66.67  1
              SPL: precision:   0.00%; recall:   0.00%; FB1:   0.00  1
`
	both := file(t, "both.conll", pairsText)
	if got := must(t, "materials", "evaluate", both, "--conlleval", "-q"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	dir := filepath.Join(t.TempDir(), "scores")
	var rows []struct {
		Type       string
		Low        float64 `json:"f1_low"`
		High       float64 `json:"f1_high"`
		Support    int
		BaselineF1 float64 `json:"baseline_f1"`
	}
	out := must(t, "materials", "evaluate", both, "--json", "-q", "-o", dir, "--baseline", file(t, "train.conll", "ZnO B-MAT\n"))
	if err := json.Unmarshal([]byte(out), &rows); err != nil {
		t.Fatal(err)
	}
	if len(rows) != 6 || rows[4].Type != "micro" || rows[4].Support != 4 || rows[4].Low > 0.5 || rows[4].High < 0.5 || rows[2].BaselineF1 < 0.6 {
		t.Errorf("%+v", rows)
	}
	for _, name := range []string{"scores.tsv", "conlleval.txt", "figures/f1_by_type.svg", "figures/confusion.png", "figures/confusion.csv"} {
		if st, err := os.Stat(filepath.Join(dir, name)); err != nil || st.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if contents(t, filepath.Join(dir, "conlleval.txt")) != want {
		t.Error("conlleval.txt differs")
	}
}

func TestEvaluateTwoFiles(t *testing.T) {
	gold := file(t, "gold.conll", "a B-X\nb I-X\n\nc O\n")
	out := must(t, "materials", "evaluate", gold, file(t, "found.conll", "a\tB-X\nb\tI-X\n\nc\tB-X\n"), "-q")
	if !strings.Contains(out, "micro\t0.5\t1\t") {
		t.Errorf("%s", out)
	}
	fails(t, []string{"found.conll:2", "word 2 is not that of", "gold.conll:2"}, "materials", "evaluate", gold, file(t, "found.conll", "a B-X\nB I-X\n\nc O\n"))
	fails(t, []string{"has 1 sentences"}, "materials", "evaluate", gold, file(t, "found.conll", "a B-X\nb I-X\n"))
	fails(t, []string{"one.conll:1: 2 columns"}, "materials", "evaluate", file(t, "one.conll", "a B-X\n"))
	fails(t, []string{"one.conll:2: 4 columns, the lines before have 3"}, "materials", "evaluate", file(t, "one.conll", "a B-X O\nb x O O\n"))
	fails(t, []string{`one.conll:1: "b" is no tag`}, "materials", "evaluate", file(t, "one.conll", "a b O\n"))
}

func TestEvaluateClasses(t *testing.T) {
	gold := file(t, "gold.csv", "id,text,label\n1,\"a, b\",glass\n2,c,other\n3,d,other\n")
	found := file(t, "found.jsonl", `{"id":"3","label":"other","score":0.9}`+"\n"+`{"id":"1","label":"other","score":0.6}`+"\n"+`{"id":"2","label":"other","score":0.8}`+"\n")
	dir := filepath.Join(t.TempDir(), "scores")
	out := must(t, "materials", "evaluate", gold, found, "-q", "-o", dir)
	if !strings.Contains(out, "accuracy\t\t\t0.6666666666666666\t3\t3\n") || !strings.Contains(out, "glass\t0\t0\t0\t1\t0\n") {
		t.Errorf("%s", out)
	}
	for _, name := range []string{"scores.tsv", "figures/confusion.svg", "figures/calibration.svg"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	// Without ids, by their order.
	out = must(t, "materials", "evaluate", file(t, "g.csv", "Abstract,Label\nx,1\ny,0\n"), file(t, "f.tsv", "label\tscore\n1\t0.7\n0\t0.9\n"), "-q")
	if !strings.Contains(out, "accuracy\t\t\t1\t2\t2\n") {
		t.Errorf("%s", out)
	}
	fails(t, []string{"one must be label"}, "materials", "evaluate", file(t, "g.csv", "a,b\n1,2\n"), found)
	fails(t, []string{"has 3 classes"}, "materials", "evaluate", file(t, "g.csv", "label\n1\n"), found)
	fails(t, []string{"the score"}, "materials", "evaluate", file(t, "g.csv", "label\n1\n"), file(t, "f.csv", "label,score\n1,7\n"))
}

// TestEvaluateModel lets a model find the entities: the scores are those of its
// training's last look at the same sentences.
func TestEvaluateModel(t *testing.T) {
	dir := t.TempDir()
	must(t, "materials", "example", "-o", filepath.Join(dir, "example"), "-q")
	dev := filepath.Join(dir, "example", "ner", "dev.conll")
	run := filepath.Join(dir, "ner")
	must(t, "materials", "finetune", "ner", filepath.Join(dir, "example", "ner", "train.conll"), "--validation", dev, "-o", run, "--layers", "1", "--width", "64",
		"--heads", "4", "--vocab-size", "1000", "--lr", "3e-3", "--head-lr", "3e-3", "--precision", "f32", "--device", "cpu", "--epochs", "3", "-q")
	var results struct{ Scores map[string]float64 }
	if err := json.Unmarshal([]byte(contents(t, filepath.Join(run, "results.json"))), &results); err != nil {
		t.Fatal(err)
	}
	scores := filepath.Join(dir, "scores")
	var rows []struct {
		Type string
		F1   float64
	}
	out := must(t, "materials", "evaluate", dev, "-m", run, "-o", scores, "--json", "--device", "cpu", "--precision", "f32", "-q")
	if err := json.Unmarshal([]byte(out), &rows); err != nil {
		t.Fatal(err)
	}
	if n := len(rows); n < 5 || rows[n-2].Type != "micro" || rows[n-2].F1 != results.Scores["f1"] || !(rows[n-2].F1 > 0.2) {
		t.Errorf("%+v, training had %v", rows, results.Scores)
	}
	if _, err := os.Stat(filepath.Join(scores, "figures", "calibration.svg")); err != nil {
		t.Error(err)
	}
	fails(t, []string{"other.conll:2", "B-ZZZ"}, "materials", "evaluate", file(t, "other.conll", "a O\nb B-ZZZ\n"), "-m", run, "--device", "cpu")
}

// FuzzTagPairs looks for what breaks the reader or the counting.
func FuzzTagPairs(f *testing.F) {
	f.Add(pairsText)
	f.Add("\ufeffa\tx\tB-A\tO\r\n-DOCSTART- -X- O O\n\n \t\nb\tx\t.\tE-A\n")
	f.Add("a I- -\n")
	f.Fuzz(func(t *testing.T, text string) {
		gold, found, err := tagPairs(strings.NewReader(text), "x")
		if err != nil {
			if !strings.HasPrefix(err.Error(), "x:") {
				t.Errorf("%v", err)
			}
			return
		}
		e := &evaluated{gold: gold, found: found}
		words := 0
		for i, s := range gold {
			if len(s.Words) != len(s.Tags) || len(s.Tags) != len(found[i]) || s.Line == 0 {
				t.Fatalf("%+v, %q", s, found[i])
			}
			words += len(s.Words)
		}
		n := 0
		for _, d := range e.documents() {
			n += d.Words
			if m := d.Micro(); m.Correct > m.Gold || m.Correct > m.Found {
				t.Errorf("%q: %+v", text, m)
			}
		}
		if n != words {
			t.Errorf("%d words counted of %d", n, words)
		}
	})
}
