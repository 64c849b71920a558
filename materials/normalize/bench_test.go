package normalize

import (
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/token/tokentest"
)

// BenchmarkEncoder normalises and encodes real abstracts.
func BenchmarkEncoder(b *testing.B) {
	path := tokentest.Shared(b, "materials/glass_non_glass_train.csv.gz")
	lines := strings.Split(string(tokentest.TextsIn(b, path)[0]), "\n")
	size := 0
	for _, l := range lines {
		size += len(l) + 1
	}
	w := wordPiece(b, "uncased")
	for name, n := range map[string]*Normalizer{"rules": New(w), "mapping": mapping(b)} {
		b.Run(name, func(b *testing.B) {
			e := Encoder{n, w}
			b.SetBytes(int64(size))
			for b.Loop() {
				for _, l := range lines {
					e.Encode(l)
				}
			}
		})
	}
}
