package novelty

// seedGroups are the ten letters of Murphy, Wallqvist & Levy (Protein Eng.
// 13:149, 2000): residues that replace one another in relatives are one letter,
// so that a seed outlives most substitutions.
var seedGroups = [...]string{"LVIMJ", "CU", "A", "G", "ST", "P", "FYW", "EDNQBZ", "KRO", "H"}

// seedOffsets are the places of a seed that are looked at. The gap makes
// neighbouring seeds less alike, which finds more relatives at the same cost.
var seedOffsets = [...]int{0, 1, 3, 4}

const (
	seedSpan  = 5
	seedCodes = 10 * 10 * 10 * 10
	// seedRepeats is how often one query may have the same seed in the index: in
	// a repeat the first ones find every relative.
	seedRepeats = 8
)

// seedGroup is the group of a letter, -1 for X and others.
var seedGroup = func() (t [256]int8) {
	for i := range t {
		t[i] = -1
	}
	for g, letters := range seedGroups {
		for i := range len(letters) {
			t[letters[i]] = int8(g)
		}
	}
	return t
}()

// seedCode of the residues that begin at i; false where a letter has no group.
// There must be seedSpan of them.
func seedCode(groups []int8) (int, bool) {
	code, any := 0, int8(0)
	for _, o := range seedOffsets {
		g := groups[o]
		any |= g
		code = code*len(seedGroups) + int(g)
	}
	return code, any >= 0
}

// seedExact packs the residues themselves that a seed looks at, 5 bits each.
func seedExact(residues []byte) uint32 {
	code := uint32(0)
	for _, o := range seedOffsets {
		code = code<<5 | uint32(residues[o]&31)
	}
	return code
}

// seedPlace is where a seed lies in the residues of all queries.
type seedPlace struct {
	at    int32
	exact uint32
}

// queries are the sequences looked for, one after another, with their seeds.
type queries struct {
	residues []byte  // of all
	start    []int32 // of each query in residues, and the end
	of       []int32 // query of each residue
	heads    []int32 // by seed code: its first entry in places, and the end
	places   []seedPlace
}

func newQueries(seqs [][]byte) *queries {
	q := &queries{start: make([]int32, 1, len(seqs)+1)}
	for i, s := range seqs {
		q.residues = append(q.residues, s...)
		for range s {
			q.of = append(q.of, int32(i))
		}
		q.start = append(q.start, int32(len(q.residues)))
	}
	groups := make([]int8, len(q.residues))
	for i, c := range q.residues {
		groups[i] = seedGroup[c]
	}
	q.heads = make([]int32, seedCodes+1)
	q.eachSeed(groups, func(code int, _ int32) { q.heads[code+1]++ })
	for i := range seedCodes {
		q.heads[i+1] += q.heads[i]
	}
	q.places = make([]seedPlace, q.heads[seedCodes])
	next := append([]int32(nil), q.heads[:seedCodes]...)
	q.eachSeed(groups, func(code int, at int32) {
		q.places[next[code]] = seedPlace{at, seedExact(q.residues[at:])}
		next[code]++
	})
	return q
}

// eachSeed visits the seeds to index in order.
func (q *queries) eachSeed(groups []int8, visit func(code int, at int32)) {
	seen := map[int]int{}
	for i := range len(q.start) - 1 {
		clear(seen)
		for at := q.start[i]; at+seedSpan <= q.start[i+1]; at++ {
			code, ok := seedCode(groups[at : at+seedSpan])
			if !ok {
				continue
			}
			if seen[code]++; seen[code] <= seedRepeats {
				visit(code, at)
			}
		}
	}
}

func (q *queries) sequence(i int) []byte { return q.residues[q.start[i]:q.start[i+1]] }

func (q *queries) len() int { return len(q.start) - 1 }
