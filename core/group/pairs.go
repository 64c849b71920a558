package group

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// Pair is a value under a key.
type Pair struct{ Key, Value uint64 }

const (
	pairBytes  = 16
	bucketBits = 10
	buckets    = 1 << bucketBits
	blockPairs = 1 << 10 // of a bucket, written at once
)

// Pairs collects pairs in a file and hands them back together by key. They are
// dealt to 1024 buckets by the upper bits of the key, which must therefore be
// spread evenly: a hash, not a number. Memory is 16 MiB while pairs are added,
// 1/128 of the file, and 1/1024 of the file for each thread while they are
// read, more if one key has more.
type Pairs struct {
	file   *os.File
	path   string
	n      int64
	size   int64 // of the file
	open   [buckets][]byte
	blocks [buckets][]int64 // where they begin in the file
}

// NewPairs makes the file, which must not exist.
func NewPairs(path string) (*Pairs, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, fmt.Errorf("group: %w", err)
	}
	return &Pairs{file: f, path: path}, nil
}

// Len returns the number of pairs added.
func (p *Pairs) Len() int64 { return p.n }

// Add adds a pair. It is not safe for concurrent use, and not allowed after
// Runs.
func (p *Pairs) Add(key, value uint64) error {
	k := key >> (64 - bucketBits)
	b := p.open[k]
	if b == nil {
		b = make([]byte, 0, blockPairs*pairBytes)
	}
	b = binary.LittleEndian.AppendUint64(b, key)
	b = binary.LittleEndian.AppendUint64(b, value)
	p.open[k] = b
	p.n++
	if len(b) < cap(b) {
		return nil
	}
	if _, err := p.file.WriteAt(b, p.size); err != nil {
		return fmt.Errorf("group: %w", err)
	}
	p.blocks[k] = append(p.blocks[k], p.size)
	p.size += int64(len(b))
	p.open[k] = b[:0]
	return nil
}

// Runs calls visit with the pairs of every key, sorted by value, once a key.
// Up to threads calls (0 means all processors) run at once, in any order of
// keys; visit must not hold on to the slice. The first error ends it. done, if
// not nil, is told now and then how many pairs were visited so far, by several
// goroutines at once.
func (p *Pairs) Runs(ctx context.Context, threads int, done func(int64), visit func(run []Pair) error) error {
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next, visited atomic.Int64
	var workers sync.WaitGroup
	for range min(threads, buckets) {
		workers.Go(func() {
			var pairs []Pair
			for ctx.Err() == nil {
				k := next.Add(1) - 1
				if k >= buckets {
					return
				}
				var err error
				if pairs, err = p.read(pairs[:0], int(k)); err != nil {
					cancel(err)
					return
				}
				if err := runs(ctx, pairs, visit); err != nil {
					cancel(err)
					return
				}
				if n := visited.Add(int64(len(pairs))); done != nil {
					done(n)
				}
			}
		})
	}
	workers.Wait()
	return context.Cause(ctx)
}

func runs(ctx context.Context, pairs []Pair, visit func([]Pair) error) error {
	slices.SortFunc(pairs, func(a, b Pair) int {
		if a.Key != b.Key {
			return cmp.Compare(a.Key, b.Key)
		}
		return cmp.Compare(a.Value, b.Value)
	})
	for from, n := 0, 0; from < len(pairs); n++ {
		to := from + 1
		for to < len(pairs) && pairs[to].Key == pairs[from].Key {
			to++
		}
		if n%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if err := visit(pairs[from:to]); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// read appends the pairs of a bucket to dst.
func (p *Pairs) read(dst []Pair, k int) ([]Pair, error) {
	dst = slices.Grow(dst, len(p.blocks[k])*blockPairs+len(p.open[k])/pairBytes)
	decode := func(b []byte) {
		for ; len(b) > 0; b = b[pairBytes:] {
			dst = append(dst, Pair{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])})
		}
	}
	buf := make([]byte, blockPairs*pairBytes)
	for _, at := range p.blocks[k] {
		if _, err := p.file.ReadAt(buf, at); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return dst, fmt.Errorf("group: %s: %w", p.path, err)
		}
		decode(buf)
	}
	decode(p.open[k])
	return dst, nil
}

// Close removes the file.
func (p *Pairs) Close() error {
	return errors.Join(p.file.Close(), os.Remove(p.path))
}
