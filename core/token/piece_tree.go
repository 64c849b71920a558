package token

// pieceTree finds the longest token that a text begins with: a tree of bytes
// whose edges are in one hash table, with one root for the tokens that begin a
// word and one for those that go on.
type pieceTree struct {
	edges []uint64 // (node << 8 | byte) << 32 | child, 0 if free: no edge leads to the first root
	shift uint
	ids   []int32 // of the token that ends in a node, -1 for none
}

const (
	firstPiece = iota
	laterPiece
)

// maxPieceBytes keeps the number of nodes below 1 << 24.
const maxPieceBytes = 1<<23 - 2

// newPieceTree has room for tokens of size bytes in all.
func newPieceTree(size int) pieceTree {
	bits := uint(8)
	for 1<<bits < 2*size {
		bits++
	}
	return pieceTree{edges: make([]uint64, 1<<bits), shift: 64 - bits, ids: []int32{-1, -1}}
}

// slot returns where the edge is, or the free place for it.
func (t *pieceTree) slot(node int32, c byte) *uint64 {
	key := uint64(uint32(node))<<8 | uint64(c)
	mask := uint64(len(t.edges) - 1)
	for i := key * 0x9e3779b97f4a7c15 >> t.shift; ; i = (i + 1) & mask {
		if e := &t.edges[i&mask]; *e == 0 || *e>>32 == key {
			return e
		}
	}
}

func (t *pieceTree) add(node int32, token string, id int32) {
	for i := range len(token) {
		e := t.slot(node, token[i])
		if *e == 0 {
			*e = (uint64(uint32(node))<<8|uint64(token[i]))<<32 | uint64(len(t.ids))
			t.ids = append(t.ids, -1)
		}
		node = int32(uint32(*e))
	}
	t.ids[node] = id
}

// longest returns the id and length of the longest token below node that text
// begins with, 0 bytes for none.
func (t *pieceTree) longest(node int32, text []byte) (id int32, n int) {
	for i, c := range text {
		e := *t.slot(node, c)
		if e == 0 {
			break
		}
		node = int32(uint32(e))
		if found := t.ids[node]; found >= 0 {
			id, n = found, i+1
		}
	}
	return id, n
}
