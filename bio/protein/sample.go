package protein

import (
	"encoding/binary"
	"iter"

	"github.com/kiban-models/kiban/core/dataset"
)

// sample keeps sequences up to a budget of residues, chosen by their digests:
// when there are too many, the limit is halved and those above it go. The
// result depends only on which sequences there were.
type sample struct {
	budget   int64
	limit    uint64
	residues int64
	kept     []sampled
}

type sampled struct {
	residues []byte
	key      uint64
}

func (s *sample) add(residues []byte, d dataset.Digest) {
	key := binary.BigEndian.Uint64(d[8:]) // the split uses the other half
	if key > s.limit {
		return
	}
	s.kept = append(s.kept, sampled{append([]byte(nil), residues...), key})
	s.residues += int64(len(residues))
	for s.residues > s.budget && len(s.kept) > 1 {
		s.limit /= 2
		n := 0
		for _, k := range s.kept {
			if k.key <= s.limit {
				s.kept[n] = k
				n++
			} else {
				s.residues -= int64(len(k.residues))
			}
		}
		clear(s.kept[n:])
		s.kept = s.kept[:n]
	}
}

// words yields the lines of the text, and how often there is a line break.
func (s *sample) words() iter.Seq2[[]byte, int64] {
	return func(yield func([]byte, int64) bool) {
		breaks := int64(0)
		for _, k := range s.kept {
			breaks++
			for r := k.residues; len(r) > 0; {
				n := min(LineWidth, len(r))
				if !yield(r[:n], 1) {
					return
				}
				breaks++
				r = r[n:]
			}
		}
		if breaks > 0 {
			yield([]byte("\n"), breaks)
		}
	}
}
