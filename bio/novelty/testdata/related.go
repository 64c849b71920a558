//go:build ignore

// Command related makes related.tsv by scoring all pairs: ID and best score of
// every 16th query of under 2000 residues whose best has an E-value of at most
// 1e-3.
//
//	go run related.go uniref90_sample_8000.fasta.gz uniprot_mmseqs_db_10000.fasta.gz > related.tsv
package main

import (
	"fmt"
	"log"
	"os"
	"slices"

	"github.com/kiban-models/kiban/bio/align"
	"github.com/kiban-models/kiban/bio/sequence"
)

func main() {
	var targets [][]byte
	database := int64(0)
	for _, r := range read(os.Args[2]) {
		targets = append(targets, r.Residues)
		database += int64(len(r.Residues))
	}
	var m align.ManyScorer
	scores := make([]int, len(targets))
	for i, q := range read(os.Args[1]) {
		if i%16 != 15 || len(q.Residues) >= 2000 {
			continue
		}
		m.Scores(q.Residues, targets, scores)
		if best := slices.Max(scores); align.EValue(best, len(q.Residues), database) <= 1e-3 {
			fmt.Printf("%s\t%d\n", q.ID, best)
		}
	}
}

func read(path string) (all []sequence.Record) {
	r, err := sequence.Open(path, sequence.Options{Type: sequence.Protein})
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	for x, err := range r.All() {
		if err != nil {
			log.Fatal(err)
		}
		all = append(all, x.Clone())
	}
	return all
}
