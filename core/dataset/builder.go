package dataset

import (
	"fmt"
	"path/filepath"
)

// NoSeparator is the Separator of data without one.
const NoSeparator int32 = -1

// BuilderOptions describe the tokens to come.
type BuilderOptions struct {
	VocabSize   int   // ids are below it; decides the width of a stored token
	Separator   int32 // put before every document, for instance <|endoftext|>; or NoSeparator
	ShardTokens int64 // a shard is closed when it has at least this many; 0 means 64 Mi
	Overwrite   bool  // replace an existing data set
}

// Builder writes a data set in one pass. It is not safe for concurrent use.
type Builder struct {
	opts     BuilderOptions
	staging  *Staging
	shard    *shardWriter
	manifest Manifest
}

// NewBuilder starts a data set that will appear as dir. Call Finish or
// Discard.
func NewBuilder(dir string, opts BuilderOptions) (*Builder, error) {
	if opts.VocabSize < 1 || opts.VocabSize > 1<<31-1 {
		return nil, fmt.Errorf("dataset: vocabulary of %d tokens, want 1 to 2^31-1", opts.VocabSize)
	}
	if opts.Separator < NoSeparator || int(opts.Separator) >= opts.VocabSize {
		return nil, fmt.Errorf("dataset: separator %d is outside the vocabulary of %d", opts.Separator, opts.VocabSize)
	}
	if opts.ShardTokens <= 0 {
		opts.ShardTokens = 64 << 20
	}
	s, err := NewStaging(dir, ManifestFile, opts.Overwrite)
	if err != nil {
		return nil, err
	}
	return &Builder{opts: opts, staging: s, manifest: Manifest{
		Format: manifestFormat, Version: manifestVersion, VocabSize: opts.VocabSize,
		TokenBytes: tokenBytes(opts.VocabSize), Separator: opts.Separator, Shards: []Shard{},
	}}, nil
}

// Add appends a document, which stays whole in one shard.
func (b *Builder) Add(tokens []int32) error {
	for i, t := range tokens {
		if t < 0 || int(t) >= b.opts.VocabSize {
			return fmt.Errorf("dataset: document %d, token %d: id %d is outside the vocabulary of %d",
				b.manifest.Documents, i, t, b.opts.VocabSize)
		}
	}
	var err error
	if b.shard == nil {
		if b.shard, err = newShardWriter(b.staging.Dir(), len(b.manifest.Shards), b.manifest.TokenBytes); err != nil {
			return b.failed(err)
		}
	}
	before := b.shard.h.tokens
	if b.opts.Separator == NoSeparator {
		err = b.shard.add(tokens)
	} else {
		err = b.shard.add([]int32{b.opts.Separator}, tokens)
	}
	if err != nil {
		return b.failed(err)
	}
	b.manifest.Documents++
	b.manifest.Tokens += b.shard.h.tokens - before
	if b.shard.h.tokens >= b.opts.ShardTokens {
		return b.endShard()
	}
	return nil
}

func (b *Builder) endShard() error {
	s, err := b.shard.finish()
	if err != nil {
		return b.failed(err)
	}
	b.manifest.Shards = append(b.manifest.Shards, s)
	b.shard = nil
	return nil
}

// Tokens returns the number of tokens added, separators included.
func (b *Builder) Tokens() int64 { return b.manifest.Tokens }

// Finish publishes the data set. On error nothing appears.
func (b *Builder) Finish(d Details) (Manifest, error) {
	if b.shard != nil {
		if err := b.endShard(); err != nil {
			b.Discard()
			return Manifest{}, err
		}
	}
	b.manifest.Details = d
	err := writeJSON(filepath.Join(b.staging.Dir(), ManifestFile), b.manifest)
	if err != nil {
		err = b.failed(err)
	} else {
		err = b.staging.Publish()
	}
	if err != nil {
		b.Discard()
		return Manifest{}, err
	}
	return b.manifest, nil
}

// Discard removes what was written. After Finish it does nothing.
func (b *Builder) Discard() error {
	if b.shard != nil {
		b.shard.close()
		b.shard = nil
	}
	return b.staging.Discard()
}

func (b *Builder) failed(err error) error {
	return fmt.Errorf("dataset: writing %s: %w", b.staging.final, err)
}
