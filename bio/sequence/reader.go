package sequence

import (
	"bytes"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"

	"github.com/kiban-models/kiban/core/dataset"
	"github.com/kiban-models/kiban/core/packed"
)

// Limits on one record. Headers of NCBI's nr join thousands of entries.
const (
	maxHeader          = 4 << 20
	defaultMaxResidues = 1 << 30
	nameBytes          = 2 << 10 // of headers that share an allocation
)

// Options say what a Reader does with what is not clean FASTA. The zero value
// refuses everything that would change or lose data.
type Options struct {
	Type        Type            // which letters are residues; Unknown accepts all
	Invalid     InvalidPolicy   // letters that are no residues, '*' inside
	Gaps        GapPolicy       // '-' and '.'
	Empty       EmptyPolicy     // headers without residues
	Duplicates  DuplicatePolicy // IDs seen before in this file
	MaxResidues int             // longest record accepted; 0 means 2^30
	// CountLetters fills Counts.Letters and Nonstandard, a third of the time of
	// reading.
	CountLetters bool
	// NoDescriptions leaves Record.Description empty. In most files that is most of
	// what has to be allocated, and collected.
	NoDescriptions bool
}

// Counts say what a Reader met. Records and Residues count what was yielded.
type Counts struct {
	Records     int64      `json:"records"`
	Residues    int64      `json:"residues"`
	LowerCase   int64      `json:"lower_case"`  // residues turned to upper case
	Stops       int64      `json:"stops"`       // records with '*' at the end, removed
	Gaps        int64      `json:"gaps"`        // gaps removed
	Replaced    int64      `json:"replaced"`    // invalid letters made X
	Invalid     int64      `json:"invalid"`     // records skipped as invalid
	Empty       int64      `json:"empty"`       // records skipped as empty
	Duplicates  int64      `json:"duplicates"`  // records skipped or renamed by ID
	Nonstandard int64      `json:"nonstandard"` // residues U O B Z X J, if letters are counted
	Letters     [256]int64 `json:"-"`           // yielded residues by letter, if they are counted
}

// Reader reads the records of one FASTA file. It is not safe for concurrent
// use.
type Reader struct {
	opts   Options
	name   string
	src    *packed.Reader
	next   func() ([]byte, error) // gives a block; see blocks
	srcErr error                  // came with the last block
	stop   func()                 // ends what reads ahead; nil if nothing does
	closer io.Closer
	table  *table
	counts Counts
	seen   *dataset.DigestSet     // IDs so far
	copies map[dataset.Digest]int // of IDs that came again, to name the next
	last   string                 // ID of the last complete record
	err    error

	chunk []byte // bytes of the current line not looked at yet, in the block
	ahead []byte // the lines of the block after it
	line  int    // current line, from 1; 0 before the first
	col   int    // bytes of the current line looked at
	kind  lineKind
	// The line ended at the edge of the buffer with CR: a LF that follows
	// belongs to it.
	afterCR bool

	open     bool // a record has begun
	header   []byte
	names    strings.Builder // holds headers that were yielded, many in one piece
	residues []byte
	pairs    *pairs // letters yielded, in Counts.Letters when asked for; nil if never
	rec      Record
	index    int
	skip     bool // the open record is invalid and will not be yielded
	// A '*' is dropped at the end and invalid elsewhere: they are held back
	// until the record ends or goes on.
	stops     int
	firstStop *Error
}

type lineKind uint8

const (
	lineStart lineKind = iota
	headerLine
	residueLine
	commentLine
)

// Open opens a file; "-" is standard input. The caller closes the Reader.
func Open(path string, opts Options) (*Reader, error) {
	if path == "-" {
		return NewReader(os.Stdin, "standard input", opts)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("sequence: %w", err)
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		f.Close()
		return nil, &Error{File: path, What: "is a directory", Remedy: "name a FASTA file"}
	}
	// Nothing waits for long on a regular file, so that Close can.
	r, err := newReader(f, path, opts, err == nil && info.Mode().IsRegular())
	if err != nil {
		f.Close()
		return nil, err
	}
	r.closer = f
	return r, nil
}

// NewReader reads from src, plain or compressed; name is used in errors.
func NewReader(src io.Reader, name string, opts Options) (*Reader, error) {
	return newReader(src, name, opts, false)
}

func newReader(src io.Reader, name string, opts Options, parallel bool) (*Reader, error) {
	if opts.MaxResidues <= 0 {
		opts.MaxResidues = defaultMaxResidues
	}
	r := &Reader{opts: opts, name: name, table: newTable(opts.Type)}
	if opts.CountLetters {
		r.pairs = new(pairs)
	}
	if opts.Duplicates != KeepDuplicates {
		r.seen, r.copies = new(dataset.DigestSet), map[dataset.Digest]int{}
	}
	d, err := packed.NewReader(src)
	if err != nil {
		return nil, r.ioError(err, "")
	}
	r.src = d
	cut, buf := &blocks{src: d}, make([]byte, blockBytes)
	r.next = func() ([]byte, error) { return cut.next(buf) }
	r.ahead, r.srcErr = cut.next(buf)
	switch {
	case bytes.HasPrefix(r.ahead, []byte("\xff\xfe")), bytes.HasPrefix(r.ahead, []byte("\xfe\xff")):
		d.Close()
		return nil, &Error{File: name, Line: 1, Column: 1, What: "UTF-16 text",
			Remedy: "convert it: iconv -f UTF-16 -t UTF-8"}
	case bytes.HasPrefix(r.ahead, []byte("\xef\xbb\xbf")):
		r.ahead = r.ahead[3:]
	}
	if parallel && r.srcErr == nil {
		a := readAhead(cut, buf)
		r.next, r.stop = a.next, a.stop
	}
	return r, nil
}

// Counts returns what was met so far.
func (r *Reader) Counts() Counts {
	if r.pairs == nil {
		return r.counts
	}
	r.pairs.flush(&r.counts.Letters)
	r.counts.Nonstandard = 0
	for _, c := range []byte(Nonstandard) {
		r.counts.Nonstandard += r.counts.Letters[c]
	}
	return r.counts
}

// Compression returns "gzip", "zstd", "bzip2", "xz" or "".
func (r *Reader) Compression() string { return r.src.Kind }

// Close releases the decoder and the file.
func (r *Reader) Close() error {
	if r.stop != nil {
		r.stop()
	}
	if r.err == nil {
		r.err = r.ioError(os.ErrClosed, r.last)
	}
	r.src.Close()
	if r.closer != nil {
		return r.closer.Close()
	}
	return nil
}

// All yields the records in order. The residues of a record are overwritten
// by the next one. An error, always an *Error, ends the iteration; the
// records before it were whole.
func (r *Reader) All() iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for {
			rec, err := r.Next()
			if err == io.EOF {
				return
			}
			if !yield(rec, err) || err != nil {
				return
			}
		}
	}
}

// Next returns the next record, or io.EOF after the last one. Residues are
// overwritten by the next call.
func (r *Reader) Next() (Record, error) {
	for r.err == nil {
		done, err := r.advance()
		if err != nil {
			r.err = err
			if err != io.EOF {
				return Record{}, err
			}
			done = r.open
		}
		if !done {
			continue
		}
		ok, err := r.finish()
		if err != nil {
			r.err = err
			return Record{}, err
		}
		if ok {
			return r.rec, nil
		}
	}
	return Record{}, r.err
}

// advance takes one piece of a line. It reports true when the next piece
// starts the header of another record, which it leaves for the next call.
func (r *Reader) advance() (bool, error) {
	if len(r.chunk) == 0 {
		r.plainLines()
		if err := r.fill(); err != nil {
			return false, err
		}
	}
	if r.afterCR && r.chunk[0] == '\n' {
		r.chunk = r.chunk[1:]
	}
	r.afterCR = false
	if len(r.chunk) == 0 {
		return false, nil
	}
	if r.kind == lineStart {
		if r.open && r.chunk[0] == '>' {
			return true, nil
		}
		if err := r.startLine(); err != nil {
			return false, err
		}
	}
	// A line ends at LF, CR LF or CR.
	piece, ended := r.chunk, false
	if i := bytes.IndexByte(piece, '\r'); i >= 0 {
		rest := piece[i+1:]
		switch {
		case len(rest) == 0:
			r.afterCR = true
		case rest[0] == '\n':
			rest = rest[1:]
		}
		piece, r.chunk, ended = piece[:i], rest, true
	} else if n := len(piece); piece[n-1] == '\n' {
		piece, r.chunk, ended = piece[:n-1], nil, true
	} else {
		r.chunk = nil
	}
	var err error
	switch r.kind {
	case headerLine:
		err = r.addHeader(piece, ended)
	case residueLine:
		err = r.addResidues(piece)
	}
	r.col += len(piece)
	if ended && err == nil {
		r.kind = lineStart
	}
	return false, err
}

// fill takes the next line, or a part of one that is longer than a block.
func (r *Reader) fill() error {
	for len(r.ahead) == 0 {
		switch {
		case r.srcErr == io.EOF:
			return io.EOF
		case r.srcErr != nil:
			return r.ioError(r.srcErr, r.last)
		}
		r.ahead, r.srcErr = r.next()
	}
	n := bytes.IndexByte(r.ahead, '\n') + 1
	if n == 0 {
		n = len(r.ahead)
	}
	r.chunk, r.ahead = r.ahead[:n], r.ahead[n:]
	return nil
}

// Residues returns the number of residues yielded so far.
func (r *Reader) Residues() int64 { return r.counts.Residues }
