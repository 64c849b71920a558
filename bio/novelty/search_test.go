package novelty

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/bio/align"
	"github.com/kiban-models/kiban/bio/sequence"
)

const letters = "ACDEFGHIKLMNPQRSTVWY"

func random(r *rand.Rand, n int) []byte {
	s := make([]byte, n)
	for i := range s {
		s[i] = letters[r.IntN(20)]
	}
	return s
}

// mutated replaces a share of the residues.
func mutated(r *rand.Rand, s []byte, share float64) []byte {
	s = bytes.Clone(s)
	for i := range s {
		if r.Float64() < share {
			s[i] = letters[r.IntN(20)]
		}
	}
	return s
}

func records(prefix string, seqs [][]byte) []sequence.Record {
	out := make([]sequence.Record, len(seqs))
	for i, s := range seqs {
		out[i] = sequence.Record{ID: fmt.Sprint(prefix, i), Residues: s, Index: i}
	}
	return out
}

// stream overwrites its residues, as a reader does.
func stream(all []sequence.Record) iter.Seq2[sequence.Record, error] {
	return func(yield func(sequence.Record, error) bool) {
		var buf []byte
		for _, r := range all {
			buf = append(buf[:0], r.Residues...)
			r.Residues = buf
			if !yield(r, nil) {
				return
			}
		}
	}
}

func find(t *testing.T, queries, training []sequence.Record, o Options) *Result {
	t.Helper()
	r, err := Search(t.Context(), queries, stream(training), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// bruteForce reads what testdata/nearest.py computed.
func bruteForce(t *testing.T) (queries, training [][]byte, score []int, nearest [][]int64, kept []float64) {
	t.Helper()
	f, err := os.Open("testdata/nearest.tsv.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for s := bufio.NewScanner(z); s.Scan(); {
		c := strings.Split(s.Text(), "\t")
		if c[0] == "T" {
			training = append(training, []byte(c[1]))
			continue
		}
		n, err1 := strconv.Atoi(c[2])
		k, err2 := strconv.ParseFloat(c[4], 64)
		var at []int64
		for x := range strings.SplitSeq(c[3], ",") {
			i, err := strconv.ParseInt(x, 10, 64)
			err1 = errors.Join(err1, err)
			at = append(at, i)
		}
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		queries, score, nearest, kept = append(queries, []byte(c[1])), append(score, n), append(nearest, at), append(kept, k)
	}
	if len(queries) != 500 || len(training) != 500 {
		t.Fatalf("%d queries and %d training sequences, want 500 of each", len(queries), len(training))
	}
	return
}

// The nearest training sequence is the one that scoring all pairs finds:
// always, where the relation is strong, and mostly, where it is weak.
func TestNearestAgainstBruteForce(t *testing.T) {
	queries, training, score, nearest, kept := bruteForce(t)
	r := find(t, records("q", queries), records("t", training), Options{})
	type class struct {
		name    string
		least   float64 // share that must be found
		n, same int
	}
	classes := []*class{
		{name: "half or more of the residues kept", least: 1},
		{name: "E below 1e-10", least: 0.99},
		{name: "E of 1e-10 to 1e-5", least: 0.9},
		{name: "E above 1e-5", least: 0},
	}
	for i := range queries {
		e := align.EValue(score[i], len(queries[i]), r.Training.Residues)
		at := 3
		switch {
		case e < 1e-10:
			at = 1
		case e < 1e-5:
			at = 2
		}
		var hit Hit
		if len(r.Hits[i]) > 0 {
			hit = r.Hits[i][0]
		}
		if hit.Score > score[i] {
			t.Errorf("query %d scores %d, more than the best of all pairs, %d", i, hit.Score, score[i])
		}
		same := hit.Score == score[i] && slices.Contains(nearest[i], hit.TargetIndex)
		for _, k := range []int{at, 0} {
			if k == 0 && kept[i] < 0.5 {
				continue
			}
			classes[k].n++
			if same {
				classes[k].same++
			}
		}
		if kept[i] == 1 && (hit.QueryIdentity() != 1 || !r.Matches[i].Copy) {
			t.Errorf("query %d is a copy; its hit is %+v", i, hit)
		}
	}
	for _, c := range classes {
		t.Logf("%s: %d of %d", c.name, c.same, c.n)
		if c.n < 20 || float64(c.same) < c.least*float64(c.n) {
			t.Errorf("%s: the nearest of %d of %d, want %g", c.name, c.same, c.n, c.least)
		}
	}
}

func TestThreadsDoNotMatter(t *testing.T) {
	queries, training, _, _, _ := bruteForce(t)
	q := records("q", queries[:60])
	var many [][]byte // several batches
	for range 14 {
		many = append(many, training...)
	}
	many = append(many, queries[3])
	a := find(t, q, records("t", many), Options{Threads: 1, Hits: 3, Sample: 50})
	for range 2 {
		b := find(t, q, records("t", many), Options{Threads: 5, Hits: 3, Sample: 50})
		if !reflect.DeepEqual(a, b) {
			t.Fatal("one thread and five find different things")
		}
	}
	if n := a.Training.Sequences; n != int64(len(many)) || len(a.Training.Sample) != 50 {
		t.Errorf("%d sequences counted, %d in the sample", n, len(a.Training.Sample))
	}
	// Of equal training sequences the first is reported.
	if h := a.Hits[50][0]; h.TargetIndex >= 500 {
		t.Errorf("the nearest is number %d, a repetition", h.TargetIndex)
	}
	slices.Reverse(many)
	ids := func(r *Result) (out []string) {
		for _, s := range r.Training.Sample {
			out = append(out, string(s.Residues))
		}
		slices.Sort(out)
		return out
	}
	if b := find(t, q, records("t", many), Options{Sample: 50}); !slices.Equal(ids(a), ids(b)) {
		t.Error("the sample depends on the order")
	}
	chosen := Choose(records("t", many), 50)
	for i, c := range chosen {
		if i > 0 && c.Index <= chosen[i-1].Index || !slices.Contains(ids(a), string(c.Residues)) {
			t.Errorf("record %d of those chosen is %+v", i, c)
		}
	}
	if len(chosen) != 50 || len(Choose(q, 99)) != len(q) || Choose(q, 0) != nil {
		t.Errorf("chose %d", len(chosen))
	}
	if a.Training.Shortest != 60 || a.Training.Longest < 170 {
		t.Errorf("lengths %d to %d", a.Training.Shortest, a.Training.Longest)
	}
}

func TestLongSequencesAreCut(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	q, s := random(r, 9000), random(r, 12000)
	copy(s[10500:], mutated(r, q[300:700], 0.3))
	got := find(t, records("q", [][]byte{q}), records("t", [][]byte{random(r, 500), s}), Options{})
	h := got.Hits[0][0]
	if h.TargetIndex != 1 || h.QueryStart > 310 || h.QueryEnd < 690 || h.TargetStart-h.QueryStart != 10200 || h.TargetEnd > 12000 {
		t.Errorf("found %+v", h)
	}
	same := 0
	for k := range h.QueryEnd - h.QueryStart {
		if q[h.QueryStart+k] == s[h.TargetStart+k] {
			same++
		}
	}
	if h.GapOpens == 0 && same != h.Identical {
		t.Errorf("the ranges have %d equal residues, want %d", same, h.Identical)
	}
}

func TestOddInput(t *testing.T) {
	none := find(t, nil, records("t", [][]byte{[]byte("MKT")}), Options{})
	if len(none.Hits) != 0 || none.Training.Residues != 3 {
		t.Errorf("without queries: %+v", none)
	}
	q := records("q", [][]byte{[]byte("M"), []byte("XXXXXXXXXXXXXXXX"), bytes.Repeat([]byte("Q"), 300), []byte("UOBZJUOBZJUOBZJ")})
	empty := find(t, q, nil, Options{})
	if len(empty.Hits[2]) != 0 || empty.Matches[2].Length != 0 {
		t.Errorf("without training data: %+v", empty)
	}
	r := find(t, q, append(slices.Clone(q), records("t", [][]byte{nil, bytes.Repeat([]byte("Q"), 200)})...), Options{})
	if len(r.Hits[0]) != 0 || !r.Matches[0].Copy || r.Matches[1].Length != 0 || !r.Matches[1].Copy {
		t.Errorf("short and unknown: %+v", r.Matches[:2])
	}
	if h := r.Hits[2]; len(h) != 1 || h[0].Identical != 300 || h[0].TargetIndex != 2 || r.Matches[2].Length != 300 {
		t.Errorf("a run of Q: %+v, %+v", h, r.Matches[2])
	}
	if h := r.Hits[3]; len(h) != 1 || h[0].Identical != 15 {
		t.Errorf("rare letters: %+v", h)
	}
}

func TestStops(t *testing.T) {
	q := records("q", [][]byte{[]byte("MKTAYIAKQRQISFVKSHF")})
	broken := errors.New("disk on fire")
	_, err := Search(t.Context(), q, func(yield func(sequence.Record, error) bool) {
		_ = yield(q[0], nil) && yield(sequence.Record{}, broken)
	}, Options{})
	if !errors.Is(err, broken) {
		t.Errorf("error of the data: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	_, err = Search(ctx, q, func(yield func(sequence.Record, error) bool) {
		for yield(q[0], nil) {
			if n++; n == 1000 {
				cancel()
			}
		}
	}, Options{Threads: 2})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// A thousand queries of 300 residues against training sequences of 350.
func BenchmarkSearch(b *testing.B) {
	r := rand.New(rand.NewPCG(8, 8))
	var q, s [][]byte
	for range 1000 {
		q = append(q, random(r, 300))
	}
	for range 2000 {
		s = append(s, random(r, 350))
	}
	queries, training := records("q", q), records("t", s)
	for b.Loop() {
		if _, err := Search(b.Context(), queries, stream(training), Options{Candidates: 1}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(s)), "µs/training-sequence")
}
