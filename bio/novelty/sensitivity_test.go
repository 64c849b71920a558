package novelty

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/bio/sequence"
)

// natural reads a file of the shared data folder beside the repository.
func natural(t *testing.T, name string) (all []sequence.Record) {
	t.Helper()
	path := filepath.Join("..", "..", "..", "shared", "data", "protein", name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("needs the shared data: %v", err)
	}
	r, err := sequence.Open(path, sequence.Options{Type: sequence.Protein})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for x, err := range r.All() {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, x.Clone())
	}
	return all
}

// Of natural proteins most of which are far relatives, as many find the nearest
// as the package says (testdata/related.go).
func TestSensitivity(t *testing.T) {
	training := natural(t, "uniprot_mmseqs_db_10000.fasta.gz")
	text, err := os.ReadFile("testdata/related.tsv")
	if err != nil {
		t.Fatal(err)
	}
	score := map[string]int{}
	for line := range strings.Lines(string(text)) {
		var id string
		var n int
		if _, err := fmt.Sscan(line, &id, &n); err != nil {
			t.Fatal(err)
		}
		score[id] = n
	}
	var queries []sequence.Record
	for _, q := range natural(t, "uniref90_sample_8000.fasta.gz") {
		if score[q.ID] > 0 {
			queries = append(queries, q)
		}
	}
	if len(queries) != 179 {
		t.Fatalf("%d queries, want 179", len(queries))
	}
	r := find(t, queries, training, Options{})
	nearest, related := 0, 0
	for i, h := range r.Hits {
		if len(h) == 0 {
			continue
		}
		best := score[queries[i].ID]
		if h[0].Score > best {
			t.Errorf("%s scores %d, more than the best of all pairs, %d", queries[i].ID, h[0].Score, best)
		}
		if h[0].Score == best {
			nearest++
		}
		if h[0].EValue <= 1e-3 {
			related++
		}
	}
	t.Logf("the nearest of %d and a relative of %d of %d", nearest, related, len(queries))
	if nearest < 146 || related < 160 {
		t.Errorf("the nearest of %d and a relative of %d of %d, want 146 and 160", nearest, related, len(queries))
	}
}
