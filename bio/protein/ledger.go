package protein

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"sync"

	"github.com/kiban-models/kiban/core/dataset"
)

// ledger is what reading leaves on disk for the later phases: a row of fixed
// size for every valid record, and the residues of those within the limits of
// length, one after the other.
type ledger struct {
	rows, residues *os.File
	n              int64
}

type row struct {
	digest  dataset.Digest // of the residues
	id      dataset.Digest // of the ID and the file's number
	cluster uint64         // of the ID as cluster tables have it
	offset  int64          // in residues
	length  uint32
}

const (
	rowBytes     = 52
	rowsFile     = "records"
	residuesFile = "residues"
	// maxRecords keeps the numbers of records within 32 bits.
	maxRecords = math.MaxUint32
	// stretchResidues is the work handed to a thread at a time.
	stretchResidues = 128 << 10
)

func (r *row) append(b []byte) []byte {
	b = append(append(b, r.digest[:]...), r.id[:]...)
	b = binary.LittleEndian.AppendUint64(b, r.cluster)
	b = binary.LittleEndian.AppendUint64(b, uint64(r.offset))
	return binary.LittleEndian.AppendUint32(b, r.length)
}

func (r *row) decode(b []byte) {
	copy(r.digest[:], b)
	copy(r.id[:], b[16:])
	r.cluster = binary.LittleEndian.Uint64(b[32:])
	r.offset = int64(binary.LittleEndian.Uint64(b[40:]))
	r.length = binary.LittleEndian.Uint32(b[48:])
}

func openLedger(dir string) (*ledger, error) {
	l := &ledger{}
	var err error
	if l.rows, err = os.Open(filepath.Join(dir, rowsFile)); err != nil {
		return nil, err
	}
	if l.residues, err = os.Open(filepath.Join(dir, residuesFile)); err != nil {
		l.rows.Close()
		return nil, err
	}
	info, err := l.rows.Stat()
	if err == nil && info.Size()%rowBytes != 0 {
		err = fmt.Errorf("%s: %d bytes are no rows of %d", l.rows.Name(), info.Size(), rowBytes)
	}
	if err != nil {
		l.close()
		return nil, err
	}
	l.n = info.Size() / rowBytes
	return l, nil
}

func (l *ledger) close() error { return errors.Join(l.rows.Close(), l.residues.Close()) }

// row reads one row.
func (l *ledger) row(i uint32) (row, error) {
	var b [rowBytes]byte
	var r row
	if _, err := l.rows.ReadAt(b[:], int64(i)*rowBytes); err != nil {
		return r, fmt.Errorf("%s: row %d: %w", l.rows.Name(), i, err)
	}
	r.decode(b[:])
	return r, nil
}

// sequence reads the residues of a row into buf.
func (l *ledger) sequence(r row, buf []byte) ([]byte, error) {
	if cap(buf) < int(r.length) {
		buf = make([]byte, r.length, 2*r.length)
	}
	buf = buf[:r.length]
	if _, err := l.residues.ReadAt(buf, r.offset); err != nil {
		return buf, fmt.Errorf("%s: %d residues at %d: %w", l.residues.Name(), r.length, r.offset, err)
	}
	return buf, nil
}

// each calls visit with all rows in order.
func (l *ledger) each(ctx context.Context, visit func(i uint32, r *row) error) error {
	br := bufio.NewReaderSize(io.NewSectionReader(l.rows, 0, l.n*rowBytes), 1<<18)
	var b [rowBytes]byte
	var r row
	for i := range l.n {
		if i%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if _, err := io.ReadFull(br, b[:]); err != nil {
			return fmt.Errorf("%s: row %d: %w", l.rows.Name(), i, err)
		}
		r.decode(b[:])
		if err := visit(uint32(i), &r); err != nil {
			return err
		}
	}
	return nil
}

// stretch is some records that follow one another, with their residues.
type stretch struct {
	first    uint32 // number of the first record
	rows     []row
	from     int64 // of residues in the file
	residues []byte
}

var stretches = sync.Pool{New: func() any { return new(stretch) }}

// stretches sends all records whose state says that they are kept, with others
// among them.
func (l *ledger) stretches(ctx context.Context, states []byte, send func(*stretch) error) error {
	var s *stretch
	size := 0
	flush := func() error {
		if s == nil || len(s.rows) == 0 {
			return nil
		}
		full := s
		s, size = nil, 0
		return send(full)
	}
	err := l.each(ctx, func(i uint32, r *row) error {
		if !kept(states[i]) && s == nil {
			return nil
		}
		if s == nil {
			s = stretches.Get().(*stretch)
			s.first, s.from, s.rows = i, r.offset, s.rows[:0]
		}
		s.rows = append(s.rows, *r)
		if stored(states[i]) {
			size += int(r.length)
		}
		if size >= stretchResidues || len(s.rows) >= 1<<14 {
			return flush()
		}
		return nil
	})
	if err != nil {
		return err
	}
	return flush()
}

func (s *stretch) release() { stretches.Put(s) }

// read fetches the residues.
func (s *stretch) read(l *ledger, states []byte) error {
	end := s.from
	for k, r := range s.rows {
		if stored(states[int(s.first)+k]) {
			end = r.offset + int64(r.length)
		}
	}
	n := int(end - s.from)
	if cap(s.residues) < n {
		s.residues = make([]byte, n)
	}
	s.residues = s.residues[:n]
	if _, err := l.residues.ReadAt(s.residues, s.from); err != nil {
		return fmt.Errorf("%s: %d residues at %d: %w", l.residues.Name(), n, s.from, err)
	}
	return nil
}

// sequence returns the residues of record k of the stretch, which is stored.
func (s *stretch) sequence(k int) []byte {
	at := s.rows[k].offset - s.from
	return s.residues[at : at+int64(s.rows[k].length)]
}
