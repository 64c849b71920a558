package protein

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"

	"github.com/kiban-models/kiban/bio/sequence"
	"github.com/kiban-models/kiban/core/dataset"
)

// inputs are the files to read. Standard input is kept in a file when it has
// to be read twice.
type inputs struct {
	names []string
	spool string // holds standard input; "" for none
	total int64  // bytes of all files; 0 when not known
}

const stdinName = "standard input"

func openInputs(opts *PrepareOptions, dir string) (*inputs, error) {
	in := &inputs{}
	known := true
	for _, name := range opts.Inputs {
		if name != "-" {
			info, err := os.Stat(name)
			if err != nil {
				return nil, err
			}
			known = known && info.Mode().IsRegular()
			in.total += info.Size()
			in.names = append(in.names, name)
			continue
		}
		for _, earlier := range in.names {
			if earlier == "-" {
				return nil, fmt.Errorf("standard input is given twice")
			}
		}
		in.names = append(in.names, "-")
		if opts.Vocabulary.Tokenizer != nil {
			known = false
			continue
		}
		in.spool = filepath.Join(dir, ".stdin")
		f, err := os.Create(in.spool)
		if err != nil {
			return nil, err
		}
		n, err := io.Copy(f, os.Stdin)
		if err := errors.Join(err, f.Close()); err != nil {
			return nil, fmt.Errorf("keeping standard input, to read it twice: %w", err)
		}
		in.total += n
	}
	if !known {
		in.total = 0
	}
	return in, nil
}

func (in *inputs) removeSpool() error {
	if in.spool == "" {
		return nil
	}
	return os.Remove(in.spool)
}

// open returns a file and its name in errors.
func (in *inputs) open(name string) (io.ReadCloser, string, error) {
	switch {
	case name != "-":
		f, err := os.Open(name)
		return f, name, err
	case in.spool != "":
		f, err := os.Open(in.spool)
		return f, stdinName, err
	}
	return io.NopCloser(os.Stdin), stdinName, nil
}

// scan reads all inputs once and decides about every sequence. Two scans of
// the same files decide the same.
type scan struct {
	opts    *PrepareOptions
	in      *inputs
	phase   string
	seen    dataset.DigestSet
	done    int64 // bytes of input
	told    int64 // bytes at the last report of progress
	lengths [2]dataset.Histogram
	letters [2][256]int64 // of the sequences kept
	kept    [2]Part
	summary Summary
}

func newScan(opts *PrepareOptions, in *inputs, phase string) *scan {
	return &scan{opts: opts, in: in, phase: phase}
}

// run calls keep with every sequence that is kept, in order; keep must not
// hold on to the residues.
func (s *scan) run(ctx context.Context, keep func(residues []byte, d dataset.Digest, validation bool) error) error {
	s.opts.Progress(s.phase, 0, s.in.total)
	for _, name := range s.in.names {
		if err := s.file(ctx, name, keep); err != nil {
			return err
		}
	}
	s.opts.Progress(s.phase, s.done, s.in.total)
	sum := &s.summary
	sum.Format, sum.Type = "FASTA", "Protein"
	sum.File = sum.Sources[0].File
	if n := len(sum.Sources); n > 1 {
		sum.File = fmt.Sprintf("%s and %d more", sum.File, n-1)
	}
	if s.kept[0].Sequences == 0 {
		return &sequence.Error{File: sum.File,
			What: fmt.Sprintf("no sequence left for training of %d read (%d duplicates, %d too short, %d too long, %d for validation) and %d invalid",
				sum.Num, sum.Duplicates, sum.TooShort, sum.TooLong, s.kept[1].Sequences, sum.Invalid),
			Remedy: "check the input and the limits"}
	}
	return nil
}

func (s *scan) file(ctx context.Context, name string, keep func([]byte, dataset.Digest, bool) error) error {
	f, shown, err := s.in.open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if d, ok := f.(*os.File); ok {
		if info, err := d.Stat(); err == nil && info.IsDir() {
			return &sequence.Error{File: shown, What: "is a directory", Remedy: "name a FASTA file"}
		}
	}
	src := &hashed{r: f, h: sha256.New()}
	r, err := sequence.NewReader(src, shown, s.opts.Reader)
	if err != nil {
		return err
	}
	defer r.Close()
	base := s.done
	typed := s.opts.Reader.Type == sequence.Protein
	for rec, err := range r.All() {
		if err != nil {
			return err
		}
		if !typed && r.Residues() >= 1<<16 {
			if err := checkProtein(r, shown); err != nil {
				return err
			}
			typed = true
		}
		if s.done = base + src.n; s.done-s.told >= 1<<20 {
			s.told = s.done
			s.opts.Progress(s.phase, s.done, s.in.total)
		}
		if s.opts.Limit > 0 && s.summary.Num >= s.opts.Limit {
			break
		}
		if rec.Index%64 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if err := s.record(rec.Residues, keep); err != nil {
			return err
		}
	}
	if !typed {
		if err := checkProtein(r, shown); err != nil {
			return err
		}
	}
	if _, err := io.Copy(io.Discard, src); err != nil { // what a decoder leaves behind its data
		return fmt.Errorf("%s: %w", shown, err)
	}
	s.done = base + src.n
	s.count(r.Counts())
	s.summary.Sources = append(s.summary.Sources, dataset.Source{File: shown, Bytes: src.n, SHA256: hex.EncodeToString(src.h.Sum(nil))})
	return nil
}

func checkProtein(r *sequence.Reader, name string) error {
	c := r.Counts()
	if t := sequence.GuessType(&c.Letters); t == sequence.DNA || t == sequence.RNA {
		return &sequence.Error{File: name, What: fmt.Sprintf("looks like %v, not protein", t),
			Remedy: "translate it first, or use --seq-type protein to insist"}
	}
	return nil
}

func (s *scan) record(residues []byte, keep func([]byte, dataset.Digest, bool) error) error {
	s.summary.Add(len(residues))
	switch {
	case len(residues) < s.opts.MinLength:
		s.summary.TooShort++
		return nil
	case s.opts.MaxLength > 0 && len(residues) > s.opts.MaxLength:
		s.summary.TooLong++
		return nil
	}
	d := dataset.DigestOf(residues)
	if !s.seen.Add(d) {
		s.summary.Duplicates++
		return nil
	}
	part := 0
	if s.opts.Split.IsValidation(d) {
		part = 1
	}
	s.kept[part].Sequences++
	s.kept[part].Residues += int64(len(residues))
	s.lengths[part].Add(len(residues))
	for _, c := range residues {
		s.letters[part][c]++
	}
	return keep(residues, d, part == 1)
}

func (s *scan) count(c sequence.Counts) {
	sum := &s.summary
	sum.DuplicateIDs += c.Duplicates
	sum.Invalid += c.Invalid
	sum.Replaced += c.Replaced
	sum.Empty += c.Empty
	sum.LowerCase += c.LowerCase
	sum.Stops += c.Stops
	sum.Gaps += c.Gaps
	sum.Nonstandard += c.Nonstandard
}

// sameAs makes sure that the files did not change between two scans.
func (s *scan) sameAs(o *scan) error {
	for i, a := range s.summary.Sources {
		if b := o.summary.Sources[i]; a != b {
			return fmt.Errorf("%s: changed while it was read (%d bytes, then %d); prepare again when it is complete", a.File, a.Bytes, b.Bytes)
		}
	}
	return nil
}

type hashed struct {
	r io.Reader
	h hash.Hash
	n int64
}

func (h *hashed) Read(p []byte) (int, error) {
	n, err := h.r.Read(p)
	h.h.Write(p[:n])
	h.n += int64(n)
	return n, err
}
