package store

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/kiban-models/kiban/climate/field"
)

// benchSeries is the file of kiban-bench's NetCDF rows: 1,460 times of 16
// variables on 32x64 cells.
func benchSeries(b *testing.B) *field.Series {
	b.Helper()
	dir := os.Getenv("KIBAN_BENCH_CLIMATE")
	if dir == "" {
		b.Skip("KIBAN_BENCH_CLIMATE names no folder; make one: kiban-bench prepare 'NetCDF: a file in order' FOLDER")
	}
	s, err := field.Open([]string{filepath.Join(dir, "series.nc")}, field.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	return s
}

const benchBatch = 8

// Random batches, normalised, of a prepared store.
func BenchmarkBatch(b *testing.B) {
	s := prepare(b, Options{Inputs: []Input{{Member: "", Series: benchSeries(b)}}, Out: filepath.Join(b.TempDir(), "d")})
	var names []string
	for _, c := range s.Channels() {
		names = append(names, c.Key)
	}
	sel, err := s.Select(names, nil)
	if err != nil {
		b.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(1, 1))
	dst, records := make([]float32, benchBatch*sel.Size()), make([]int, benchBatch)
	b.SetBytes(int64(4 * len(dst)))
	b.ReportAllocs()
	for b.Loop() {
		for i := range records {
			records[i] = rnd.IntN(s.Len())
		}
		if err := sel.Read(dst, records); err != nil {
			b.Fatal(err)
		}
	}
}

// The series in order, read from the file.
func BenchmarkStream(b *testing.B) {
	s := benchSeries(b)
	dst := make([]float32, benchBatch*s.Size())
	b.SetBytes(int64(4 * len(dst)))
	at := 0
	for b.Loop() {
		if err := s.ReadTimes(b.Context(), at, benchBatch, dst); err != nil {
			b.Fatal(err)
		}
		at = (at + benchBatch) % (len(s.Times) - benchBatch)
	}
}

// The file turned into a store.
func BenchmarkPrepare(b *testing.B) {
	s := benchSeries(b)
	dir := b.TempDir()
	b.SetBytes(int64(4 * s.Size() * len(s.Times)))
	n := 0
	for b.Loop() {
		p, err := NewPlan(Options{Inputs: []Input{{Member: "", Series: s}}, Out: filepath.Join(dir, fmt.Sprint(n))})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := p.Write(b.Context()); err != nil {
			b.Fatal(err)
		}
		n++
	}
}
