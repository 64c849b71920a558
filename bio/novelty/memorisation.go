package novelty

import (
	"math"

	"github.com/kiban-models/kiban/bio/sequence"
)

// Memorisation says how much of the queries stands in the training data word
// for word.
type Memorisation struct {
	Queries   int
	Copies    int     // queries that equal a training sequence
	Extracted int     // queries for which Recall.Extracted holds
	Rate      float64 // Extracted / Queries; NaN without queries
	Longest   int     // residues of the longest match of all
	Recalls   []Recall
}

// Recall is the longest match of one query beside what chance gives.
type Recall struct {
	Match
	Share float64 // of the query's residues

	// Expected is the length of the longest match between two random texts of
	// these sizes and compositions, and Chance how many matches of the length
	// found they have on average. Both are NaN for a query without standard
	// residues. Sequences with a common ancestor share more than random ones
	// do: a match far beyond chance is either descent or memory.
	Expected  float64
	Chance    float64
	Extracted bool
}

// MemorisationOptions say which matches count. The zero value is ready.
type MemorisationOptions struct {
	Length int     // extracted: a match of so many residues; 0 means 50
	Share  float64 // or of this share of the query; 0 means 0.9
	// MaxChance is the most matches by chance at which a match counts; 0 means
	// 0.01. It keeps short queries from counting by accident.
	MaxChance float64
}

// Memorise judges the matches of a search. A query counts as extracted when it
// equals a training sequence, or when its longest match is long enough and not
// by chance.
func Memorise(seqs []sequence.Record, r *Result, o MemorisationOptions) Memorisation {
	if o.Length <= 0 {
		o.Length = 50
	}
	if o.Share <= 0 {
		o.Share = 0.9
	}
	if o.MaxChance <= 0 {
		o.MaxChance = 0.01
	}
	m := Memorisation{Queries: len(seqs), Recalls: make([]Recall, len(seqs))}
	for i, s := range seqs {
		x := Recall{Match: r.Matches[i], Share: share(r.Matches[i].Length, len(s.Residues))}
		p := coincidence(s.Residues, &r.Training.Letters)
		x.Expected, x.Chance = chance(p, len(s.Residues), r.Training.Residues, x.Length)
		long := x.Length >= o.Length || x.Length > 0 && x.Share >= o.Share
		x.Extracted = x.Copy || long && x.Chance <= o.MaxChance
		if x.Copy {
			m.Copies++
		}
		if x.Extracted {
			m.Extracted++
		}
		m.Longest = max(m.Longest, x.Length)
		m.Recalls[i] = x
	}
	m.Rate = float64(m.Extracted) / float64(m.Queries)
	return m
}

// coincidence is the probability that a residue of the query equals one of the
// training data, by their compositions.
func coincidence(query []byte, training *[256]int64) float64 {
	var mine [256]int64
	for _, c := range query {
		mine[c]++
	}
	var n, m, both float64
	for c := byte('A'); c <= 'Z'; c++ {
		if c == 'X' {
			continue
		}
		n, m = n+float64(mine[c]), m+float64(training[c])
		both += float64(mine[c]) * float64(training[c])
	}
	return both / (n * m)
}

// chance follows Arratia & Waterman (Adv. Math. 55:13, 1985) and Karlin &
// Altschul: between random texts of m and n letters that agree with probability
// p, the number of maximal matches of at least x letters is near
//
//	(1-p) m n p^x,
//
// and the longest has on average
//
//	(ln((1-p) m n) + 0.5772) / ln(1/p) - 1/2
//
// letters, the law of Erdős & Rényi for the longest run of heads with m n tosses.
func chance(p float64, query int, database int64, length int) (expected, number float64) {
	pairs := (1 - p) * float64(query) * float64(database)
	expected = (math.Log(pairs)+0.5772156649)/-math.Log(p) - 0.5
	return min(expected, float64(query)), pairs * math.Pow(p, float64(length))
}
