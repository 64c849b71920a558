package tfevents

import "encoding/binary"

// message is a protocol buffer in the making, of fields numbered 1 to 15. The
// module google.golang.org/protobuf, with which the tests read it, would hash
// the whole program at every start.
type message []byte

// Types of fields on the wire.
const (
	wireVarint = iota
	wireFixed64
	wireBytes
	wireFixed32 = 5
)

func (m message) tag(field, wire byte) message { return append(m, field<<3|wire) }

func (m message) varint(field byte, v uint64) message {
	return binary.AppendUvarint(m.tag(field, wireVarint), v)
}

func (m message) fixed64(field byte, v uint64) message {
	return binary.LittleEndian.AppendUint64(m.tag(field, wireFixed64), v)
}

func (m message) fixed32(field byte, v uint32) message {
	return binary.LittleEndian.AppendUint32(m.tag(field, wireFixed32), v)
}

func (m message) bytes(field byte, b []byte) message {
	m = binary.AppendUvarint(m.tag(field, wireBytes), uint64(len(b)))
	return append(m, b...)
}
