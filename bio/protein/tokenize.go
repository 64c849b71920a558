package protein

import (
	"context"
	"os"
	"path/filepath"
	"sync"

	"github.com/kiban-models/kiban/core/dataset"
)

var partNames = [2]string{TrainDir, ValidationDir}

// tokenized is a stretch on its way through the tokenizer.
type tokenized struct {
	*stretch
	documents [2]int64 // of each part before the stretch

	text   []byte
	tokens []int32
	ends   []int // of each kept sequence in tokens; equal where its shard was finished before
	counts [2]partCounts
}

// partCounts are of the kept sequences of a part.
type partCounts struct {
	Part
	letters [256]int64
	lengths dataset.Histogram
}

func (c *partCounts) merge(o *partCounts) {
	c.Sequences += o.Sequences
	c.Residues += o.Residues
	for l, n := range o.letters {
		c.letters[l] += n
	}
	c.lengths.Merge(o.lengths)
}

var tokenizeds = sync.Pool{New: func() any { return new(tokenized) }}

// tokenize cuts the sequences, but not the documents of each part that are
// finished.
func (t *tokenized) tokenize(l *ledger, states []byte, tokenizer Tokenizer, finished [2]int64) error {
	if err := t.read(l, states); err != nil {
		return err
	}
	t.tokens, t.ends, t.counts = t.tokens[:0], t.ends[:0], [2]partCounts{}
	document := t.documents
	for k := range t.rows {
		part := states[int(t.first)+k]
		if !kept(part) {
			continue
		}
		residues := t.sequence(k)
		c := &t.counts[part]
		c.Sequences++
		c.Residues += int64(len(residues))
		c.lengths.Add(len(residues))
		for _, r := range residues {
			c.letters[r]++
		}
		if document[part] >= finished[part] {
			t.text = AppendText(t.text[:0], residues)
			t.tokens = tokenizer.Append(t.tokens, t.text)
		}
		document[part]++
		t.ends = append(t.ends, len(t.tokens))
	}
	return nil
}

// tokenize is the phase that writes both data sets, shard by shard.
func (p *preparation) tokenize(ctx context.Context, v Vocabulary) error {
	var parts [2]*dataset.Builder
	var finished [2]int64
	for i, name := range partNames {
		dir := filepath.Join(p.ws.Out(), name)
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return err
		}
		shards := p.journal.shards[name]
		for k, s := range shards {
			if err := dataset.CheckShard(dir, s); err != nil {
				shards = shards[:k] // made once more, with those behind it
				break
			}
			finished[i] += s.Documents
		}
		b, err := dataset.ContinueBuilder(dir, dataset.BuilderOptions{
			VocabSize: v.Tokenizer.VocabSize(), Separator: v.EndOfText, ShardTokens: p.opts.ShardTokens,
			ShardDone: func(s dataset.Shard) error { return p.journal.shard(name, s) },
		}, shards)
		if err != nil {
			return err
		}
		defer b.Discard()
		parts[i] = b
	}
	var total, done int64
	if info, err := p.ledger.residues.Stat(); err == nil {
		total = info.Size()
	}
	p.progress("tokenizing", 0, total)
	var counts, seen [2]partCounts
	err := inOrder(ctx, p.opts.Threads,
		func(ctx context.Context, send func(*tokenized) error) error {
			var documents [2]int64
			return p.ledger.stretches(ctx, p.states, func(s *stretch) error {
				t := tokenizeds.Get().(*tokenized)
				t.stretch, t.documents = s, documents
				for k := range s.rows {
					if part := p.states[int(s.first)+k]; kept(part) {
						documents[part]++
					}
				}
				return send(t)
			})
		},
		func(t *tokenized) error { return t.tokenize(p.ledger, p.states, v.Tokenizer, finished) },
		func(t *tokenized) error {
			from, k := 0, 0
			for i := range t.rows {
				part := p.states[int(t.first)+i]
				if !kept(part) {
					continue
				}
				if seen[part].Sequences++; seen[part].Sequences > finished[part] {
					if err := parts[part].Add(t.tokens[from:t.ends[k]]); err != nil {
						return err
					}
				}
				from = t.ends[k]
				k++
			}
			for i := range counts {
				counts[i].merge(&t.counts[i])
			}
			done = t.from + int64(len(t.residues))
			p.progress("tokenizing", done, total)
			t.release()
			tokenizeds.Put(t)
			return nil
		})
	if err != nil {
		return err
	}
	return p.finishParts(parts, counts, v)
}

// finishParts writes the manifests and completes the summary.
func (p *preparation) finishParts(parts [2]*dataset.Builder, counts [2]partCounts, v Vocabulary) error {
	sum := &p.summary
	sum.Split = p.splitRule()
	sum.VocabSize = v.Tokenizer.VocabSize()
	sum.Residues = map[string]int64{}
	var all dataset.Histogram
	for i, b := range parts {
		counts[i].Tokens = b.Tokens()
		sum.Tokens += b.Tokens()
		all.Merge(counts[i].lengths)
		symbols := map[string]int64{}
		for c, n := range counts[i].letters {
			if n > 0 {
				symbols[string(rune(c))] = n
				sum.Residues[string(rune(c))] += n
			}
		}
		_, err := b.Finish(dataset.Details{Part: partNames[i], Split: &sum.Split, Tokenizer: v.SHA256,
			Sources: sum.Sources, Symbols: symbols, Lengths: counts[i].lengths.Bins()})
		if err != nil {
			return err
		}
	}
	sum.Train, sum.Validation = counts[0].Part, counts[1].Part
	sum.Lengths = all.Bins()
	sum.ResiduesPerToken = float64(sum.Train.Residues+sum.Validation.Residues) / float64(sum.Tokens)
	return nil
}
