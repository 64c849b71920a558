package token

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/token/tokentest"
)

// materialsText returns the real sentences of the materials data.
func materialsText(t testing.TB) string {
	t.Helper()
	dir := tokentest.Shared(t, "materials")
	var b strings.Builder
	for _, name := range []string{"glass_non_glass_train.csv.gz", "sofc_exp_train_raw.tar.gz"} {
		for _, text := range tokentest.TextsIn(t, filepath.Join(dir, name)) {
			b.Write(text)
		}
	}
	return b.String()
}

// BenchmarkWordPiece encodes lines of real papers; kiban-bench has texts like
// them beside the tokenizers library.
func BenchmarkWordPiece(b *testing.B) {
	lines := strings.Split(materialsText(b), "\n")
	size := 0
	for _, l := range lines {
		size += len(l) + 1
	}
	w, err := OpenWordPiece("testdata/wordpiece/uncased")
	if err != nil {
		b.Fatal(err)
	}
	var pieces []Piece
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		for _, l := range lines {
			pieces = w.Append(pieces[:0], l)
		}
	}
}
