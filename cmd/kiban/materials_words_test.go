package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// materials runs a verb of the group with standard input.
func materialsVerb(stdin string, args ...string) (int, string, string) {
	var stdout, stderr bytes.Buffer
	code := run(append([]string{"kiban", "materials"}, args...), strings.NewReader(stdin), &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

func TestMaterialsFormula(t *testing.T) {
	code, out, message := materialsVerb("", "formula", "CuSO4·5H2O", "La1-xSrxMnO3", "--at", "x=0.2", "--json")
	var all []struct {
		Written, Hill, Reduced, Anonymous string
		Elements                          map[string]any
		Mass                              float64
		Word                              bool
	}
	if err := json.Unmarshal([]byte(out), &all); code != 0 || err != nil || len(all) != 2 {
		t.Fatalf("code %d, %v, stdout %s, stderr %s", code, err, out, message)
	}
	if a := all[0]; a.Hill != "CuO4S·5H2O" || a.Reduced != "CuH10O9S" || a.Anonymous != "ABC9D10" || a.Elements["O"] != 9.0 || a.Mass < 249.6 || a.Mass > 249.7 || !a.Word {
		t.Errorf("%+v", a)
	}
	if a := all[1]; a.Reduced != "La4Mn5O15Sr" || a.Elements["Sr"] != 0.2 || a.Mass == 0 {
		t.Errorf("with x: %+v", a)
	}
	code, out, message = materialsVerb("Fe2O3\n\nzirconia\nTi-6Al-4V\n", "formula")
	if code != exitFailed || strings.Count(out, "\n") != 4 || !strings.Contains(message, "2 of 3 are no formulas") || !strings.Contains(message, `column 1: "zirconia"`) {
		t.Errorf("lines: code %d, stdout %s, stderr %s", code, out, message)
	}
	code, out, _ = materialsVerb("", "formula", "--compare", "Fe2O3", "O6Fe4")
	if code != 0 || !strings.HasSuffix(out, "Fe2O3\tO6Fe4\tfalse\ttrue\n") {
		t.Errorf("compare: code %d, %s", code, out)
	}
	for _, args := range [][]string{{"formula", "--compare", "Fe2O3"}, {"formula", "H2O", "--at", "x"}, {"formula", "--compare", "A", "B", "--tolerance", "-1"}} {
		if code, _, message := materialsVerb("", args...); code != exitMisuse || message == "" {
			t.Errorf("%q: code %d, %s", args, code, message)
		}
	}
}

func TestWord2Vec(t *testing.T) {
	dir := t.TempDir()
	text, vectors := filepath.Join(dir, "text.txt"), filepath.Join(dir, "vectors")
	r := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	topics := [][]string{{"anode", "cathode", "LiFePO4", "electrolyte"}, {"magnet", "spin", "Fe3O4", "moment"}}
	for range 1500 {
		words := topics[r.IntN(2)]
		r.Shuffle(4, func(i, j int) { words[i], words[j] = words[j], words[i] })
		fmt.Fprintf(&b, "%s %d.\n", strings.Join(words, " "), r.IntN(100))
	}
	if err := os.WriteFile(text, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	train := []string{"word2vec", text, "-o", vectors, "--formulas", "--size", "16", "--sample", "0"}
	if code, _, message := materialsVerb("", train...); code != 0 || !strings.Contains(message, "vectors of 10 words from 9,000") {
		t.Fatalf("code %d, %s", code, message)
	}
	first, err := os.ReadFile(filepath.Join(vectors, "vectors.bin"))
	if err != nil {
		t.Fatal(err)
	}
	if code, _, message := materialsVerb("", train...); code != exitFailed || !strings.Contains(message, "exists already") {
		t.Errorf("without -O: code %d, %s", code, message)
	}
	// From a pipe, on another number of threads: the same bytes.
	train[1] = "-"
	if code, _, message := materialsVerb(b.String(), append(train, "-O", "-j", "1")...); code != 0 {
		t.Fatalf("code %d, %s", code, message)
	}
	again, err := os.ReadFile(filepath.Join(vectors, "vectors.bin"))
	if err != nil || !bytes.Equal(first, again) {
		t.Errorf("standard input and one thread give other vectors: %v", err)
	}
	counts, err := os.ReadFile(filepath.Join(vectors, "vocabulary.tsv"))
	if err != nil || !strings.HasPrefix(string(counts), "<nUm>\t1500\n") && !strings.HasPrefix(string(counts), ".\t1500\n") {
		t.Errorf("vocabulary %q, %v", counts, err)
	}

	code, out, message := materialsVerb("", "neighbors", "-m", vectors, "magnet", "--top", "3", "--figure", filepath.Join(dir, "map"), "--export", filepath.Join(dir, "v.txt"))
	if code != 0 || !strings.HasPrefix(out, "word\tsimilarity\trank\n") || !strings.Contains(out, "spin") || !strings.Contains(out, "Fe3O4") || !strings.Contains(out, "moment") {
		t.Errorf("neighbors: code %d, %s%s", code, out, message)
	}
	for _, name := range []string{"map.svg", "map.png", "map.csv", "v.txt"} {
		if st, err := os.Stat(filepath.Join(dir, name)); err != nil || st.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if code, _, message := materialsVerb("", "neighbors", "-m", vectors, "nosuch"); code != exitFailed || !strings.Contains(message, `no vector of "nosuch"`) {
		t.Errorf("an unknown word: code %d, %s", code, message)
	}
	code, out, message = materialsVerb(": topics\nanode magnet cathode spin\nanode magnet nosuch spin\n", "analogies", "-m", filepath.Join(dir, "v.txt"))
	if code != 0 || !strings.HasPrefix(out, "section\taccuracy\tcorrect\tn\tunknown\tinvalid\ntopics\t") || !strings.Contains(out, "\t1\t1\t0\n") || !strings.Contains(message, "accuracy") {
		t.Errorf("analogies: code %d, %s%s", code, out, message)
	}
	// What is not vectors is never replaced.
	other := filepath.Join(dir, "other")
	if err := os.MkdirAll(other, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(other, "thesis.txt"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, message := materialsVerb("", "word2vec", text, "-o", other, "-O"); code != exitFailed || !strings.Contains(message, "something else") {
		t.Errorf("a directory of other things: code %d, %s", code, message)
	}
	bad := filepath.Join(dir, "bad.txt")
	if err := os.WriteFile(bad, []byte("good line\nb\xffd\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, message := materialsVerb("", "word2vec", bad, "-o", filepath.Join(dir, "b")); code != exitFailed || !strings.Contains(message, bad+":2: not UTF-8") {
		t.Errorf("bad bytes: code %d, %s", code, message)
	}
}
