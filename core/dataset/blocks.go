package dataset

import "fmt"

// IgnoreTarget in targets is a place that counts for no loss.
const IgnoreTarget int32 = -100

// BlockOptions choose the view of a data set for training.
type BlockOptions struct {
	Length  int    // tokens a block
	Seed    uint64 // of the order
	InOrder bool   // blocks in order of the data, the same in every epoch
	Rank    int    // which of Ranks processes this is; each gets other blocks
	Ranks   int    // 0 means 1
}

// Blocks is the stream of all documents cut into blocks of equal length, as
// GPT-2 is trained: a block may hold the end of one document and the beginning
// of the next, and the separator between them is how the model learns where
// documents end. Every token but the first of the data set is the target of
// one place of one block; what does not fill the last block is left out.
type Blocks struct {
	d    *Dataset
	opts BlockOptions
	n    int64
}

// Blocks returns a view. The data set must hold at least one block.
func (d *Dataset) Blocks(opts BlockOptions) (*Blocks, error) {
	if opts.Ranks == 0 {
		opts.Ranks = 1
	}
	if opts.Length < 1 || opts.Ranks < 1 || opts.Rank < 0 || opts.Rank >= opts.Ranks {
		return nil, fmt.Errorf("dataset: blocks of %d tokens for rank %d of %d", opts.Length, opts.Rank, opts.Ranks)
	}
	b := &Blocks{d: d, opts: opts, n: (d.Tokens() - 1) / int64(opts.Length)}
	if b.n < 1 {
		return nil, fmt.Errorf("%s: %d tokens are too few for one block of %d and its last target; give more data or a shorter block", d.dir, d.Tokens(), opts.Length)
	}
	return b, nil
}

// Len returns the number of blocks, which is one epoch for all ranks together.
func (b *Blocks) Len() int64 { return b.n }

// Steps returns the number of batches of rows that cover an epoch, all ranks
// working, rounded up.
func (b *Blocks) Steps(rows int) int64 {
	per := int64(rows) * int64(b.opts.Ranks)
	return (b.n + per - 1) / per
}

// Batch fills tokens and targets, [rows, Length] each, with the blocks of a
// step, counted from 0 over all epochs. Targets are the tokens one place on.
// It allocates nothing, and depends on nothing but the arguments and options.
func (b *Blocks) Batch(step int64, tokens, targets []int32) error {
	rows := len(tokens) / b.opts.Length
	if rows < 1 || len(tokens) != rows*b.opts.Length || len(targets) != len(tokens) || step < 0 {
		return fmt.Errorf("dataset: step %d into %d tokens and %d targets, want equal multiples of %d", step, len(tokens), len(targets), b.opts.Length)
	}
	first := (step*int64(b.opts.Ranks) + int64(b.opts.Rank)) * int64(rows)
	for r := range rows {
		from, to := r*b.opts.Length, (r+1)*b.opts.Length
		b.sample(first+int64(r), tokens[from:to], targets[from:to])
	}
	return nil
}

// sample reads the block at place n of the endless order.
func (b *Blocks) sample(n int64, tokens, targets []int32) {
	epoch, i := n/b.n, n%b.n
	if !b.opts.InOrder {
		p := NewPermutation(b.n, b.opts.Seed, epoch)
		i = p.At(i)
	}
	at := i * int64(b.opts.Length)
	b.d.Read(tokens, at)
	b.d.Read(targets, at+1)
}
