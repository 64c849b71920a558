package protein

import (
	"context"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/kiban-models/kiban/core/dataset"
)

// batchResidues is the work handed to a thread at a time.
const batchResidues = 128 << 10

// batch is some sequences on their way through the tokenizer.
type batch struct {
	residues   []byte
	ends       []int // in residues
	validation []bool

	tokens    []int32
	tokenEnds []int
	done      chan struct{}
}

func (b *batch) tokenize(t Tokenizer) {
	defer close(b.done)
	var text []byte
	from := 0
	for _, to := range b.ends {
		text = AppendText(text[:0], b.residues[from:to])
		b.tokens = t.Append(b.tokens, text)
		b.tokenEnds = append(b.tokenEnds, len(b.tokens))
		from = to
	}
}

// tokenizeAll runs the scan and hands the tokens of every sequence to add, in
// the order of the scan whatever the number of threads.
func tokenizeAll(ctx context.Context, s *scan, t Tokenizer, threads int, add func(tokens []int32, validation bool) error) error {
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	work, order := make(chan *batch), make(chan *batch, 2*threads)
	var workers sync.WaitGroup
	for range threads {
		workers.Go(func() {
			for b := range work {
				b.tokenize(t)
			}
		})
	}
	var scanErr error
	workers.Go(func() {
		defer close(order)
		defer close(work)
		cur := &batch{}
		send := func() error {
			b := cur
			b.done = make(chan struct{})
			cur = &batch{}
			select {
			case order <- b:
			case <-ctx.Done():
				return ctx.Err()
			}
			// Once in order it must be worked on, or the reader of order waits
			// for ever; workers always come back for more.
			work <- b
			return nil
		}
		scanErr = s.run(ctx, func(residues []byte, _ dataset.Digest, validation bool) error {
			cur.residues = append(cur.residues, residues...)
			cur.ends = append(cur.ends, len(cur.residues))
			cur.validation = append(cur.validation, validation)
			if len(cur.residues) >= batchResidues {
				return send()
			}
			return nil
		})
		if scanErr == nil && len(cur.ends) > 0 {
			scanErr = send()
		}
	})
	var addErr error
	for b := range order {
		<-b.done
		from := 0
		for i, to := range b.tokenEnds {
			if addErr == nil {
				if addErr = add(b.tokens[from:to], b.validation[i]); addErr != nil {
					cancel()
				}
			}
			from = to
		}
	}
	workers.Wait()
	if addErr != nil {
		return addErr
	}
	return scanErr
}

// writeParts tokenises the second time through the data and writes both sets.
func writeParts(ctx context.Context, opts *PrepareOptions, s *scan, v Vocabulary, dir string) (Summary, error) {
	var parts [2]*dataset.Builder
	names := [2]string{TrainDir, ValidationDir}
	for i := range parts {
		b, err := dataset.NewBuilder(filepath.Join(dir, names[i]), dataset.BuilderOptions{
			VocabSize: v.Tokenizer.VocabSize(), Separator: v.EndOfText, ShardTokens: opts.ShardTokens,
		})
		if err != nil {
			return Summary{}, err
		}
		defer b.Discard()
		parts[i] = b
	}
	err := tokenizeAll(ctx, s, v.Tokenizer, opts.Threads, func(tokens []int32, validation bool) error {
		if validation {
			return parts[1].Add(tokens)
		}
		return parts[0].Add(tokens)
	})
	if err != nil {
		return Summary{}, err
	}
	sum := s.summary
	sum.Split = opts.Split
	sum.VocabSize = v.Tokenizer.VocabSize()
	sum.Residues = map[string]int64{}
	var all dataset.Histogram
	for i, b := range parts {
		s.kept[i].Tokens = b.Tokens()
		sum.Tokens += b.Tokens()
		all.Merge(s.lengths[i])
		symbols := map[string]int64{}
		for c, n := range s.letters[i] {
			if n > 0 {
				symbols[string(rune(c))] = n
				sum.Residues[string(rune(c))] += n
			}
		}
		_, err := b.Finish(dataset.Details{Part: names[i], Split: &opts.Split, Tokenizer: v.SHA256,
			Sources: sum.Sources, Symbols: symbols, Lengths: s.lengths[i].Bins()})
		if err != nil {
			return Summary{}, err
		}
	}
	sum.Train, sum.Validation = s.kept[0], s.kept[1]
	sum.Lengths = all.Bins()
	sum.ResiduesPerToken = float64(sum.Train.Residues+sum.Validation.Residues) / float64(sum.Tokens)
	return sum, nil
}
