package protein

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"

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
	// Grouping says what it keeps together.
	Split    dataset.SplitRule
	Grouping Grouping

	// Vocabulary cuts the text. Without one (nil Tokenizer), Train makes one
	// of VocabSize tokens from the training sequences.
	Vocabulary Vocabulary
	VocabSize  int // 0 means 8192
	// Train learns a vocabulary from the words of the text and how often they
	// occur: lines of up to 60 residues, and the line break. nil means
	// TrainBPE.
	Train func(ctx context.Context, words iter.Seq2[[]byte, int64], vocabSize int) (Vocabulary, error)
	// Load reads again what the Vocabulary from Train saved, when a run goes
	// on. nil means LoadBPE; with a Train and without a Load, Train is called
	// again.
	Load func(dir string) (Vocabulary, error)
	// TrainResidues bounds the sample given to Train, and its memory; 0 means
	// 16 Mi, for which TrainBPE takes some 500 MB. The sample is chosen by
	// content, so it does not depend on order.
	TrainResidues int64

	ShardTokens int64 // see dataset.BuilderOptions
	Threads     int   // 0 means all; the result does not depend on it
	Overwrite   bool  // replace an earlier result, or what an interrupted run left
	Resume      bool  // go on with what an interrupted run left, if there is any

	// Progress, if set, is told how far a phase is: bytes of input ("reading"),
	// residues ("training tokenizer", "tokenizing"), lines ("reading
	// clusters"), records (all others). total is 0 when it is not known.
	Progress func(phase string, done, total int64)
	// Warn, if set, is told of what is no error and deserves attention.
	Warn func(text string)
}

// ErrUnfinished is in the chain of errors of a Prepare that can go on: call it
// again with Resume.
var ErrUnfinished = errors.New("not finished")

// Prepare turns FASTA files into two data sets of tokens, train and
// validation, in the new directory opts.Out, and leaves a Summary there. It
// validates every record, drops exact duplicates, and divides by content, near
// duplicates together. Equal input and options give equal bytes, however often
// the work was interrupted.
//
// Memory is some 200 MB and 13 bytes a record; the rest is on disk beside Out:
// a byte a residue and 52 a record, and while near duplicates are looked for
// 256 a record.
//
// What is finished when ctx ends, the disk is full, or the process is killed is
// kept beside Out, and a call with Resume goes on there. Other errors leave
// nothing.
func Prepare(ctx context.Context, opts PrepareOptions) (Summary, error) {
	if err := opts.complete(); err != nil {
		return Summary{}, err
	}
	ws, err := dataset.OpenWorkspace(opts.Out, SummaryFile, dataset.WorkspaceOptions{
		Overwrite: opts.Overwrite, Resume: opts.Resume, Unlocked: func(err error) {
			opts.Warn(fmt.Sprintf("%s: %v; make sure that no other process makes it", opts.Out, err))
		}})
	if err != nil {
		return Summary{}, err
	}
	p := &preparation{opts: &opts, ws: ws}
	err = p.run(ctx)
	p.closeFiles()
	var input *sequence.Error
	var place *fs.PathError
	switch {
	case err == nil:
		return p.summary, ws.Discard()
	case p.mismatch != nil:
		return Summary{}, errors.Join(fmt.Errorf("%s: %w", opts.Out, p.mismatch), ws.Close())
	case errors.As(err, &input): // names the file and the place
		return Summary{}, errors.Join(input, ws.Discard())
	case p.journal != nil && p.journal.summary != nil && (ctx.Err() != nil || errors.As(err, &place)):
		return Summary{}, errors.Join(fmt.Errorf("%s: %w: %w; go on with --resume", opts.Out, ErrUnfinished, err), ws.Close())
	}
	return Summary{}, errors.Join(fmt.Errorf("%s: nothing was written: %w", opts.Out, err), ws.Discard())
}

func (o *PrepareOptions) complete() error {
	if o.Out == "" {
		return fmt.Errorf("protein: no output directory given")
	}
	if len(o.Inputs) == 0 {
		o.Inputs = []string{"-"}
	}
	for i, name := range o.Inputs {
		if name == "-" && slices.Contains(o.Inputs[:i], "-") {
			return fmt.Errorf("standard input is given twice")
		}
	}
	if o.MinLength < 0 || o.MaxLength < 0 || o.MaxLength > 0 && o.MinLength > o.MaxLength {
		return fmt.Errorf("protein: lengths of %d to %d residues leave nothing", o.MinLength, o.MaxLength)
	}
	if t := o.Reader.Type; t == sequence.DNA || t == sequence.RNA {
		return fmt.Errorf("protein: sequence type %v, want protein", t)
	}
	if err := errors.Join(o.Split.Check(), o.Grouping.check()); err != nil {
		return err
	}
	if o.Train == nil {
		o.Train, o.Load = TrainBPE, LoadBPE
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
	if o.Warn == nil {
		o.Warn = func(string) {}
	}
	return nil
}
