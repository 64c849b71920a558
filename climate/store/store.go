package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"unsafe"

	"github.com/edsrzf/mmap-go"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/netcdf"
	"github.com/kiban-models/kiban/climate/window"
	"github.com/kiban-models/kiban/core/dataset"
)

// OpenOptions say how much Open looks at.
type OpenOptions struct {
	Verify bool // read everything and compare SHA-256
}

// Store is an open store. It is safe for concurrent use; nothing may use it
// after Close.
type Store struct {
	dir      string
	manifest Manifest
	grid     *field.Grid
	times    []netcdf.Date
	parts    []Part // of each record
	cells    int
	shards   []shard
	static   mmap.MMap // nil without static channels
	fixed    []float32 // the same
}

type shard struct {
	data   mmap.MMap
	values []float32 // the same
	first  int       // record
}

// floats shows mapped bytes as what they are. Maps begin at pages, and the
// values are little-endian, as this machine's are: Open makes sure.
func floats(m mmap.MMap) []float32 {
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData([]byte(m)))), len(m)/4)
}

// Open maps a store into memory. It checks the manifest and the sizes of all
// files; errors name the file.
func Open(dir string, opts OpenOptions) (*Store, error) {
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		return nil, fmt.Errorf("store: this machine is big-endian; stores are read in place, as little-endian values")
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	defer root.Close()
	s := &Store{dir: dir}
	if err := dataset.ReadManifest(root, dir, &s.manifest); err != nil {
		return nil, err
	}
	if err := s.open(root, opts.Verify); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Store) open(root *os.Root, verify bool) error {
	m := &s.manifest
	var err error
	if s.grid, err = m.Grid.Field(); err == nil {
		s.times, err = m.Time.Dates()
	}
	if err != nil {
		return fmt.Errorf("%s: %w; prepare the data again", filepath.Join(s.dir, ManifestFile), err)
	}
	s.parts = m.Time.partsOf(s.times, m.Split)
	s.cells = s.grid.Size()
	first := 0
	for _, sh := range m.Shards {
		data, err := s.mapFile(root, sh.File, sh.SHA256, sh.Records*len(m.Channels)*s.cells*4, verify)
		if err != nil {
			return err
		}
		s.shards = append(s.shards, shard{data, floats(data), first})
		first += sh.Records
	}
	if len(m.Static) > 0 {
		if s.static, err = s.mapFile(root, staticFile, m.StaticSHA, len(m.Static)*s.cells*4, verify); err != nil {
			return err
		}
		s.fixed = floats(s.static)
	}
	return nil
}

func (s *Store) mapFile(root *os.Root, name, sha string, size int, verify bool) (mmap.MMap, error) {
	f, err := dataset.OpenRegular(root, name)
	if err != nil {
		return nil, s.damaged(name, err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, s.damaged(name, err)
	case !info.Mode().IsRegular():
		return nil, s.damaged(name, fmt.Errorf("is not a regular file"))
	case info.Size() != int64(size):
		return nil, s.damaged(name, fmt.Errorf("is %d bytes long, want %d", info.Size(), size))
	}
	if verify {
		got, err := dataset.HashFile(filepath.Join(s.dir, name))
		if err != nil {
			return nil, s.damaged(name, err)
		}
		if got != sha {
			return nil, s.damaged(name, fmt.Errorf("SHA-256 is %s, want %s", got, sha))
		}
	}
	m, err := mmap.Map(f, mmap.RDONLY, 0)
	if err != nil {
		return nil, s.damaged(name, err)
	}
	return m, nil
}

func (s *Store) damaged(name string, err error) error {
	return fmt.Errorf("%s: %w; the file is damaged or incomplete: copy it again or prepare the data again", filepath.Join(s.dir, name), err)
}

// Manifest describes the store; it must not be changed.
func (s *Store) Manifest() *Manifest { return &s.manifest }

// Dir is the directory of the store, as it was given.
func (s *Store) Dir() string { return s.dir }

// Len is the number of records.
func (s *Store) Len() int { return s.manifest.Records }

// Grid is that of all fields.
func (s *Store) Grid() *field.Grid { return s.grid }

// Calendar is that of Times.
func (s *Store) Calendar() netcdf.Calendar { return s.manifest.Time.Calendar }

// Times are when the records are; within a run they ascend. They must not be
// changed.
func (s *Store) Times() []netcdf.Date { return s.times }

// Part is what a record is for, "" if nothing.
func (s *Store) Part(record int) Part { return s.parts[record] }

// Step is between most neighbours in time.
func (s *Store) Step() field.Step {
	return field.Step{Months: s.manifest.Time.StepMonths, Millis: s.manifest.Time.StepMillis}
}

// Records are what windows are cut from: they cross no gap and no border of runs
// or parts.
func (s *Store) Records() window.Records {
	r := window.Records{Calendar: s.Calendar(), Times: s.times, Step: s.Step(),
		Breaks: append([]int{}, s.manifest.Time.Gaps...),
		PartAt: func(record int) string { return string(s.parts[record]) }}
	for _, run := range s.manifest.Time.Runs {
		r.Breaks = append(r.Breaks, run.From)
	}
	return r
}

// Channels are those of the records and then the static ones.
func (s *Store) Channels() []Channel {
	return append(append([]Channel{}, s.manifest.Channels...), s.manifest.Static...)
}

// Channel finds a channel in Channels by its key or by the name that it had in
// the source: geopotential_500, zg@500.
func (s *Store) Channel(name string) (int, error) {
	all := s.Channels()
	for i, c := range all {
		if c.Key == name {
			return i, nil
		}
	}
	keys := make([]string, len(all))
	for i, c := range all {
		if (field.Channel{Name: c.Name, Level: c.Level}).String() == name {
			return i, nil
		}
		keys[i] = c.Key
	}
	return 0, fmt.Errorf("%s: has no variable %s; it has %s", s.dir, name, strings.Join(keys, " "))
}

// field is the values of a channel at a record, in the mapped file.
func (s *Store) field(record, channel int) []float32 {
	n := s.cells
	if c := channel - len(s.manifest.Channels); c >= 0 {
		return s.fixed[c*n:][:n]
	}
	sh := &s.shards[0]
	if len(s.shards) > 1 {
		i := sort.Search(len(s.shards), func(i int) bool { return s.shards[i].first > record }) - 1
		sh = &s.shards[i]
	}
	return sh.values[((record-sh.first)*len(s.manifest.Channels)+channel)*n:][:n]
}

// Field copies a channel at a record, as it is stored: in its units, missing
// values as NaN.
func (s *Store) Field(dst []float32, record, channel int) error {
	switch {
	case record < 0 || record >= s.manifest.Records:
		return fmt.Errorf("store: %s: record %d of %d", s.dir, record, s.manifest.Records)
	case channel < 0 || channel >= len(s.manifest.Channels)+len(s.manifest.Static):
		return fmt.Errorf("store: %s: channel %d of %d", s.dir, channel, len(s.manifest.Channels)+len(s.manifest.Static))
	case len(dst) != s.cells:
		return fmt.Errorf("store: room for %d values, wanted %d", len(dst), s.cells)
	}
	copy(dst, s.field(record, channel))
	return nil
}

// Close unmaps the files.
func (s *Store) Close() error {
	var errs []error
	for i := range s.shards {
		errs = append(errs, s.shards[i].data.Unmap())
	}
	if s.static != nil {
		errs = append(errs, s.static.Unmap())
	}
	s.shards, s.static, s.fixed = nil, nil, nil
	return errors.Join(errs...)
}
