package storedzip

import (
	"encoding/binary"
	"hash/crc32"
	"io"
	"math"
)

// Alignment is where data start: at multiples of this many bytes, as torch
// writes them, so that they can be mapped into memory.
const Alignment = 64

// Writer writes an archive in one pass.
type Writer struct {
	w       io.Writer
	at      int64
	entries []Entry
}

// NewWriter writes to w.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// Add writes an entry. name is the full one, with the folder; that names are
// different and lie in one folder is up to the caller.
func (z *Writer) Add(name string, data []byte) error {
	e := Entry{Name: name, Size: int64(len(data)), CRC32: crc32.ChecksumIEEE(data), local: z.at}
	head := binary.LittleEndian.AppendUint32(make([]byte, 0, 256), localSig)
	head = e.append(head, 20)
	var extra []byte
	if e.Size >= math.MaxUint32 {
		extra = appendExtra64(extra, uint64(e.Size), uint64(e.Size))
	}
	// The padding is an extra field by itself, with a head of 4 bytes.
	pad := -(z.at + localSize + int64(len(name)+len(extra)) + 4) & (Alignment - 1)
	extra = binary.LittleEndian.AppendUint16(append(extra, "FB"...), uint16(pad))
	extra = append(extra, make([]byte, pad)...)
	head = binary.LittleEndian.AppendUint16(head, uint16(len(extra)))
	head = append(append(head, name...), extra...)
	e.Offset = z.at + int64(len(head))
	for _, part := range [][]byte{head, data} {
		n, err := z.w.Write(part)
		z.at += int64(n)
		if err != nil {
			return err
		}
	}
	z.entries = append(z.entries, e)
	return nil
}

// append adds what the two headers of an entry have in common: from the
// version needed to the length of the name.
func (e *Entry) append(b []byte, version uint16) []byte {
	u16, u32 := binary.LittleEndian.AppendUint16, binary.LittleEndian.AppendUint32
	size := uint32(min(e.Size, math.MaxUint32))
	if size == math.MaxUint32 {
		version = 45
	}
	b = u16(u16(u16(b, version), flagUTF8), 0)
	b = u16(u16(b, 0), 0x21) // midnight of 1 January 1980: the same weights give the same bytes
	b = u32(u32(u32(b, e.CRC32), size), size)
	return u16(b, uint16(len(e.Name)))
}

func appendExtra64(b []byte, values ...uint64) []byte {
	b = binary.LittleEndian.AppendUint16(b, zip64Extra)
	b = binary.LittleEndian.AppendUint16(b, uint16(8*len(values)))
	for _, v := range values {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	return b
}

// Close writes the directory. It does not close what lies below.
func (z *Writer) Close() error {
	u16, u32, u64 := binary.LittleEndian.AppendUint16, binary.LittleEndian.AppendUint32, binary.LittleEndian.AppendUint64
	var dir []byte
	for _, e := range z.entries {
		var large []uint64
		if e.Size >= math.MaxUint32 {
			large = append(large, uint64(e.Size), uint64(e.Size))
		}
		if e.local >= math.MaxUint32 {
			large = append(large, uint64(e.local))
		}
		var extra []byte
		if large != nil {
			extra = appendExtra64(nil, large...)
		}
		dir = u16(u32(dir, centralSig), 45)
		dir = u16(e.append(dir, 20), uint16(len(extra)))
		dir = u32(u16(u16(u16(dir, 0), 0), 0), 0) // comment, disk, attributes
		dir = u32(dir, uint32(min(e.local, math.MaxUint32)))
		dir = append(append(dir, e.Name...), extra...)
	}
	n, size, at := uint64(len(z.entries)), uint64(len(dir)), uint64(z.at)
	end := dir
	// Always there, as in torch's own files.
	end = u64(u32(end, end64Sig), end64Size-12)
	end = u32(u32(u16(u16(end, 45), 45), 0), 0)
	end = u64(u64(u64(u64(end, n), n), size), at)
	end = u32(u64(u32(u32(end, locatorSig), 0), at+size), 1)
	count := uint16(min(n, math.MaxUint16))
	end = u16(u16(u16(u16(u32(end, endSig), 0), 0), count), count)
	end = u16(u32(u32(end, uint32(min(size, math.MaxUint32))), uint32(min(at, math.MaxUint32))), 0)
	_, err := z.w.Write(end)
	z.at += int64(len(end))
	return err
}
