// Package storedzip reads and writes the zip archives of PyTorch: entries that
// are stored, not compressed, in one folder.
//
// Reading is strict. Every byte of the file belongs to exactly one entry or to
// the directory at its end, and what the directory says of an entry is what
// stands before it: two programs cannot read two things from one archive.
package storedzip

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// MaxEntries is the most that an archive may hold.
const MaxEntries = 100_000

const (
	maxDirectory = 64 << 20
	maxName      = 1024

	localSig      = 0x04034b50
	centralSig    = 0x02014b50
	descriptorSig = 0x08074b50
	endSig        = 0x06054b50
	end64Sig      = 0x06064b50
	locatorSig    = 0x07064b50

	localSize   = 30
	centralSize = 46
	endSize     = 22
	end64Size   = 56
	locatorSize = 20

	flagDescriptor = 1 << 3 // sizes and checksum follow the data
	flagUTF8       = 1 << 11

	zip64Extra = 1
)

// Entry is one file of an archive.
type Entry struct {
	Name   string // with the folder that all have
	Offset int64  // of the data
	Size   int64
	CRC32  uint32 // of the data, IEEE

	flags uint16
	local int64 // offset of the local header
}

// Error says how an archive is malformed.
type Error struct{ Msg string }

func (e *Error) Error() string { return "zip: " + e.Msg }

func errorf(format string, args ...any) error { return &Error{fmt.Sprintf(format, args...)} }

// Read returns the entries of an archive of size bytes, in the order in which
// they lie in it. The data are not read, so checksums are not checked. The error
// is an *Error unless reading failed.
func Read(r io.ReaderAt, size int64) ([]Entry, error) {
	dir, at, n, err := readEnd(r, size)
	if err != nil {
		return nil, err
	}
	entries := make([]Entry, 0, min(n, len(dir)/centralSize))
	for range n {
		e, rest, err := parseCentral(dir)
		if err != nil {
			return nil, err
		}
		entries, dir = append(entries, e), rest
	}
	if len(dir) > 0 {
		return nil, errorf("the directory has %d bytes more than its %d entries take", len(dir), n)
	}
	if err := checkNames(entries); err != nil {
		return nil, err
	}
	slices.SortFunc(entries, func(a, b Entry) int { return cmp.Compare(a.local, b.local) })
	if len(entries) == 0 && at > 0 {
		return nil, errorf("%d bytes belong to no entry", at)
	}
	for i := range entries {
		end := at
		if i+1 < len(entries) {
			end = entries[i+1].local
		}
		start := int64(0)
		if i > 0 {
			start = entries[i].local
		}
		if entries[i].local != start || end <= start {
			return nil, errorf("entry %q starts at %d; entries overlap, or bytes before it belong to none", entries[i].Name, entries[i].local)
		}
		if err := entries[i].checkLocal(r, end); err != nil {
			return nil, err
		}
	}
	return entries, nil
}

func readFull(r io.ReaderAt, n int, at int64) ([]byte, error) {
	b := make([]byte, n)
	if _, err := r.ReadAt(b, at); err != nil && !(errors.Is(err, io.EOF) && n == 0) {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return b, nil
}

// readEnd returns the directory, where it starts, and how many entries it has.
func readEnd(r io.ReaderAt, size int64) (dir []byte, at int64, n int, err error) {
	tail := int(min(size, endSize+locatorSize+end64Size))
	b, err := readFull(r, tail, size-int64(tail))
	if err != nil {
		return nil, 0, 0, err
	}
	if tail < endSize || binary.LittleEndian.Uint32(b[tail-endSize:]) != endSig {
		return nil, 0, 0, errorf("there is no end record in the last %d bytes; the file was cut short, or something follows it", endSize)
	}
	end := b[tail-endSize:]
	u16 := func(i int) uint64 { return uint64(binary.LittleEndian.Uint16(end[i:])) }
	u32 := func(i int) uint64 { return uint64(binary.LittleEndian.Uint32(end[i:])) }
	if u16(4) != 0 || u16(6) != 0 || u16(8) != u16(10) || u16(20) != 0 {
		return nil, 0, 0, errorf("the end record speaks of several disks, or of a comment")
	}
	count, length, offset, limit := u16(10), u32(12), u32(16), uint64(size)-endSize
	if tail == endSize+locatorSize+end64Size && binary.LittleEndian.Uint32(b[end64Size:]) == locatorSig {
		limit -= end64Size + locatorSize
		if count, length, offset, err = readEnd64(b[:end64Size+locatorSize], limit, count, length, offset); err != nil {
			return nil, 0, 0, err
		}
	}
	switch {
	case count > MaxEntries:
		return nil, 0, 0, errorf("%d entries are above the limit of %d", count, MaxEntries)
	case length > maxDirectory:
		return nil, 0, 0, errorf("a directory of %d bytes is above the limit of %d", length, maxDirectory)
	case length > limit || offset != limit-length:
		return nil, 0, 0, errorf("a directory of %d bytes at %d does not end at the end record at %d", length, offset, limit)
	}
	dir, err = readFull(r, int(length), int64(offset))
	return dir, int64(offset), int(count), err
}

// readEnd64 reads the zip64 end record and its locator, which lie at at. What
// the plain end record says must be the same or say that it cannot.
func readEnd64(b []byte, at, count, length, offset uint64) (uint64, uint64, uint64, error) {
	u32 := func(i int) uint32 { return binary.LittleEndian.Uint32(b[i:]) }
	u64 := func(i int) uint64 { return binary.LittleEndian.Uint64(b[i:]) }
	locator := end64Size
	switch {
	case u32(locator+4) != 0 || u64(locator+8) != at || u32(locator+16) > 1:
		return 0, 0, 0, errorf("the zip64 locator does not point to the record before it")
	case u32(0) != end64Sig || u64(4) != end64Size-12 || u32(16) != 0 || u32(20) != 0 || u64(24) != u64(32):
		return 0, 0, 0, errorf("the zip64 end record is malformed")
	}
	same := func(short, max, long uint64) bool { return short == max || short == long }
	if !same(count, math.MaxUint16, u64(32)) || !same(length, math.MaxUint32, u64(40)) || !same(offset, math.MaxUint32, u64(48)) {
		return 0, 0, 0, errorf("the two end records disagree")
	}
	return u64(32), u64(40), u64(48), nil
}

func parseCentral(b []byte) (Entry, []byte, error) {
	if len(b) < centralSize || binary.LittleEndian.Uint32(b) != centralSig {
		return Entry{}, nil, errorf("the directory ends early, or is damaged")
	}
	u16 := func(i int) int { return int(binary.LittleEndian.Uint16(b[i:])) }
	u32 := func(i int) uint64 { return uint64(binary.LittleEndian.Uint32(b[i:])) }
	name, extra := u16(28), u16(30)
	if len(b) < centralSize+name+extra {
		return Entry{}, nil, errorf("the directory ends early, or is damaged")
	}
	e := Entry{Name: string(b[centralSize : centralSize+name]), CRC32: uint32(u32(16)), flags: uint16(u16(8))}
	switch {
	case e.flags&^(flagDescriptor|flagUTF8) != 0:
		return e, nil, errorf("entry %.60q has flags %#x; encrypted or odd entries are not read", e.Name, e.flags)
	case u16(10) != 0:
		return e, nil, errorf("entry %.60q is compressed (method %d), which torch.save never does", e.Name, u16(10))
	case u16(32) != 0 || u16(34) != 0:
		return e, nil, errorf("entry %.60q has a comment, or lies on another disk", e.Name)
	}
	packed, size, local := u32(20), u32(24), u32(42)
	if err := readExtra64(b[centralSize+name:centralSize+name+extra], &size, &packed, &local); err != nil {
		return e, nil, errorf("entry %.60q: %v", e.Name, err)
	}
	if packed != size || size > math.MaxInt64/2 || local > math.MaxInt64/2 {
		return e, nil, errorf("entry %.60q: sizes %d and %d at %d cannot be", e.Name, packed, size, local)
	}
	e.Size, e.local = int64(size), int64(local)
	return e, b[centralSize+name+extra:], nil
}

// readExtra64 replaces those of fields that have the value for "too large to
// stand here" by the numbers in the zip64 extra field, which come in their order.
func readExtra64(extra []byte, fields ...*uint64) error {
	seen := false
	for len(extra) > 0 {
		if len(extra) < 4 {
			return errors.New("an extra field is cut short")
		}
		id, n := binary.LittleEndian.Uint16(extra), int(binary.LittleEndian.Uint16(extra[2:]))
		if len(extra) < 4+n {
			return errors.New("an extra field is cut short")
		}
		body := extra[4 : 4+n]
		extra = extra[4+n:]
		if id != zip64Extra {
			continue
		}
		if seen {
			return errors.New("there are two zip64 fields")
		}
		seen = true
		for _, f := range fields {
			if *f != math.MaxUint32 {
				continue
			}
			if len(body) < 8 {
				return errors.New("the zip64 field is too short")
			}
			*f, body = binary.LittleEndian.Uint64(body), body[8:]
		}
	}
	return nil
}

func checkNames(entries []Entry) error {
	seen := make(map[string]bool, len(entries))
	folder := ""
	for i, e := range entries {
		parts := strings.Split(e.Name, "/")
		bad := len(e.Name) > maxName || !utf8.ValidString(e.Name) || strings.ContainsAny(e.Name, "\\:\x00") || len(parts) < 2
		for _, p := range parts {
			bad = bad || p == "" || p == "." || p == ".."
		}
		if bad {
			return errorf("entry name %.80q is not one of a torch file", e.Name)
		}
		if i == 0 {
			folder = parts[0]
		}
		if parts[0] != folder {
			return errorf("entries lie in the folders %.60q and %.60q, want one", folder, parts[0])
		}
		fold := strings.ToLower(e.Name)
		if seen[fold] {
			return errorf("entry name %.80q is there twice", e.Name)
		}
		seen[fold] = true
	}
	return nil
}

// checkLocal holds the header before the data, and the descriptor behind it,
// against the directory. The entry must end at end.
func (e *Entry) checkLocal(r io.ReaderAt, end int64) error {
	if end-e.local < localSize+int64(len(e.Name)) {
		return errorf("entry %q does not fit before what follows it", e.Name)
	}
	head, err := readFull(r, localSize+len(e.Name), e.local)
	if err != nil {
		return err
	}
	u16 := func(i int) uint16 { return binary.LittleEndian.Uint16(head[i:]) }
	u32 := func(i int) uint64 { return uint64(binary.LittleEndian.Uint32(head[i:])) }
	if u32(0) != localSig || u16(6) != e.flags || u16(8) != 0 || int(u16(26)) != len(e.Name) || string(head[localSize:]) != e.Name {
		return errorf("entry %q: the header before its data says something else than the directory", e.Name)
	}
	e.Offset = e.local + int64(len(head)) + int64(u16(28))
	if e.Offset > end || e.Size > end-e.Offset {
		return errorf("entry %q of %d bytes does not fit before what follows it", e.Name, e.Size)
	}
	extra, err := readFull(r, int(u16(28)), e.local+int64(len(head)))
	if err != nil {
		return err
	}
	packed, size, crc := u32(18), u32(22), u32(14)
	if err := readExtra64(extra, &size, &packed); err != nil {
		return errorf("entry %q: %v", e.Name, err)
	}
	same := crc == uint64(e.CRC32) && packed == uint64(e.Size) && size == uint64(e.Size)
	rest := end - e.Offset - e.Size
	if e.flags&flagDescriptor == 0 {
		if !same || rest != 0 {
			return errorf("entry %q: the header before its data says something else than the directory, or bytes follow it that belong to none", e.Name)
		}
		return nil
	}
	if !same && (crc != 0 || packed != 0 || size != 0) {
		return errorf("entry %q: the header before its data says something else than the directory", e.Name)
	}
	return e.checkDescriptor(r, rest)
}

// checkDescriptor reads the n bytes behind the data: checksum and sizes, the
// sizes of 4 or 8 bytes, a signature before them or not.
func (e *Entry) checkDescriptor(r io.ReaderAt, n int64) error {
	if n != 12 && n != 16 && n != 20 && n != 24 {
		return errorf("entry %q: %d bytes follow its data, want a descriptor of 12 to 24", e.Name, n)
	}
	b, err := readFull(r, int(n), e.Offset+e.Size)
	if err != nil {
		return err
	}
	ok := true
	if n%8 == 0 { // 16 or 24
		ok = binary.LittleEndian.Uint32(b) == descriptorSig
		b = b[4:]
	}
	ok = ok && binary.LittleEndian.Uint32(b) == e.CRC32
	if len(b) == 12 {
		ok = ok && uint64(binary.LittleEndian.Uint32(b[4:])) == uint64(e.Size) && binary.LittleEndian.Uint32(b[8:]) == binary.LittleEndian.Uint32(b[4:])
	} else {
		ok = ok && binary.LittleEndian.Uint64(b[4:]) == uint64(e.Size) && binary.LittleEndian.Uint64(b[12:]) == uint64(e.Size)
	}
	if !ok {
		return errorf("entry %q: the descriptor behind its data says something else than the directory", e.Name)
	}
	return nil
}
