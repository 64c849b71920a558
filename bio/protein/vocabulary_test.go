package protein

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/bio/sequence"
	"github.com/kiban-models/kiban/core/dataset"
	"github.com/kiban-models/kiban/core/token"
)

func TestPrepareWithBPE(t *testing.T) {
	in := testData(t, "esm_some_proteins.fasta")
	var sums [2]string
	for i := range sums {
		out := filepath.Join(t.TempDir(), "out")
		s, err := Prepare(t.Context(), PrepareOptions{Inputs: []string{in}, Out: out, VocabSize: 400})
		if err != nil {
			t.Fatal(err)
		}
		b, err := token.OpenBPE(filepath.Join(out, TokenizerDir))
		if err != nil {
			t.Fatal(err)
		}
		if s.VocabSize != b.VocabSize() || s.VocabSize != 400 || s.ResiduesPerToken < 1.1 {
			t.Errorf("%+v", s)
		}
		d, err := dataset.Open(filepath.Join(out, TrainDir), dataset.OpenOptions{Verify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		r, err := sequence.Open(in, sequence.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		eot, _ := b.ID(token.EndOfText)
		for ids, err := range d.Documents() {
			if err != nil {
				t.Fatal(err)
			}
			rec, err := r.Next()
			if err != nil {
				t.Fatal(err)
			}
			got, err := Residues([]byte(b.Decode(ids[1:])))
			if err != nil || ids[0] != eot || !bytes.Equal(got, rec.Residues) {
				t.Fatalf("%s: %v %q", rec.ID, err, got)
			}
		}
		if sums[i] = d.Manifest().Tokenizer + d.Manifest().Shards[0].SHA256; len(sums[i]) != 128 {
			t.Errorf("%+v", d.Manifest())
		}
	}
	if sums[0] != sums[1] {
		t.Error("trained twice, got two vocabularies")
	}
	if _, err := Prepare(t.Context(), PrepareOptions{Inputs: []string{in}, Out: filepath.Join(t.TempDir(), "out"), VocabSize: 100}); err == nil ||
		!strings.Contains(err.Error(), "vocabulary size 100") {
		t.Error(err)
	}
}

func TestSampleIsBounded(t *testing.T) {
	var chosen []string
	for _, order := range []int{1, 7919} {
		s := sample{budget: 1000, limit: ^uint64(0)}
		const n = 1009
		for i := range n {
			r := []byte(fmt.Sprintf("%010d", i*order%n))
			s.add(r, dataset.DigestOf(r))
		}
		if s.residues > 1000 || s.residues < 300 {
			t.Errorf("%d residues", s.residues)
		}
		set := map[string]bool{}
		for w := range s.words() {
			set[string(w)] = true
		}
		chosen = append(chosen, fmt.Sprint(len(set), set["\n"], set))
	}
	if chosen[0] != chosen[1] {
		t.Errorf("the sample depends on the order:\n%s\n%s", chosen[0], chosen[1])
	}
}
