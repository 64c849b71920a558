package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"iter"
	"path/filepath"

	"github.com/kiban-models/kiban/bio/novelty"
	"github.com/kiban-models/kiban/bio/sequence"
	"github.com/kiban-models/kiban/core/checkpoint"
)

// The work of the row of nearest sequences: of every query the nearest of
// 20,000 training sequences (5.6 M residues), from files of FASTA. Half of the
// queries are training sequences in which a residue of ten was changed, half are
// random. The check is of the first kind found again. What is alike: hits with
// an E-value of at most 0.001, of up to 32 candidates a query. What is not: how
// candidates are found. Of 179 natural proteins with a relative among 10,000,
// Kiban finds the nearest for 149; MMseqs2 for 133 at its highest sensitivity,
// 7.5, which is the peer to compare with, for 112 at its default, 5.7, and for 89
// at 4. MMseqs2 gives all hits of a query and writes them to a file, Kiban the
// best one, and the longest words in common besides.
const (
	nearestTargets = 20_000
	nearestQueries = 1000
	nearestLength  = 250 // of a random query
	nearestLeast   = 100 // of a target that becomes a query: any program finds it
)

func nearestRows() []row {
	peers := []peer{
		{"MMseqs2 -s 7.5", "nearest.py", []string{"7.5"}, []string{"7.5"}},
		{"MMseqs2 -s 5.7", "nearest.py", []string{"5.7"}, []string{"5.7"}},
		{"MMseqs2 -s 4", "nearest.py", []string{"4"}, []string{"4"}},
	}
	return []row{{name: "nearest sequences", unit: "queries", prepare: nearestData, ours: nearest, peers: peers}}
}

func queriesFile(dir string) string { return filepath.Join(dir, "queries.fasta") }

// nearestData writes targets, none a copy of another, and queries of which those
// of an even number come from targets whose names they have.
func nearestData(dir string, s settings) error {
	targets, queries := nearestTargets, nearestQueries
	if s.tiny {
		targets, queries = 1000, 20
	}
	if err := writeFASTA(dir, targets, 0, 0); err != nil {
		return err
	}
	every := targets / queries
	g := newGenerator(2)
	return checkpoint.WriteFile(queriesFile(dir), func(w io.Writer) error {
		b := bufio.NewWriter(w)
		out := sequence.NewWriter(b, sequence.DefaultWidth)
		n := 0
		var failed error
		err := eachRecord(fastaFile(dir), func(r sequence.Record) {
			if r.Index < n*every || len(r.Residues) < nearestLeast || n == queries {
				return
			}
			q := sequence.Record{ID: fmt.Sprintf("random%d", n)}
			if n%2 == 0 {
				q = sequence.Record{ID: r.ID, Residues: r.Residues}
				for i := 5; i < len(q.Residues); i += 10 {
					q.Residues[i] = g.letter()
				}
			} else {
				g.fresh(nearestLength)
				q.Residues = g.sequence
			}
			n++
			if err := out.Write(q); err != nil && failed == nil {
				failed = err
			}
		})
		if err == nil {
			err = failed
		}
		if err == nil {
			err = out.Flush()
		}
		if err != nil {
			return err
		}
		return b.Flush()
	})
}

func nearest(ctx context.Context, s settings) (m measured, err error) {
	var queries []sequence.Record
	read := func() error {
		queries = queries[:0]
		return eachRecord(queriesFile(s.data), func(r sequence.Record) { queries = append(queries, r.Clone()) })
	}
	if err := read(); err != nil {
		return m, err
	}
	found := int64(0)
	m, err = clock(ctx, s, float64(len(queries)), func(int) error {
		if err := read(); err != nil {
			return err
		}
		r, err := novelty.Search(ctx, queries, records(fastaFile(s.data)), novelty.Options{MaxEValue: 1e-3})
		if err != nil {
			return err
		}
		found = 0
		for i, hits := range r.Hits {
			if len(hits) > 0 && hits[0].Target == queries[i].ID {
				found++
			}
		}
		return nil
	})
	m.Check = found
	return m, err
}

// records are those of a file.
func records(path string) iter.Seq2[sequence.Record, error] {
	return func(yield func(sequence.Record, error) bool) {
		r, err := sequence.Open(path, sequence.Options{Type: sequence.Protein})
		if err != nil {
			yield(sequence.Record{}, err)
			return
		}
		defer r.Close()
		for x, err := range r.All() {
			if !yield(x, err) {
				return
			}
		}
	}
}
