package baseline

import (
	"archive/tar"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/kiban-models/kiban/core/metric"
	"github.com/kiban-models/kiban/materials/corpus"
	"github.com/kiban-models/kiban/materials/corpus/brat"
	"github.com/kiban-models/kiban/materials/relation"
)

func shared(t *testing.T, name string) io.Reader {
	t.Helper()
	f, err := os.Open(filepath.Join("../../../shared/data/materials", name))
	if err != nil {
		t.Skipf("needs the shared data: %v", err)
	}
	t.Cleanup(func() { f.Close() })
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func sentences(t *testing.T, name string, column int) []corpus.Tagged {
	t.Helper()
	var all []corpus.Tagged
	for s, err := range corpus.ReadCoNLL(shared(t, name), name, corpus.CoNLLOptions{Column: column, EmptyTag: "O", Repair: true}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	return all
}

// TestDictionaryOnData says what the dictionary comes to on the entities of
// Matscholar and SOFC-Exp; its scores may not fall.
func TestDictionaryOnData(t *testing.T) {
	for _, c := range []struct {
		name         string
		column       int
		micro, macro float64
	}{{"matscholar", 0, 0.62, 0.63}, {"sofc_exp", 2, 0.48, 0.49}, {"sofc_exp", 3, 0.46, 0.25}} {
		d := LearnDictionary(sentences(t, c.name+"_train.conll.gz", c.column))
		var e metric.Entities
		for _, s := range sentences(t, c.name+"_dev.conll.gz", c.column) {
			e.Add(s.Tags, d.Tag(s.Words))
		}
		m := e.Micro()
		t.Logf("%s, column %d: %d runs of words known; micro F1 %.4f (precision %.4f, recall %.4f), macro F1 %.4f\n%s",
			c.name, c.column, d.Len(), m.F1(), m.Precision(), m.Recall(), e.MacroF1(), e.CoNLL())
		if m.F1() < c.micro || e.MacroF1() < c.macro {
			t.Errorf("%s: F1 %.4f and %.4f, want %.2f and %.2f", c.name, m.F1(), e.MacroF1(), c.micro, c.macro)
		}
	}
}

// TestAbstractsOnData classifies the abstracts on glasses.
func TestAbstractsOnData(t *testing.T) {
	read := func(name string) (texts [][]string, labels []string) {
		r := csv.NewReader(shared(t, name))
		rows, err := r.ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows[1:] {
			texts, labels = append(texts, Words(row[0])), append(labels, row[1])
		}
		return texts, labels
	}
	texts, labels := read("glass_non_glass_train.csv.gz")
	m, err := Learn(texts, labels, 0)
	if err != nil {
		t.Fatal(err)
	}
	texts, labels = read("glass_non_glass_val.csv.gz")
	c := confusion(t, m, texts, labels)
	t.Logf("accuracy %.4f, macro F1 %.4f, majority %.4f; %v", c.Accuracy(), c.MacroF1(), c.Majority(), c.Counts)
	if c.Accuracy() < 0.87 || c.Majority() > c.Accuracy() {
		t.Errorf("accuracy %.4f", c.Accuracy())
	}
}

// TestRelationsOnData classifies the related pairs of MSPT, as published: by
// macro F1. The labels of the entities, which a model of marked pairs does not
// see, say much.
func TestRelationsOnData(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	read := func(name string) []relation.Example {
		var docs []corpus.Annotated
		for d, err := range brat.Folder(unpack(t, name), brat.Options{Skip: true, Overlaps: brat.KeepOverlaps}) {
			if err != nil {
				t.Fatal(err)
			}
			docs = append(docs, d.Annotated)
		}
		all, counts := relation.Pairs(docs, relation.Pairing{})
		t.Logf("%s: %d documents, %+v", name, len(docs), counts)
		return all
	}
	train, dev := read("mspt_train.tar.gz"), read("mspt_dev.tar.gz")
	for _, c := range []struct {
		labels       bool
		micro, macro float64
	}{{true, 0.93, 0.90}, {false, 0.79, 0.62}} {
		features := func(all []relation.Example) (pairs [][]string, labels []string) {
			for _, e := range all {
				if !c.labels {
					e.HeadLabel, e.TailLabel = "", ""
				}
				pairs = append(pairs, PairFeatures(e.Text, e.Head, e.Tail, e.HeadLabel, e.TailLabel))
				labels = append(labels, e.Label)
			}
			return pairs, labels
		}
		pairs, labels := features(train)
		m, err := Learn(pairs, labels, 0)
		if err != nil {
			t.Fatal(err)
		}
		pairs, labels = features(dev)
		x := confusion(t, m, pairs, labels)
		t.Logf("labels of entities known: %t; %d pairs: accuracy (micro F1) %.4f, macro F1 %.4f, majority %.4f", c.labels, x.Total(), x.Accuracy(), x.MacroF1(), x.Majority())
		if x.Accuracy() < c.micro || x.MacroF1() < c.macro {
			t.Errorf("accuracy %.4f, macro F1 %.4f", x.Accuracy(), x.MacroF1())
		}
	}
}

func confusion(t *testing.T, m *Classifier, features [][]string, labels []string) *metric.Confusion {
	t.Helper()
	number := map[string]int{}
	names := append([]string(nil), m.Labels...)
	for _, l := range append(names, labels...) {
		if _, ok := number[l]; !ok {
			number[l] = len(number)
		}
	}
	all := make([]string, len(number))
	for l, i := range number {
		all[i] = l
	}
	c := metric.NewConfusion(all)
	for i, f := range features {
		got, _ := m.Label(f)
		if err := c.Add(number[labels[i]], number[got]); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func unpack(t *testing.T, name string) string {
	t.Helper()
	dir := t.TempDir()
	for r := tar.NewReader(shared(t, name)); ; {
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
