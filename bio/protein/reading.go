package protein

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/kiban-models/kiban/bio/sequence"
	"github.com/kiban-models/kiban/core/dataset"
)

const stdinName = "standard input"

// reading is the phase that turns files into a ledger.
type reading struct {
	opts    *PrepareOptions
	summary Summary
	total   int64 // bytes of all files; 0 when not known
	done    int64 // bytes
	told    int64 // at the last report of progress
	offset  int64 // residues written
	send    func(*readBatch) error
	batch   *readBatch
}

// readBatch is some records on their way to the ledger.
type readBatch struct {
	file     uint32
	residues []byte
	ids      []byte
	records  []readRecord
	rows     []byte // the ledger's, made by the worker
}

type readRecord struct {
	idEnd  int // in ids
	length int
	stored bool // has its residues in the batch
	offset int64
}

var readBatches = sync.Pool{New: func() any { return new(readBatch) }}

// read is the phase.
func (p *preparation) read(ctx context.Context) error {
	r := &reading{opts: p.opts}
	known := true
	for _, name := range p.opts.Inputs {
		if name == "-" {
			known = false
			continue
		}
		info, err := os.Stat(name)
		if err != nil {
			return err
		}
		known = known && info.Mode().IsRegular()
		r.total += info.Size()
	}
	if !known {
		r.total = 0
	}
	residues, err := os.Create(filepath.Join(p.ws.Dir(), residuesFile))
	if err != nil {
		return err
	}
	defer residues.Close()
	rows, err := os.Create(filepath.Join(p.ws.Dir(), rowsFile))
	if err != nil {
		return err
	}
	defer rows.Close()
	rowsW := bufio.NewWriterSize(rows, 1<<18)
	p.progress("reading", 0, r.total)
	err = inOrder(ctx, p.opts.Threads, r.produce,
		func(b *readBatch) error { b.digest(p.opts.Grouping.Clusters != ""); return nil },
		func(b *readBatch) error {
			_, err1 := residues.Write(b.residues)
			_, err2 := rowsW.Write(b.rows)
			readBatches.Put(b)
			return errors.Join(err1, err2)
		})
	if err != nil {
		return err
	}
	p.progress("reading", r.done, r.total)
	if err := errors.Join(rowsW.Flush(), rows.Sync(), residues.Sync()); err != nil {
		return err
	}
	sum := &r.summary
	sum.Format, sum.Type = "FASTA", "Protein"
	sum.File = sum.Sources[0].File
	if n := len(sum.Sources); n > 1 {
		sum.File = fmt.Sprintf("%s and %d more", sum.File, n-1)
	}
	return p.journal.finished(phaseRead, sum)
}

func (r *reading) produce(ctx context.Context, send func(*readBatch) error) error {
	r.send = send
	for i, name := range r.opts.Inputs {
		r.batch = newReadBatch(uint32(i))
		if err := r.file(ctx, name); err != nil {
			return err
		}
		if err := r.flush(); err != nil {
			return err
		}
	}
	return nil
}

func newReadBatch(file uint32) *readBatch {
	b := readBatches.Get().(*readBatch)
	b.file, b.residues, b.ids, b.records = file, b.residues[:0], b.ids[:0], b.records[:0]
	return b
}

func (r *reading) flush() error {
	b := r.batch
	r.batch = newReadBatch(b.file)
	return r.send(b)
}

func (r *reading) file(ctx context.Context, name string) error {
	f, shown, err := openInput(name)
	if err != nil {
		return err
	}
	if name != "-" {
		defer f.Close()
	}
	before, err := f.Stat()
	if err != nil {
		return err
	}
	if before.IsDir() {
		return &sequence.Error{File: shown, What: "is a directory", Remedy: "name a FASTA file"}
	}
	src := &hashed{r: f, h: sha256.New()}
	o := r.opts.Reader
	o.CountLetters, o.NoDescriptions = true, true
	if o.Duplicates != sequence.DuplicateError {
		o.Duplicates = sequence.KeepDuplicates // found later, on disk
	}
	fr, err := sequence.NewReader(src, shown, o)
	if err != nil {
		return err
	}
	defer fr.Close()
	base := r.done
	typed := o.Type == sequence.Protein
	for rec, err := range fr.All() {
		if err != nil {
			return err
		}
		if !typed && fr.Residues() >= 1<<16 {
			if err := checkProtein(fr, shown); err != nil {
				return err
			}
			typed = true
		}
		if r.done = base + src.n; r.done-r.told >= 1<<20 {
			r.told = r.done
			r.opts.Progress("reading", r.done, r.total)
		}
		if r.opts.Limit > 0 && r.summary.Num >= r.opts.Limit {
			break
		}
		if rec.Index%64 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if err := r.record(&rec); err != nil {
			return err
		}
	}
	if !typed {
		if err := checkProtein(fr, shown); err != nil {
			return err
		}
	}
	if _, err := io.Copy(io.Discard, src); err != nil { // what a decoder leaves behind its data
		return fmt.Errorf("%s: %w", shown, err)
	}
	if after, err := f.Stat(); err != nil {
		return err
	} else if before.Mode().IsRegular() && (after.Size() != src.n || !after.ModTime().Equal(before.ModTime())) {
		return &sequence.Error{File: shown, What: fmt.Sprintf("changed while it was read (%d bytes, then %d)", src.n, after.Size()),
			Remedy: "prepare again when it is complete"}
	}
	r.done = base + src.n
	r.count(fr.Counts())
	r.summary.Sources = append(r.summary.Sources, dataset.Source{File: shown, Bytes: src.n, SHA256: hex.EncodeToString(src.h.Sum(nil))})
	return nil
}

func openInput(name string) (*os.File, string, error) {
	if name == "-" {
		return os.Stdin, stdinName, nil
	}
	f, err := os.Open(name)
	return f, name, err
}

func checkProtein(r *sequence.Reader, name string) error {
	c := r.Counts()
	if t := sequence.GuessType(&c.Letters); t == sequence.DNA || t == sequence.RNA {
		return &sequence.Error{File: name, What: fmt.Sprintf("looks like %v, not protein", t),
			Remedy: "translate it first, or use --seq-type protein to insist"}
	}
	return nil
}

func (r *reading) record(rec *sequence.Record) error {
	n := len(rec.Residues)
	if r.summary.Num >= maxRecords {
		return fmt.Errorf("more than %d records", int64(maxRecords))
	}
	r.summary.Add(n)
	b := r.batch
	out := readRecord{length: n, offset: r.offset, stored: r.opts.lengthState(n) == stateTrain}
	if out.stored {
		b.residues = append(b.residues, rec.Residues...)
		r.offset += int64(n)
	}
	b.ids = append(b.ids, rec.ID...)
	out.idEnd = len(b.ids)
	b.records = append(b.records, out)
	if len(b.residues) >= stretchResidues || len(b.records) >= 1<<14 {
		return r.flush()
	}
	return nil
}

// lengthState is the state of a record as far as its length decides.
func (o *PrepareOptions) lengthState(n int) byte {
	switch {
	case n < o.MinLength:
		return stateTooShort
	case o.MaxLength > 0 && n > o.MaxLength:
		return stateTooLong
	}
	return stateTrain
}

func (r *reading) count(c sequence.Counts) {
	sum := &r.summary
	sum.DuplicateIDs += c.Duplicates
	sum.Invalid += c.Invalid
	sum.Replaced += c.Replaced
	sum.Empty += c.Empty
	sum.LowerCase += c.LowerCase
	sum.Stops += c.Stops
	sum.Gaps += c.Gaps
	sum.Nonstandard += c.Nonstandard
}

// digest makes the rows.
func (b *readBatch) digest(clusters bool) {
	b.rows = slices.Grow(b.rows[:0], len(b.records)*rowBytes)
	var id []byte
	residues, idStart := b.residues, 0
	for _, rec := range b.records {
		out := row{offset: rec.offset, length: uint32(rec.length)}
		if rec.stored {
			out.digest = dataset.DigestOf(residues[:rec.length])
			residues = residues[rec.length:]
		}
		name := b.ids[idStart:rec.idEnd]
		idStart = rec.idEnd
		id = append(binary.LittleEndian.AppendUint32(id[:0], b.file), name...)
		out.id = dataset.DigestOf(id)
		if clusters {
			out.cluster = clusterKey(string(name))
		}
		b.rows = out.append(b.rows)
	}
}

// recordName finds the ID and place of a record again, for an error.
func (p *preparation) recordName(number uint32) string {
	i := int64(number)
	for _, name := range p.opts.Inputs {
		if name == "-" {
			break
		}
		o := p.opts.Reader
		o.NoDescriptions = true
		o.Duplicates = sequence.KeepDuplicates
		r, err := sequence.Open(name, o)
		if err != nil {
			break
		}
		for rec, err := range r.All() {
			if err != nil {
				break
			}
			if i == 0 {
				r.Close()
				return fmt.Sprintf("%s (%s:%d)", strings.Clone(rec.ID), name, rec.Line)
			}
			i--
		}
		r.Close()
	}
	return fmt.Sprintf("record %d", int64(number)+1)
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
