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

	// ShardDone, if set, is told of every shard when it is complete and on
	// disk. An error ends the work.
	ShardDone func(Shard) error
}

// Builder writes a data set in one pass. It is not safe for concurrent use.
type Builder struct {
	opts     BuilderOptions
	dir      string   // where the files go
	staging  *Staging // of dir; nil if the caller publishes it
	shard    *shardWriter
	manifest Manifest
}

// NewBuilder starts a data set that will appear as dir. Call Finish or
// Discard.
func NewBuilder(dir string, opts BuilderOptions) (*Builder, error) {
	b, err := newBuilder(opts)
	if err != nil {
		return nil, err
	}
	if b.staging, err = NewStaging(dir, ManifestFile, opts.Overwrite); err != nil {
		return nil, err
	}
	b.dir = b.staging.Dir()
	return b, nil
}

// ContinueBuilder goes on with a data set in an existing directory that the
// caller publishes or removes: after the shards that an earlier Builder
// finished, of which CheckShard thinks well, come the documents behind theirs.
// With no shards it begins one. Discard leaves the files.
func ContinueBuilder(dir string, opts BuilderOptions, finished []Shard) (*Builder, error) {
	b, err := newBuilder(opts)
	if err != nil {
		return nil, err
	}
	b.dir = dir
	for _, s := range finished {
		b.manifest.Shards = append(b.manifest.Shards, s)
		b.manifest.Documents += s.Documents
		b.manifest.Tokens += s.Tokens
	}
	return b, nil
}

// CheckShard compares the files of a shard with what is known of them.
func CheckShard(dir string, s Shard) error {
	for _, f := range []struct{ name, want string }{{s.File, s.SHA256}, {s.Index, s.IndexSHA256}} {
		path := filepath.Join(dir, f.name)
		got, err := HashFile(path)
		if err != nil {
			return err
		}
		if got != f.want {
			return fmt.Errorf("%s: SHA-256 is %s, want %s", path, got, f.want)
		}
	}
	return nil
}

func newBuilder(opts BuilderOptions) (*Builder, error) {
	if opts.VocabSize < 1 || opts.VocabSize > 1<<31-1 {
		return nil, fmt.Errorf("dataset: vocabulary of %d tokens, want 1 to 2^31-1", opts.VocabSize)
	}
	if opts.Separator < NoSeparator || int(opts.Separator) >= opts.VocabSize {
		return nil, fmt.Errorf("dataset: separator %d is outside the vocabulary of %d", opts.Separator, opts.VocabSize)
	}
	if opts.ShardTokens <= 0 {
		opts.ShardTokens = 64 << 20
	}
	return &Builder{opts: opts, manifest: Manifest{
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
		if b.shard, err = newShardWriter(b.dir, len(b.manifest.Shards), b.manifest.TokenBytes); err != nil {
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
	if b.opts.ShardDone != nil {
		return b.opts.ShardDone(s)
	}
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
	err := WriteManifest(filepath.Join(b.dir, ManifestFile), b.manifest)
	if err != nil {
		err = b.failed(err)
	} else if b.staging != nil {
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
	if b.staging == nil {
		return nil
	}
	return b.staging.Discard()
}

func (b *Builder) failed(err error) error {
	dir := b.dir
	if b.staging != nil {
		dir = b.staging.final
	}
	return fmt.Errorf("dataset: writing %s: %w", dir, err)
}
