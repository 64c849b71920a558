package novelty

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/kiban-models/kiban/bio/sequence"
)

// Options of Search. The zero value is ready.
type Options struct {
	// Candidates is how many training sequences a query are scored with gaps; 0
	// means 32.
	Candidates int
	// Hits is how many of them a query are aligned and returned; 0 means 1.
	Hits int
	// MaxEValue, if above 0, leaves out hits beyond it without aligning them.
	MaxEValue float64
	// Sample is how many training sequences to keep for comparisons. They are
	// chosen by content, so that order and threads do not matter.
	Sample int
	// Threads is the number of goroutines; 0 means all processors.
	Threads int
	// SkipSelf leaves out the training sequence with a query's own number, for
	// a set that is compared with itself.
	SkipSelf bool
	// Progress, if set, is told of training sequences read (phase "searching")
	// and queries aligned (phase "aligning"); total is 0 when not known. It is
	// called by one goroutine at a time.
	Progress func(phase string, done, total int64)
}

// Training is what was seen of the training data.
type Training struct {
	Sequences int64
	Residues  int64
	Shortest  int // residues of the shortest sequence, and of the longest
	Longest   int
	Letters   [256]int64
	Sample    []sequence.Record
}

// Result of a search, by query where it is a slice.
type Result struct {
	Hits     [][]Hit // nearest first; empty where no training sequence shares a seed
	Matches  []Match
	Training Training
}

// maxQueryResidues is what 32-bit places allow.
const maxQueryResidues = 1 << 30

// Search looks for each query in the training sequences, which are read once.
// Residues are upper-case letters. It needs about 130 bytes a residue of the
// queries and 5 more for each thread, a copy of every candidate, and up to 100
// megabytes a thread to align long ones.
func Search(ctx context.Context, seqs []sequence.Record, training iter.Seq2[sequence.Record, error], opts Options) (*Result, error) {
	if opts.Candidates <= 0 {
		opts.Candidates = 32
	}
	if opts.Hits <= 0 {
		opts.Hits = 1
	}
	opts.Candidates = max(opts.Candidates, opts.Hits)
	if opts.Threads <= 0 {
		opts.Threads = runtime.GOMAXPROCS(0)
	}
	if opts.Progress == nil {
		opts.Progress = func(string, int64, int64) {}
	}
	total := 0
	residues := make([][]byte, len(seqs))
	for i, s := range seqs {
		residues[i] = s.Residues
		if total += len(s.Residues); total > maxQueryResidues {
			return nil, fmt.Errorf("novelty: queries of more than %d residues, wanted fewer: search in parts", maxQueryResidues)
		}
	}
	s := &search{opts: opts, q: newQueries(residues, opts.Threads), lists: make([]shortlist, len(seqs))}
	for i := range s.lists {
		s.lists[i].limit = opts.Candidates
	}
	s.words = newWords(s.q)
	s.sample.limit = opts.Sample
	if err := s.stream(ctx, training); err != nil {
		return nil, err
	}
	hits, err := s.align(ctx)
	if err != nil {
		return nil, err
	}
	s.training.Sample = s.sample.records()
	return &Result{Hits: hits, Matches: s.words.found, Training: s.training}, nil
}

type search struct {
	opts     Options
	q        *queries
	words    *words
	lists    []shortlist
	sample   sample
	training Training
}

// batch is some training sequences on their way to a goroutine.
type batch struct {
	first    int64 // number of the first
	ids      []string
	residues []byte
	ends     []int
}

const batchResidues = 256 << 10

// stream reads the training data in this goroutine and searches in others.
func (s *search) stream(ctx context.Context, training iter.Seq2[sequence.Record, error]) error {
	work := make(chan *batch, s.opts.Threads)
	free := make(chan *batch, 2*s.opts.Threads+1)
	var workers sync.WaitGroup
	var letters = make([][256]int64, s.opts.Threads)
	for i := range s.opts.Threads {
		workers.Go(func() {
			p, m := newPrefilter(s.q), &matcher{w: s.words}
			for b := range work {
				s.search(p, m, b, &letters[i])
				select {
				case free <- b:
				default:
				}
			}
		})
	}
	err := s.read(ctx, training, work, free)
	close(work)
	workers.Wait()
	for _, l := range letters {
		for c, n := range l {
			s.training.Letters[c] += n
		}
	}
	return err
}

func (s *search) read(ctx context.Context, training iter.Seq2[sequence.Record, error], work, free chan *batch) error {
	fresh := func() *batch {
		select {
		case b := <-free:
			*b = batch{ids: b.ids[:0], residues: b.residues[:0], ends: b.ends[:0]}
			return b
		default:
			return &batch{}
		}
	}
	t := &s.training
	b := fresh()
	send := func() error {
		select {
		case work <- b:
		case <-ctx.Done():
			return ctx.Err()
		}
		s.opts.Progress("searching", t.Sequences, 0)
		b = fresh()
		b.first = t.Sequences
		return nil
	}
	for r, err := range training {
		if err != nil {
			return err
		}
		b.ids = append(b.ids, r.ID)
		b.residues = append(b.residues, r.Residues...)
		b.ends = append(b.ends, len(b.residues))
		t.Sequences++
		t.Residues += int64(len(r.Residues))
		if t.Sequences == 1 || len(r.Residues) < t.Shortest {
			t.Shortest = len(r.Residues)
		}
		t.Longest = max(t.Longest, len(r.Residues))
		if len(b.residues) >= batchResidues {
			if err := send(); err != nil {
				return err
			}
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return send()
}

func (s *search) search(p *prefilter, m *matcher, b *batch, letters *[256]int64) {
	b.each(func(i int, residues []byte) {
		for _, c := range residues {
			letters[c]++
		}
		index := b.first + int64(i)
		m.run(b.ids[i], index, residues)
		s.sample.offer(b.ids[i], index, residues)
	})
	kept := make([]*target, len(b.ends))
	for k := range s.q.blocks {
		b.each(func(i int, residues []byte) {
			p.run(&s.q.blocks[k], residues)
			index := b.first + int64(i)
			for _, query := range p.hit {
				seg := p.best[query]
				if !s.lists[query].wants(seg.score) || s.opts.SkipSelf && int64(query) == index {
					continue
				}
				if kept[i] == nil {
					kept[i] = &target{index, strings.Clone(b.ids[i]), bytes.Clone(residues)}
				}
				s.lists[query].offer(candidate{seg, kept[i]})
			}
		})
	}
}

// each visits the sequences.
func (b *batch) each(visit func(i int, residues []byte)) {
	from := 0
	for i, to := range b.ends {
		visit(i, b.residues[from:to])
		from = to
	}
}

// align scores the candidates of every query with gaps, and aligns the best.
func (s *search) align(ctx context.Context) ([][]Hit, error) {
	hits := make([][]Hit, s.q.len())
	var next, done atomic.Int64
	var mu sync.Mutex
	var failed error
	var workers sync.WaitGroup
	for range s.opts.Threads {
		workers.Go(func() {
			a := newRanker(s.q, s.training.Residues, s.opts)
			for {
				i := int(next.Add(1) - 1)
				if i >= s.q.len() || ctx.Err() != nil {
					return
				}
				h, err := a.rank(i, s.lists[i].heap)
				mu.Lock()
				if hits[i] = h; err != nil && failed == nil {
					failed = err
				}
				s.opts.Progress("aligning", done.Add(1), int64(s.q.len()))
				mu.Unlock()
				s.lists[i].heap = nil
				if err != nil {
					return
				}
			}
		})
	}
	workers.Wait()
	if failed == nil {
		failed = ctx.Err()
	}
	return hits, failed
}
