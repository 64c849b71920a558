package protein

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"

	"github.com/kiban-models/kiban/bio/sequence"
	"github.com/kiban-models/kiban/core/dataset"
)

// Names inside the directory that Prepare writes.
const (
	TrainDir      = "train"
	ValidationDir = "validation"
	TokenizerDir  = "tokenizer"
	SummaryFile   = "prepare.json"
)

// Tokenizer cuts text into tokens. It must be safe for concurrent use.
type Tokenizer interface {
	// Append appends the ids of text to dst.
	Append(dst []int32, text []byte) []int32
	VocabSize() int
}

// Vocabulary is a tokenizer with what a data set has to know of it.
type Vocabulary struct {
	Tokenizer Tokenizer
	EndOfText int32                  // id of <|endoftext|>
	SHA256    string                 // recorded in the manifests; "" takes that of HashFile
	HashFile  string                 // among the files saved, the one that says all
	Save      func(dir string) error // writes its files; nil when there is nothing to save
}

// PrepareOptions say what goes into a data set and how.
type PrepareOptions struct {
	Inputs []string // FASTA files, plain or compressed; "-" or none is standard input
	Out    string   // directory to make

	// Reader says what happens to unclean records. Its Type is Unknown to
	// refuse input that looks like nucleotides, or Protein to insist.
	Reader    sequence.Options
	MinLength int   // shorter sequences are left out
	MaxLength int   // longer ones too; 0 means no limit
	Limit     int64 // sequences to read; 0 means all

	// Split divides by content. Its zero value keeps everything for training.
	Split dataset.SplitRule

	// Vocabulary cuts the text. Without one (nil Tokenizer), Train makes one
	// of VocabSize tokens from the training sequences.
	Vocabulary Vocabulary
	VocabSize  int // 0 means 8192
	// Train learns a vocabulary from the words of the text and how often they
	// occur: lines of up to 60 residues, and the line break. nil means
	// TrainBPE.
	Train func(ctx context.Context, words iter.Seq2[[]byte, int64], vocabSize int) (Vocabulary, error)
	// TrainResidues bounds the sample given to Train, and its memory; 0 means
	// 16 Mi, for which TrainBPE takes some 500 MB. The sample is chosen by
	// content, so it does not depend on order.
	TrainResidues int64

	ShardTokens int64 // see dataset.BuilderOptions
	Threads     int   // 0 means all; the result does not depend on it
	Overwrite   bool  // replace an earlier result

	// Progress, if set, is told of bytes of input (phases "reading" and
	// "tokenizing") or residues (phase "training tokenizer", before and after).
	Progress func(phase string, done, total int64)
}

// Prepare turns FASTA files into two data sets of tokens, train and
// validation, in the new directory opts.Out, and leaves a Summary there. It
// validates every record, drops exact duplicates, and divides by content.
// Memory is bounded but for 20 to 40 bytes a sequence. Equal input and options
// give equal bytes. On error, and when ctx ends, nothing appears.
func Prepare(ctx context.Context, opts PrepareOptions) (Summary, error) {
	if err := opts.complete(); err != nil {
		return Summary{}, err
	}
	staging, err := dataset.NewStaging(opts.Out, SummaryFile, opts.Overwrite)
	if err != nil {
		return Summary{}, err
	}
	defer staging.Discard()
	s, err := prepare(ctx, &opts, staging)
	var input *sequence.Error
	switch {
	case err == nil:
		return s, nil
	case errors.As(err, &input): // names the file and the place
		return Summary{}, input
	}
	return Summary{}, fmt.Errorf("%s: nothing was written: %w", opts.Out, err)
}

func (o *PrepareOptions) complete() error {
	if o.Out == "" {
		return fmt.Errorf("protein: no output directory given")
	}
	if len(o.Inputs) == 0 {
		o.Inputs = []string{"-"}
	}
	if o.MinLength < 0 || o.MaxLength < 0 || o.MaxLength > 0 && o.MinLength > o.MaxLength {
		return fmt.Errorf("protein: lengths of %d to %d residues leave nothing", o.MinLength, o.MaxLength)
	}
	if t := o.Reader.Type; t == sequence.DNA || t == sequence.RNA {
		return fmt.Errorf("protein: sequence type %v, want protein", t)
	}
	if err := o.Split.Check(); err != nil {
		return err
	}
	if o.Train == nil {
		o.Train = TrainBPE
	}
	if o.VocabSize == 0 {
		o.VocabSize = 8192
	}
	if o.TrainResidues <= 0 {
		o.TrainResidues = 16 << 20
	}
	if o.Reader.MaxResidues <= 0 {
		o.Reader.MaxResidues = 64 << 20 // the longest protein known has 36,000
	}
	if o.Progress == nil {
		o.Progress = func(string, int64, int64) {}
	}
	return nil
}

func prepare(ctx context.Context, opts *PrepareOptions, staging *dataset.Staging) (Summary, error) {
	in, err := openInputs(opts, staging.Dir())
	if err != nil {
		return Summary{}, err
	}
	vocab := opts.Vocabulary
	var first *scan
	if vocab.Tokenizer == nil {
		if first, vocab, err = trainVocabulary(ctx, opts, in); err != nil {
			return Summary{}, err
		}
	}
	if vocab.Save != nil {
		dir := filepath.Join(staging.Dir(), TokenizerDir)
		if err := os.Mkdir(dir, 0o777); err != nil {
			return Summary{}, err
		}
		if err := vocab.Save(dir); err != nil {
			return Summary{}, err
		}
		if vocab.SHA256 == "" && vocab.HashFile != "" {
			b, err := os.ReadFile(filepath.Join(dir, vocab.HashFile))
			if err != nil {
				return Summary{}, err
			}
			vocab.SHA256 = fmt.Sprintf("%x", sha256.Sum256(b))
		}
	}
	second := newScan(opts, in, "tokenizing")
	summary, err := writeParts(ctx, opts, second, vocab, staging.Dir())
	if err != nil {
		return Summary{}, err
	}
	if first != nil {
		if err := first.sameAs(second); err != nil {
			return Summary{}, err
		}
	}
	if err := in.removeSpool(); err != nil {
		return Summary{}, err
	}
	b, err := json.MarshalIndent(summary, "", "  ")
	if err != nil {
		return Summary{}, err
	}
	if err := os.WriteFile(filepath.Join(staging.Dir(), SummaryFile), append(b, '\n'), 0o666); err != nil {
		return Summary{}, err
	}
	return summary, staging.Publish()
}

// trainVocabulary reads everything once, which also finds every bad record
// before the long work starts.
func trainVocabulary(ctx context.Context, opts *PrepareOptions, in *inputs) (*scan, Vocabulary, error) {
	s := newScan(opts, in, "reading")
	sample := sample{budget: opts.TrainResidues, limit: ^uint64(0)}
	err := s.run(ctx, func(residues []byte, d dataset.Digest, validation bool) error {
		if !validation {
			sample.add(residues, d)
		}
		return nil
	})
	if err != nil {
		return nil, Vocabulary{}, err
	}
	opts.Progress("training tokenizer", 0, sample.residues)
	v, err := opts.Train(ctx, sample.words(), opts.VocabSize)
	if err != nil {
		return nil, Vocabulary{}, fmt.Errorf("training the tokenizer: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return nil, Vocabulary{}, err
	}
	opts.Progress("training tokenizer", sample.residues, sample.residues)
	return s, v, nil
}
