package pretrain

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/dataset"
	"github.com/kiban-models/kiban/core/run"
	"github.com/kiban-models/kiban/core/token"
	"github.com/kiban-models/kiban/materials/corpus"
	"github.com/kiban-models/kiban/materials/task"
)

// What Prepare leaves in its directory.
const (
	SummaryFile   = "prepared.json"
	TokenizerDir  = "tokenizer"
	TrainDir      = "train"
	ValidationDir = "validation"
)

const format = "kiban-masked-lm"

// PrepareOptions say what to prepare.
type PrepareOptions struct {
	// Documents yields all documents, in the same order each time. An error in
	// it, of one document, goes to Failed.
	Documents func() iter.Seq2[corpus.Document, error]
	// Failed is told of an error of Documents, once in a run; the error that it
	// returns ends the work. nil ends it at the first.
	Failed func(err error) error
	Out    string // the directory to make
	// Model gives tokenizer and normalisation; nil trains a vocabulary of
	// VocabSize tokens, with letters in lower case unless Cased, on the
	// training part.
	Model     *task.Model
	VocabSize int
	Cased     bool
	// Length is the number of tokens of a row, at most.
	Length int
	// CrossDocuments lets a row hold the end of a document and the beginning
	// of the next.
	CrossDocuments bool
	// Split holds documents out, by the digest of their text.
	Split dataset.SplitRule
	// Settings are what the caller knows of the documents: a preparation goes
	// on only with the same.
	Settings          map[string]string
	ShardTokens       int64 // 0 means 64 Mi
	Threads           int
	Overwrite, Resume bool
	Progress          func(phase string, documents, bytes int64) // may be nil
	Warn              func(string)                               // may be nil
}

// Part is what one side of the split holds.
type Part struct {
	Rows   int64 `json:"rows"`
	Tokens int64 `json:"tokens"` // [CLS] and [SEP] among them
	counts
}

// Summary is prepared.json.
type Summary struct {
	Format     string            `json:"format"`
	Length     int               `json:"length"` // tokens of a row, at most
	Normalize  string            `json:"normalize"`
	Vocab      int               `json:"vocab_size"`
	Vocabulary string            `json:"vocabulary_sha256"`
	Split      dataset.SplitRule `json:"split"`
	Settings   map[string]string `json:"settings"`
	Failed     int64             `json:"failed"`     // documents that could not be read
	Empty      int64             `json:"empty"`      // documents without text
	Duplicates int64             `json:"duplicates"` // of which one is kept
	Train      Part              `json:"train"`
	Validation Part              `json:"validation"`
}

// ErrUnfinished says that a preparation was broken off and can go on.
var ErrUnfinished = errors.New("unfinished")

var errNothing = errors.New("pretrain")

// Prepare reads documents, leaves out those whose text came before, holds some
// out, and packs the sentences of each into rows of tokens. A run that was
// broken off goes on behind its last shard; documents are read once more, but
// not cut into tokens. The result is the same.
func Prepare(ctx context.Context, o PrepareOptions) (Summary, error) {
	if o.Length < 3 {
		return Summary{}, fmt.Errorf("pretrain: rows of %d tokens; a sentence between [CLS] and [SEP] needs 3", o.Length)
	}
	if err := o.Split.Check(); err != nil {
		return Summary{}, err
	}
	ws, err := dataset.OpenWorkspace(o.Out, SummaryFile, dataset.WorkspaceOptions{
		Overwrite: o.Overwrite, Resume: o.Resume,
		Unlocked: func(err error) {
			if o.Warn != nil {
				o.Warn(fmt.Sprintf("%s: %v; make sure that no other process prepares it", o.Out, err))
			}
		},
	})
	if err != nil {
		return Summary{}, err
	}
	if o.Resume && ws.Published() {
		return finishPublished(ws, o.Out)
	}
	w := &preparation{o: &o, ws: ws}
	s, err := w.run(ctx)
	if err == nil {
		err = ws.Publish()
	}
	if err != nil {
		if errors.Is(err, context.Canceled) {
			err = fmt.Errorf("%s: %w: %w", o.Out, ErrUnfinished, err)
		}
		if errors.Is(err, errNothing) { // to go on with
			return s, errors.Join(err, ws.Discard())
		}
		return s, errors.Join(err, ws.Close())
	}
	return s, ws.Discard()
}

func finishPublished(ws *dataset.Workspace, out string) (Summary, error) {
	s, err := ReadSummary(out)
	return s, errors.Join(err, ws.Discard())
}

// ReadSummary reads what Prepare says of a directory.
func ReadSummary(dir string) (Summary, error) {
	var s Summary
	path := filepath.Join(dir, SummaryFile)
	err := run.ReadJSON(path, &s)
	if errors.Is(err, fs.ErrNotExist) {
		return s, fmt.Errorf("%s: is no prepared corpus: %w", dir, err)
	}
	if err == nil && (s.Format != format || s.Length < 3 || s.Vocab <= 0) {
		err = fmt.Errorf("%s: format %q, rows of %d, %d tokens; prepare the corpus again", path, s.Format, s.Length, s.Vocab)
	}
	return s, err
}

// Same reports how a directory that Prepare made differs from what the options
// would make: in Settings, of documents, and in those of the rows.
func (o *PrepareOptions) Same(s Summary) error {
	if c := dataset.Changed(s.Settings, o.settings()); c != "" {
		return fmt.Errorf("%s: cannot go on with it: %s; give what it was given, or start again with --overwrite", o.Out, c)
	}
	return nil
}

// preparation is one that is going on.
type preparation struct {
	o       *PrepareOptions
	ws      *dataset.Workspace
	journal *journal
	failed  int64
	empty   int64
	told    bool // Failed has been told of all errors
}

// settings are all that decides what comes out.
func (o *PrepareOptions) settings() map[string]string {
	s := map[string]string{
		"length": strconv.Itoa(o.Length), "cross documents": strconv.FormatBool(o.CrossDocuments),
		"held-out share": strconv.FormatFloat(o.Split.Validation, 'g', -1, 64), "seed": strconv.FormatUint(o.Split.Seed, 10),
	}
	if m := o.Model; m != nil {
		s["vocabulary"], s["normalisation"] = VocabularyHash(m.WordPiece), m.About.Normalize
	} else {
		s["vocabulary size"], s["cased"] = strconv.Itoa(o.VocabSize), strconv.FormatBool(o.Cased)
	}
	for k, v := range o.Settings {
		s[k] = v
	}
	return s
}

func (w *preparation) run(ctx context.Context) (s Summary, err error) {
	o := w.o
	out := w.ws.Out()
	if err := os.MkdirAll(out, 0o777); err != nil {
		return s, err
	}
	if w.journal, err = openJournal(w.ws.Dir(), o.settings()); err != nil {
		return s, err
	}
	defer w.journal.Close()
	if !w.journal.tokenizer {
		if err := w.makeTokenizer(ctx); err != nil {
			return s, err
		}
		if err := w.journal.Write(journalLine{Tokenizer: true}); err != nil {
			return s, err
		}
	}
	t, err := OpenTokenizer(out)
	if err != nil {
		return s, err
	}
	enc, err := t.Encoder()
	if err != nil {
		return s, err
	}
	v, err := wordsOf(t.WordPiece)
	if err != nil {
		return s, err
	}
	var parts [2]*part
	for i, name := range []string{TrainDir, ValidationDir} {
		if parts[i], err = openPart(out, name, v, o, w.journal); err != nil {
			return s, err
		}
		defer parts[i].b.Discard()
	}
	duplicates, err := w.pack(ctx, enc, parts)
	if err != nil {
		return s, err
	}
	s = Summary{
		Format: format, Length: o.Length, Normalize: t.About.Normalize, Vocab: t.WordPiece.VocabSize(), Vocabulary: VocabularyHash(t.WordPiece),
		Split: o.Split, Settings: o.settings(), Failed: w.failed, Empty: w.empty, Duplicates: duplicates,
	}
	d := dataset.Details{Split: &o.Split, Tokenizer: s.Vocabulary}
	if s.Train, err = parts[0].finish(d); err != nil {
		return s, err
	}
	if s.Validation, err = parts[1].finish(d); err != nil {
		return s, err
	}
	if s.Train.Rows == 0 {
		return s, fmt.Errorf("%w: none of %d documents is left to train on; give more text, or hold less out", errNothing, s.Train.Documents+s.Validation.Documents)
	}
	return s, run.WriteJSON(filepath.Join(out, SummaryFile), s)
}

// makeTokenizer copies the model's, or trains one.
func (w *preparation) makeTokenizer(ctx context.Context) error {
	dir := filepath.Join(w.ws.Out(), TokenizerDir)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	if err := checkpoint.Sweep(dir); err != nil { // a run that was killed here
		return err
	}
	o := w.o
	if m := o.Model; m != nil {
		return task.WriteFiles(dir, m.WordPiece, m.Path, task.About{Normalize: m.About.Normalize, Length: o.Length})
	}
	t, err := token.NewWordPieceTrainer(token.WordPieceOptions{
		VocabSize: o.VocabSize, Rules: token.Rules{Lowercase: !o.Cased},
		// As the tokenizers library has it by default; rarer characters are
		// brought to these where they can be.
		LimitAlphabet: 1000, MinFrequency: 2, MaxWords: 1 << 22,
	})
	if err != nil {
		return err
	}
	_, err = w.each(ctx, "counting words", func(d corpus.Document, validation bool) error {
		if !validation {
			t.Add(d.Text)
		}
		return nil
	})
	if err != nil {
		return err
	}
	trained, err := t.Train()
	if err != nil {
		return err
	}
	return task.WriteFiles(dir, trained, "", task.About{Normalize: task.NormalizeRules, Length: o.Length})
}

// each calls f for every document that did not come before, and returns the
// number of those that did.
func (w *preparation) each(ctx context.Context, phase string, f func(d corpus.Document, validation bool) error) (duplicates int64, err error) {
	var seen dataset.DigestSet
	var documents, bytes, failed, empty int64
	for d, err := range w.o.Documents() {
		if ctx.Err() != nil {
			return duplicates, ctx.Err()
		}
		if err != nil {
			if w.o.Failed == nil {
				return duplicates, err
			}
			if errors.Is(err, corpus.ErrEmpty) {
				empty++
			} else {
				failed++
			}
			if !w.told {
				if err := w.o.Failed(err); err != nil {
					return duplicates, err
				}
			}
			continue
		}
		documents++
		bytes += int64(len(d.Text))
		digest := dataset.DigestOf([]byte(d.Text))
		if !seen.Add(digest) {
			duplicates++
		} else if err := f(d, w.o.Split.IsValidation(digest)); err != nil {
			return duplicates, err
		}
		if w.o.Progress != nil {
			w.o.Progress(phase, documents, bytes)
		}
	}
	w.told, w.failed, w.empty = true, failed, empty
	return duplicates, nil
}

// atOnce is the number of documents that are cut into tokens together.
const atOnce = 64

// pack cuts documents into sentences and tokens, on several threads, and packs
// them in order.
func (w *preparation) pack(ctx context.Context, enc task.Encoder, parts [2]*part) (int64, error) {
	type job struct {
		text      string
		to        *part
		sentences [][]int32
	}
	var jobs []job
	flush := func() error {
		var wait sync.WaitGroup
		next := make(chan *job)
		for range min(max(1, w.o.Threads), len(jobs)) {
			wait.Go(func() {
				for j := range next {
					j.sentences = sentences(enc, j.text)
				}
			})
		}
		for i := range jobs {
			next <- &jobs[i]
		}
		close(next)
		wait.Wait()
		for _, j := range jobs {
			if err := j.to.add(j.sentences); err != nil {
				return err
			}
		}
		jobs = jobs[:0]
		return nil
	}
	ahead := [2]int64{} // documents of a part among the jobs
	duplicates, err := w.each(ctx, "tokenizing", func(d corpus.Document, validation bool) error {
		i := 0
		if validation {
			i = 1
		}
		if ahead[i] == 0 && parts[i].done() {
			return nil
		}
		ahead[i]++
		if jobs = append(jobs, job{text: d.Text, to: parts[i]}); len(jobs) < atOnce {
			return nil
		}
		ahead = [2]int64{}
		return flush()
	})
	if err != nil {
		return duplicates, err
	}
	return duplicates, flush()
}

// sentences returns the tokens of each sentence of a text.
func sentences(enc task.Encoder, text string) [][]int32 {
	var all [][]int32
	for _, s := range corpus.Sentences(text) {
		var ids []int32
		for _, p := range enc.Encode(text[s.Start:s.End]) {
			ids = append(ids, p.ID)
		}
		if len(ids) > 0 {
			all = append(all, ids)
		}
	}
	return all
}
