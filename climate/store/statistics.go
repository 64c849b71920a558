package store

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/stats"
)

// statistics goes over the store as it will be read: means and deviations of the
// training years, and where values are missing at any time.
func (w *writer) statistics(ctx context.Context) error {
	m := &w.draft
	root, err := os.OpenRoot(w.ws.Out())
	if err != nil {
		return err
	}
	defer root.Close()
	s := &Store{dir: w.ws.Out(), manifest: *m}
	defer s.Close()
	if err := s.open(root, false); err != nil {
		return err
	}
	channels := make([]field.Channel, len(m.Channels))
	masks := make([]maskOf, len(m.Channels))
	for i, c := range m.Channels {
		channels[i] = field.Channel{Name: c.Name, Key: c.Key, Units: c.Units, Level: c.Level}
	}
	collected := stats.NewCollector(channels)
	x := make([]float32, s.cells)
	var last *yearOf
	fields := inOrder{dir: w.ws.Out(), shards: m.Shards}
	defer fields.close()
	parts := m.Time.partsOf(w.dates, m.Split)
	for i := range w.dates {
		if err := ctx.Err(); err != nil {
			return err
		}
		if i%64 == 0 {
			w.opts.Progress("statistics", i, len(w.dates))
		}
		train := parts[i] == Train
		if year := w.yearOf(i); train && (last == nil || *last != year) {
			if last != nil {
				collected.EndPart()
			}
			last = &year
		}
		for c := range m.Channels {
			if err := fields.next(x); err != nil {
				return err
			}
			masks[c].add(x)
			if train {
				collected.Add(c, x)
			}
		}
	}
	w.opts.Progress("statistics", len(w.dates), len(w.dates))
	table, err := collected.Table(m.Statistics)
	if err != nil {
		return fmt.Errorf("years %s to train on: %w", m.Split.Train, err)
	}
	const mostSaid = 10
	still := 0
	for i := range m.Channels {
		c := &m.Channels[i]
		c.fill(table.Channels[i])
		c.Missing, c.Mask = masks[i].missing, masks[i].kind()
		if c.Std == 0 {
			if still++; still > mostSaid {
				continue
			}
			w.opts.Warn(fmt.Sprintf("variable %s is %g at all times to train on; a model can learn nothing of it", c.Key, c.Mean))
		}
	}
	if still > mostSaid {
		w.opts.Warn(fmt.Sprintf("%d more variables do not change either", still-mostSaid))
	}
	return w.staticStatistics(s)
}

func (c *Channel) fill(t stats.Channel) {
	c.Mean, c.Std, c.Min, c.Max, c.Count = t.Mean, t.Std, t.Min, t.Max, t.Count
	c.Missing, c.Mask = t.Missing, NoMask
	if t.Missing > 0 {
		c.Mask = FixedMask
	}
}

func (w *writer) staticStatistics(s *Store) error {
	m := &w.draft
	x := make([]float32, s.cells)
	for i := range m.Static {
		c := &m.Static[i]
		one := stats.NewCollector([]field.Channel{{Name: c.Name, Key: c.Key, Units: c.Units}})
		if err := s.Field(x, 0, len(m.Channels)+i); err != nil {
			return err
		}
		one.Add(0, x)
		t, err := one.Table(stats.Right)
		if err != nil {
			return err
		}
		c.fill(t.Channels[0])
	}
	return nil
}

// maskOf follows where a channel misses values.
type maskOf struct {
	missing int64
	first   []byte // of the first field: a bit a cell
	now     []byte
	varies  bool
}

func (m *maskOf) add(x []float32) {
	if m.now == nil {
		m.now = make([]byte, (len(x)+7)/8)
	}
	clear(m.now)
	for i, v := range x {
		if v != v {
			m.now[i/8] |= 1 << (i % 8)
			m.missing++
		}
	}
	if m.first == nil {
		m.first = bytes.Clone(m.now)
	}
	m.varies = m.varies || !bytes.Equal(m.first, m.now)
}

func (m *maskOf) kind() Mask {
	switch {
	case m.missing == 0:
		return NoMask
	case m.varies:
		return VaryingMask
	}
	return FixedMask
}

// inOrder reads all fields of a store from the first to the last. Mapped files
// would stay in memory, and stores are larger than that.
type inOrder struct {
	dir    string
	shards []Shard // to come
	f      *os.File
	in     *bufio.Reader
	bytes  []byte
}

func (o *inOrder) next(x []float32) error {
	if o.bytes == nil {
		o.bytes = make([]byte, 4*len(x))
	}
	for {
		if o.f != nil {
			_, err := io.ReadFull(o.in, o.bytes)
			if err == nil {
				break
			}
			if err != io.EOF {
				return err
			}
			o.close()
		}
		if len(o.shards) == 0 {
			return fmt.Errorf("%s: has fewer fields than it should", o.dir)
		}
		var err error
		if o.f, err = os.Open(filepath.Join(o.dir, o.shards[0].File)); err != nil {
			return err
		}
		o.in, o.shards = bufio.NewReaderSize(o.f, 1<<20), o.shards[1:]
	}
	for i := range x {
		x[i] = math.Float32frombits(binary.LittleEndian.Uint32(o.bytes[4*i:]))
	}
	return nil
}

// close closes a file that was read; nothing can be lost by it.
func (o *inOrder) close() {
	if o.f != nil {
		o.f.Close()
	}
	o.f = nil
}
