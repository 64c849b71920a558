package sequence

import (
	"bufio"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/biogo/biogo/io/seqio/fasta"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/kiban-models/kiban/core/checkpoint"
)

// DefaultWidth is the number of residues a line in UniProt's files, and in
// the text ProtGPT2 was trained on.
const DefaultWidth = 60

// Writer writes FASTA.
type Writer struct {
	bw    *bufio.Writer
	fasta *fasta.Writer
	width int
}

// NewWriter writes lines of width residues to w; 0 puts a sequence on one
// line.
func NewWriter(w io.Writer, width int) *Writer {
	bw := bufio.NewWriterSize(w, 1<<16)
	return &Writer{bw: bw, fasta: fasta.NewWriter(bw, width), width: width}
}

// Write writes a record, which may stay in a buffer until Flush. It refuses
// what a Reader could not read back: no residues, line breaks in the header.
func (w *Writer) Write(r Record) error {
	switch {
	case len(r.Residues) == 0:
		return fmt.Errorf("sequence: record %s has no residues to write", r.ID)
	case strings.ContainsAny(r.ID, " \t\r\n\x01"):
		return fmt.Errorf("sequence: ID %q has a blank or line break", r.ID)
	case strings.ContainsAny(r.Description, "\r\n"):
		return fmt.Errorf("sequence: record %s: description has a line break", r.ID)
	}
	w.fasta.Width = w.width
	if w.width <= 0 {
		w.fasta.Width = len(r.Residues)
	}
	s := r.Seq(Unknown)
	if strings.HasPrefix(r.Description, "\x01") {
		s.ID, s.Desc = r.ID+r.Description, ""
	}
	_, err := w.fasta.Write(s)
	return err
}

// Flush writes what is buffered.
func (w *Writer) Flush() error { return w.bw.Flush() }

// WriteFile writes records to path, which appears only when all are written.
// A name ending in .gz or .zst is compressed.
func WriteFile(path string, width int, records iter.Seq2[Record, error]) error {
	return checkpoint.WriteFile(path, func(out io.Writer) error {
		c, err := compressor(out, path)
		if err != nil {
			return err
		}
		w := NewWriter(c, width)
		for r, err := range records {
			if err != nil {
				return err
			}
			if err := w.Write(r); err != nil {
				return err
			}
		}
		if err := w.Flush(); err != nil {
			return err
		}
		return c.Close()
	})
}

// compressor chooses by the suffix of path. Level and header depend on
// nothing else, so equal records give equal bytes.
func compressor(w io.Writer, path string) (io.WriteCloser, error) {
	switch {
	case strings.HasSuffix(path, ".gz"):
		return gzip.NewWriterLevel(w, 6)
	case strings.HasSuffix(path, ".zst"):
		return zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.EncoderLevelFromZstd(3)), zstd.WithEncoderConcurrency(1))
	}
	return keepOpen{w}, nil
}

type keepOpen struct{ io.Writer }

func (keepOpen) Close() error { return nil }
