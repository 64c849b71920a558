package hostile

import (
	"encoding/binary"
	"hash/crc32"
)

// zipEntry is a member of an archive. What is zero is what it should be; the
// others are lies.
type zipEntry struct {
	name       string
	data       []byte // as stored
	method     uint16 // 0 stored, 8 deflated
	size       uint32 // when uncompressed
	crc        uint32
	flags      uint16 // in the central directory
	localFlags uint16
	extra      []byte // between the local header and the data
	at         int    // where the local header is said to lie, plus 1
}

// zipped is an archive of members, as torch writes it: local headers and data,
// central directory, end record.
func zipped(members ...zipEntry) []byte {
	var out, central []byte
	le := binary.LittleEndian
	for _, m := range members {
		if m.size == 0 {
			m.size = uint32(len(m.data))
		}
		if m.crc == 0 {
			m.crc = crc32.ChecksumIEEE(m.data)
		}
		at := len(out)
		if m.at > 0 {
			at = m.at - 1
		} else {
			out = le.AppendUint32(out, 0x04034b50)
			for _, v := range []uint16{20, m.localFlags, m.method, 0, 0} {
				out = le.AppendUint16(out, v)
			}
			for _, v := range []uint32{m.crc, uint32(len(m.data)), m.size} {
				out = le.AppendUint32(out, v)
			}
			out = le.AppendUint16(le.AppendUint16(out, uint16(len(m.name))), uint16(len(m.extra)))
			out = append(append(append(out, m.name...), m.extra...), m.data...)
		}
		central = le.AppendUint32(central, 0x02014b50)
		for _, v := range []uint16{20, 20, m.flags, m.method, 0, 0} {
			central = le.AppendUint16(central, v)
		}
		for _, v := range []uint32{m.crc, uint32(len(m.data)), m.size} {
			central = le.AppendUint32(central, v)
		}
		for _, v := range []uint16{uint16(len(m.name)), 0, 0, 0, 0} {
			central = le.AppendUint16(central, v)
		}
		central = le.AppendUint32(le.AppendUint32(central, 0), uint32(at))
		central = append(central, m.name...)
	}
	return append(append(out, central...), endRecord(len(members), len(central), len(out))...)
}

// endRecord ends an archive of n members whose central directory of size bytes
// starts at a place.
func endRecord(n, size, at int) []byte {
	le := binary.LittleEndian
	b := le.AppendUint32(nil, 0x06054b50)
	for _, v := range []uint16{0, 0, uint16(n), uint16(n)} {
		b = le.AppendUint16(b, v)
	}
	return le.AppendUint16(le.AppendUint32(le.AppendUint32(b, uint32(size)), uint32(at)), 0)
}
