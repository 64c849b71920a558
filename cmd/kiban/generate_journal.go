package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gofrs/flock"

	"github.com/kiban-models/kiban/bio/protein"
)

// journal keeps generated sequences on disk as they come, so that memory does
// not grow with their number and an interrupted run can go on. It is a line of
// settings, then batches: a line for each sequence, and one that says where the
// prompts stand, with a checksum of the batch. A batch that is not whole, or
// not what it was, is cut off with all that follows.
type journal struct {
	path  string
	file  store
	lock  *flock.Flock // nil for a spool
	index []indexed    // of the sequences: all that stays in memory
	at    []protein.Position
	end   int64
	sync  time.Time // when it was last made durable
}

// store is what a journal needs of a file.
type store interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Truncate(size int64) error
	Sync() error
}

// indexed is where a sequence stands, and what it is sorted by.
type indexed struct {
	offset       int64
	perplexity   float64
	length, size int32
}

// journalPath is beside the output that it is for.
func journalPath(out string) string {
	return filepath.Join(filepath.Dir(out), "."+filepath.Base(out)+".journal")
}

// settings decide what is generated, in JSON by name.
type settings map[string]json.RawMessage

func (s settings) set(name string, v any) error {
	b, err := json.Marshal(v)
	s[name] = b
	return err
}

// openJournal opens or begins the journal at path. resume allows one that is
// there, begun with the same settings.
func openJournal(path string, s settings, prompts int, resume, overwrite bool) (*journal, error) {
	j := &journal{path: path, lock: flock.New(path), at: make([]protein.Position, prompts), sync: time.Now()}
	st, err := os.Stat(path)
	there := err == nil && st.Size() > 0
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if there && !resume && !overwrite {
		return nil, fmt.Errorf("%s: an interrupted run has left it; give --resume to go on with that, or -O to begin anew", path)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	j.file = f
	if err := j.take(f); err != nil {
		j.file.Close()
		return nil, err
	}
	if there && resume {
		err = j.read(s)
	} else {
		err = j.begin(s)
	}
	if err != nil {
		j.Close()
		if !there {
			os.Remove(path)
		}
		return nil, err
	}
	return j, nil
}

// take locks the journal. One that another process has finished and removed in
// between is not the file of that name any more.
func (j *journal) take(f *os.File) error {
	locked, err := j.lock.TryLock()
	if errors.Is(err, syscall.ENOSYS) || errors.Is(err, syscall.EOPNOTSUPP) || errors.Is(err, syscall.ENOLCK) {
		locked, err = true, nil // a file system without locks
	}
	if err != nil {
		return err
	}
	mine, err1 := f.Stat()
	named, err2 := os.Stat(j.path)
	if !locked || errors.Join(err1, err2) != nil || !os.SameFile(mine, named) {
		return fmt.Errorf("%s: another process is generating; wait for it, or give another -o", j.path)
	}
	return nil
}

func (j *journal) begin(s settings) error {
	line, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := j.file.Truncate(0); err != nil {
		return err
	}
	return j.write(append(line, '\n'))
}

func (j *journal) write(b []byte) error {
	if _, err := j.file.WriteAt(b, j.end); err != nil {
		return err
	}
	j.end += int64(len(b))
	return nil
}

// Add writes a batch in one piece.
func (j *journal) Add(all []protein.Candidate, at []protein.Position) error {
	var b bytes.Buffer
	for _, x := range all {
		from := b.Len()
		fmt.Fprintf(&b, "S\t%s\t%d\t%t\t%d\t%d\t%s\t%s\t%s\t%s\n", x.ID, x.Prompt, x.Complete, x.Tokens, x.Length,
			decimal(x.LogLikelihood), decimal(x.Perplexity), decimal(x.ResiduePerplexity), x.Residues)
		j.index = append(j.index, indexed{j.end + int64(from), x.Perplexity, int32(x.Length), int32(b.Len() - from)})
	}
	sum := crc32.ChecksumIEEE(b.Bytes())
	fmt.Fprintf(&b, "B\t%08x", sum)
	for i, p := range at {
		if p != j.at[i] {
			fmt.Fprintf(&b, "\t%d:%d:%d:%d", i, p.Next, p.Kept, p.Discarded)
		}
	}
	b.WriteByte('\n')
	copy(j.at, at)
	if err := j.write(b.Bytes()); err != nil {
		return err
	}
	if time.Since(j.sync) > time.Second && j.lock != nil {
		return j.Sync()
	}
	return nil
}

func decimal(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

// Sync makes durable what was added.
func (j *journal) Sync() error {
	j.sync = time.Now()
	return j.file.Sync()
}

// read checks the settings and takes over the batches that are whole.
func (j *journal) read(s settings) error {
	r := bufio.NewReaderSize(io.NewSectionReader(j.file, 0, 1<<62), 1<<20)
	line, err := r.ReadBytes('\n')
	if err == io.EOF { // killed before anything was there
		return j.begin(s)
	}
	if err != nil {
		return err
	}
	var there settings
	if err := json.Unmarshal(line, &there); err != nil {
		return fmt.Errorf("%s:1: no settings of kiban protein generate; remove the file, or give -O to begin anew", j.path)
	}
	if err := s.same(there, j.path); err != nil {
		return err
	}
	j.end = int64(len(line))
	sum, at := crc32.NewIEEE(), j.end
	var batch []indexed
	for {
		line, err := r.ReadBytes('\n')
		if err == io.EOF {
			return j.file.Truncate(j.end)
		}
		if err != nil {
			return err
		}
		at += int64(len(line))
		if line[0] == 'B' {
			if !j.commit(string(line), sum.Sum32()) {
				return j.file.Truncate(j.end)
			}
			j.index, batch = append(j.index, batch...), batch[:0]
			j.end = at
			sum.Reset()
			continue
		}
		sum.Write(line)
		x, err := parseCandidate(string(line))
		if err != nil {
			return j.file.Truncate(j.end)
		}
		batch = append(batch, indexed{at - int64(len(line)), x.Perplexity, int32(x.Length), int32(len(line))})
	}
}

// commit reads the end of a batch, and reports whether it is one.
func (j *journal) commit(line string, sum uint32) bool {
	fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
	if len(fields) < 2 || fields[1] != fmt.Sprintf("%08x", sum) {
		return false
	}
	at := slices.Clone(j.at)
	for _, f := range fields[2:] {
		var i int
		var p protein.Position
		if n, err := fmt.Sscanf(f, "%d:%d:%d:%d", &i, &p.Next, &p.Kept, &p.Discarded); n != 4 || err != nil || i < 0 || i >= len(at) {
			return false
		}
		at[i] = p
	}
	j.at = at
	return true
}

// same reports settings that differ.
func (s settings) same(there settings, path string) error {
	var wrong []string
	for _, name := range slices.Sorted(maps.Keys(s)) {
		a, b := string(there[name]), string(s[name])
		switch {
		case a == b:
		case len(a) > 0 && len(a)+len(b) < 100:
			wrong = append(wrong, fmt.Sprintf("%s was %s and is %s", name, a, b))
		default:
			wrong = append(wrong, name+" differs")
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return fmt.Errorf("%s: it was begun with other settings: %s; give those, or -O to begin anew", path, strings.Join(wrong, ", "))
}

func parseCandidate(line string) (x protein.Candidate, err error) {
	f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
	if len(f) != 10 || f[0] != "S" {
		return x, errors.New("no line of a sequence")
	}
	number := func(s string) float64 {
		v, e := strconv.ParseFloat(s, 64)
		err = errors.Join(err, e)
		return v
	}
	whole := func(s string) int {
		v, e := strconv.Atoi(s)
		err = errors.Join(err, e)
		return v
	}
	x.ID, x.Prompt, x.Complete = f[1], whole(f[2]), f[3] == "true"
	x.Tokens, x.Length = whole(f[4]), whole(f[5])
	x.LogLikelihood, x.Perplexity, x.ResiduePerplexity = number(f[6]), number(f[7]), number(f[8])
	x.Residues = []byte(f[9])
	return x, err
}

// Each reads the sequences in the order that compare gives, or as they came.
func (j *journal) Each(compare func(a, b indexed) int, visit func(protein.Candidate) error) error {
	order := j.index
	if compare != nil {
		order = slices.Clone(order)
		slices.SortStableFunc(order, compare)
	}
	var buf []byte
	for _, e := range order {
		buf = slices.Grow(buf[:0], int(e.size))[:e.size]
		if _, err := j.file.ReadAt(buf, e.offset); err != nil {
			return err
		}
		x, err := parseCandidate(string(buf))
		if err != nil {
			return fmt.Errorf("%s: %w; it was changed while it was read", j.path, err)
		}
		if err := visit(x); err != nil {
			return err
		}
	}
	return nil
}

// Close leaves the journal to be resumed.
func (j *journal) Close() error {
	var err error
	if j.lock != nil {
		err = j.lock.Close()
	}
	return errors.Join(err, j.file.Close())
}

// Remove ends it: the output is written, or nothing is worth keeping.
func (j *journal) Remove() error {
	var err error
	if j.lock != nil {
		err = os.Remove(j.path)
	}
	return errors.Join(err, j.Close())
}
