//go:build cgo && !nonetcdf

package netcdf

import "encoding/binary"

// What we ask of a reading process: a kind, the number of words that follow,
// and those words, little-endian. An open file comes with its first byte.
const (
	askOpen  = 'o' // size of the file, where its superblock is
	askRead  = 'r' // the variable, and start and count of each dimension
	askClose = 'x' // and be ready for another file
)

const (
	requestHead  = 8
	requestWords = 2 + 2*maxRank
)

func appendRequest(b []byte, kind byte, words ...int) []byte {
	b = append(b, 'k', 'b', 'n', kind)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(words)))
	for _, w := range words {
		b = binary.LittleEndian.AppendUint64(b, uint64(w))
	}
	return b
}
