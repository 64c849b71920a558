package novelty_test

import (
	"context"
	"fmt"

	"github.com/kiban-models/kiban/bio/novelty"
	"github.com/kiban-models/kiban/bio/sequence"
)

func Example() {
	training := func(yield func(sequence.Record, error) bool) {
		_ = yield(sequence.Record{ID: "P1", Residues: []byte("MSNGKRDWPLVQETHYAACFIGKLNSTRDEVWMPQ")}, nil) &&
			yield(sequence.Record{ID: "P2", Residues: []byte("MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSG")}, nil)
	}
	designs := []sequence.Record{{ID: "new", Residues: []byte("MKTAYIAKQRQISFVKSHFSRQLEDRLGMIEVQWPILSKVGDGTQDNLSG")}}
	r, err := novelty.Search(context.Background(), designs, training, novelty.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	hit := r.Hits[0][0]
	fmt.Printf("%s is nearest to %s: %.0f %% of its residues\n", designs[0].ID, hit.Target, 100*hit.QueryIdentity())
	m := novelty.Memorise(designs, r, novelty.MemorisationOptions{})
	fmt.Printf("longest exact match %d residues, by chance %.1f; extracted: %v\n", m.Longest, m.Recalls[0].Expected, m.Recalls[0].Extracted)
	// Output:
	// new is nearest to P2: 92 % of its residues
	// longest exact match 24 residues, by chance 2.7; extracted: false
}
