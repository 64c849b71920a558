package protein

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"

	"github.com/kiban-models/kiban/core/dataset"
	"github.com/kiban-models/kiban/core/group"
)

// DefaultSimilarity joins, of two sequences that differ in one residue of ten,
// 99 pairs of 100: such have some 0.42 of their words in common, and unrelated
// ones next to none.
const DefaultSimilarity = 0.25

// Grouping says which sequences stay together when the data are divided, so
// that a model is not validated with sequences that it has all but seen. The
// zero value groups near duplicates.
type Grouping struct {
	Off bool // every sequence goes by itself
	// Similarity of near duplicates: the share of their words of five residues
	// that two sequences have in common (Jaccard index), above 0 and at most 1.
	// 0 means DefaultSimilarity.
	Similarity float64
	// Clusters is a table of MMseqs2, of two columns: representative and
	// member. Its clusters are the groups, instead of near duplicates.
	Clusters string
}

func (g *Grouping) check() error {
	if g.Similarity == 0 {
		g.Similarity = DefaultSimilarity
	}
	if !(g.Similarity > 0 && g.Similarity <= 1) {
		return fmt.Errorf("protein: similarity of near duplicates %v, want above 0 and at most 1", g.Similarity)
	}
	if g.Off && g.Clusters != "" {
		return fmt.Errorf("protein: grouping is off, and clusters are given; choose one")
	}
	return nil
}

// method is what SplitRule.Method says.
func (g *Grouping) method() string {
	switch {
	case g.Off:
		return ""
	case g.Clusters != "":
		return "clusters of a table"
	}
	return fmt.Sprintf("near duplicates, similarity %g", g.Similarity)
}

// divide finds the groups and gives every kept record its side: that of the
// member with the smallest digest. It depends on which sequences there are,
// and not on their order.
func (p *preparation) divide(ctx context.Context) error {
	sets, err := group.NewSets(p.ledger.n)
	if err != nil {
		return err
	}
	// Where nothing is divided, nothing needs to stay together.
	grouped := !p.opts.Grouping.Off && p.opts.Split.Validation > 0 && p.opts.Split.Validation < 1
	switch {
	case !grouped:
	case p.opts.Grouping.Clusters != "":
		err = p.joinClusters(ctx, sets)
	default:
		err = p.joinSimilar(ctx, sets)
	}
	if err != nil {
		return err
	}
	return p.assign(ctx, sets)
}

// assign chooses the sides, counts the groups, and what would have leaked.
func (p *preparation) assign(ctx context.Context, sets *group.Sets) error {
	first := make([]uint32, sets.Len()) // of each group: the record with the smallest digest
	size := make([]uint32, sets.Len())
	err := p.ledger.each(ctx, func(i uint32, r *row) error {
		if !kept(p.states[i]) {
			return nil
		}
		g := sets.Find(i)
		if size[g]++; size[g] == 1 {
			first[g] = i
			return nil
		}
		f, err := p.ledger.row(first[g])
		if err == nil && bytes.Compare(r.digest[:], f.digest[:]) < 0 {
			first[g] = i
		}
		return err
	})
	if err != nil {
		return err
	}
	sum := &p.summary
	for _, n := range size {
		if n > 0 {
			sum.Groups++
			sum.LargestGroup = max(sum.LargestGroup, int64(n))
		}
		if n > 1 {
			sum.NearDuplicates += int64(n)
		}
	}
	// From here on size holds which sides the members of a group are on, and
	// would be on if every sequence went by itself.
	clear(size)
	err = p.ledger.each(ctx, func(i uint32, r *row) error {
		if !kept(p.states[i]) {
			return nil
		}
		g := sets.Find(i)
		f := *r
		if first[g] != i {
			var err error
			if f, err = p.ledger.row(first[g]); err != nil {
				return err
			}
		}
		p.states[i] = p.side(&f)
		size[g] |= 1<<p.states[i] | 4<<p.side(r)
		return nil
	})
	if err != nil {
		return err
	}
	const train, trainAlone = 1 << stateTrain, 4 << stateTrain
	return p.ledger.each(ctx, func(i uint32, r *row) error {
		bits := size[sets.Find(i)]
		switch p.states[i] {
		case stateTrain:
			sum.Train.Sequences++
		case stateValidation:
			sum.Validation.Sequences++
			if bits&train != 0 {
				sum.Leaked++
			}
		default:
			return nil
		}
		if bits&trainAlone != 0 && p.side(r) == stateValidation {
			sum.LeakedAlone++
		}
		return nil
	})
}

// side is the state of a kept sequence that goes by itself.
func (p *preparation) side(r *row) byte {
	if p.opts.Split.IsValidation(r.digest) {
		return stateValidation
	}
	return stateTrain
}

// joinSimilar joins near duplicates. Sequences meet by their seeds; those with
// a seed in common are compared with the first of them, and with the one before
// in an order that puts together what goes on alike behind the seed. So the
// work grows with the number of sequences and not with its square.
func (p *preparation) joinSimilar(ctx context.Context, sets *group.Sets) error {
	pairs, err := group.NewPairs(filepath.Join(p.ws.Dir(), "seeds"))
	if err != nil {
		return err
	}
	defer pairs.Close()
	p.progress("sketching", 0, p.ledger.n)
	err = inOrder(ctx, p.opts.Threads,
		func(ctx context.Context, send func(*sketched) error) error {
			return p.ledger.stretches(ctx, p.states, func(s *stretch) error {
				k := sketches.Get().(*sketched)
				k.stretch, k.pairs = s, k.pairs[:0]
				return send(k)
			})
		},
		func(s *sketched) error { return s.sketch(p.ledger, p.states) },
		func(s *sketched) error {
			for _, e := range s.pairs {
				if err := pairs.Add(e.Key, e.Value); err != nil {
					return err
				}
			}
			p.progress("sketching", int64(s.first)+int64(len(s.rows)), p.ledger.n)
			s.release()
			sketches.Put(s)
			return nil
		})
	if err != nil {
		return err
	}
	total := pairs.Len()
	p.progress("comparing", 0, total)
	var mu sync.Mutex // of sets
	comparers := sync.Pool{New: func() any { return &comparer{ledger: p.ledger} }}
	return pairs.Runs(ctx, p.opts.Threads, func(n int64) { p.progress("comparing", n, total) }, func(run []group.Pair) error {
		if len(run) == 1 {
			return nil
		}
		c := comparers.Get().(*comparer)
		defer comparers.Put(c)
		if err := c.settle(run); err != nil {
			return err
		}
		c.first = -1
		for k := 1; k < len(run); k++ {
			for _, other := range []int{0, k - 1} {
				a, b := uint32(run[other].Value), uint32(run[k].Value)
				mu.Lock()
				together := sets.Find(a) == sets.Find(b)
				mu.Unlock()
				if together {
					continue
				}
				similarity, err := c.similarity(a, b, other == 0)
				if err != nil {
					return err
				}
				if similarity >= p.opts.Grouping.Similarity {
					mu.Lock()
					sets.Join(a, b)
					mu.Unlock()
				}
			}
		}
		return nil
	})
}

// sketched is a stretch with the seeds of its sequences: the value of a pair is
// the order among equal seeds, by context and content, and the record's number.
type sketched struct {
	*stretch
	pairs []group.Pair
}

var sketches = sync.Pool{New: func() any { return new(sketched) }}

func (s *sketched) sketch(l *ledger, states []byte) error {
	if err := s.read(l, states); err != nil {
		return err
	}
	var seeds []seed
	for k, r := range s.rows {
		i := s.first + uint32(k)
		if !kept(states[i]) {
			continue
		}
		seeds = appendSeeds(seeds[:0], s.sequence(k))
		content := uint64(r.digest[0])<<8 | uint64(r.digest[1])
		for _, e := range seeds {
			s.pairs = append(s.pairs, group.Pair{Key: e.hash, Value: uint64(e.context)<<48 | content<<32 | uint64(i)})
		}
	}
	return nil
}

// comparer is one thread's memory for comparing sequences.
type comparer struct {
	ledger  *ledger
	first   int64 // the record in a that is compared with many, -1 for none
	words   [2][]uint32
	center  []uint32
	scratch []byte
}

// settle orders by content what context and a part of the content leave open,
// so that the numbers of records do not decide.
func (c *comparer) settle(run []group.Pair) error {
	for from := 0; from < len(run); {
		to := from + 1
		for to < len(run) && run[to].Value>>32 == run[from].Value>>32 {
			to++
		}
		if to-from > 1 {
			digests := map[uint64]dataset.Digest{}
			for _, e := range run[from:to] {
				r, err := c.ledger.row(uint32(e.Value))
				if err != nil {
					return err
				}
				digests[e.Value] = r.digest
			}
			slices.SortFunc(run[from:to], func(a, b group.Pair) int {
				x, y := digests[a.Value], digests[b.Value]
				return slices.Compare(x[:], y[:])
			})
		}
		from = to
	}
	return nil
}

func (c *comparer) similarity(a, b uint32, center bool) (float64, error) {
	var err error
	if center {
		if c.first != int64(a) {
			if c.center, err = c.load(a, c.center); err != nil {
				return 0, err
			}
			c.first = int64(a)
		}
		c.words[1], err = c.load(b, c.words[1])
		return jaccard(c.center, c.words[1]), err
	}
	if c.words[0], err = c.load(a, c.words[0]); err != nil {
		return 0, err
	}
	c.words[1], err = c.load(b, c.words[1])
	return jaccard(c.words[0], c.words[1]), err
}

func (c *comparer) load(i uint32, words []uint32) ([]uint32, error) {
	r, err := c.ledger.row(i)
	if err != nil {
		return words, err
	}
	if c.scratch, err = c.ledger.sequence(r, c.scratch); err != nil {
		return words, err
	}
	return appendWords(words[:0], c.scratch), nil
}
