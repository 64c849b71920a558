package hostile

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"hash/crc32"
	"io"
)

// gz packs data as one gzip member.
func gz(data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(data) // to memory: cannot fail
	w.Close()
	return b.Bytes()
}

// compressedCases are attacks by the packing around FASTA text.
func compressedCases() []Case {
	good := []byte(proteins(50))
	packed := gz(good)
	changed := func(change func(b []byte) []byte) func() []byte {
		return func() []byte { return change(bytes.Clone(packed)) }
	}
	var cases []Case
	refuse := func(name string, data func() []byte, says ...string) {
		cases = append(cases, Case{Name: name, Make: file("in.fa", data), Args: prepare, Says: append(says, "in.fa")})
	}
	accept := func(name string, data func() []byte) {
		cases = append(cases, Case{Name: name, Make: file("in.fa", data), Args: prepare, Accept: true, Twin: harmless, Files: prepared})
	}
	stream := func(name, says string, input func(w io.Writer) error) {
		cases = append(cases, Case{Name: name, Make: func(Folder) error { return nil }, Args: prepareInput, Input: input, Says: []string{says}})
	}
	refuse("gz_double", func() []byte { return gz(packed) }, "compressed twice")
	refuse("gz_trunc", changed(func(b []byte) []byte { return b[:len(b)/2] }), "truncated")
	refuse("gz_trunc_tail", changed(func(b []byte) []byte { return b[:len(b)-1] }), "truncated")
	refuse("gz_crc", changed(func(b []byte) []byte { b[len(b)-8] ^= 1; return b }), "checksum")
	refuse("gz_length", changed(func(b []byte) []byte { b[len(b)-1] ^= 1; return b }), "checksum")
	refuse("gz_tail", changed(func(b []byte) []byte { return append(b, "junk after the end"...) }), "gzip data")
	// The size of a block in a bgzf header is a hint for seeking, which kiban
	// does not do: it reads the members one after another.
	accept("bgzf_bsize", func() []byte { return blocked(good, 7) })
	accept("bgzf", func() []byte { return blocked(good, -1) })
	// A million empty members, 23 MB, before the text.
	empty := gz(nil)
	cases = append(cases, Case{Name: "gz_members", Make: func(Folder) error { return nil }, Args: prepareInput, Accept: true, Twin: harmless, TwinArgs: prepare, Files: prepared,
		Input: func(w io.Writer) error {
			if err := chunks(bytes.Repeat(empty, 1000), 1000)(w); err != nil {
				return err
			}
			_, err := w.Write(packed)
			return err
		}})
	stream("gz_zero", "NUL byte", zeros(10<<30, nil, 0))
	stream("gz_letters", "longer than", zeros(10<<30, []byte(">a\n"), 'A'))
	refuse("xz_dictionary", xzDictionary, "dictionary")
	refuse("zst_window", func() []byte { // a frame with a window of 3.75 TiB
		return append([]byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xff}, 1, 0, 0)
	}, "zstd data")
	return cases
}

// zeros is a gzip stream that expands to head and n times the same letter.
func zeros(n int64, head []byte, letter byte) func(w io.Writer) error {
	return func(w io.Writer) error {
		z := gzip.NewWriter(w)
		if _, err := z.Write(head); err != nil {
			return err
		}
		if err := chunks(bytes.Repeat([]byte{letter}, 1<<20), int(n>>20))(z); err != nil {
			return err
		}
		return z.Close()
	}
}

// blocked is data in bgzf blocks; each claims to be size bytes long, or tells
// the truth if size is negative.
func blocked(data []byte, size int) []byte {
	var out []byte
	for len(data) > 0 {
		n := min(len(data), 700)
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		w.Extra = []byte{'B', 'C', 2, 0, 0, 0}
		w.Write(data[:n])
		w.Close()
		claim := size
		if claim < 0 {
			claim = b.Len() - 1
		}
		binary.LittleEndian.PutUint16(b.Bytes()[16:], uint16(claim))
		out = append(out, b.Bytes()...)
		data = data[n:]
	}
	return out
}

// xzDictionary is an xz file of three blocks, each of which asks for a
// dictionary of 4 GiB to hold a few bytes.
func xzDictionary() []byte {
	le := binary.LittleEndian
	sum := func(b []byte) []byte { return le.AppendUint32(nil, crc32.ChecksumIEEE(b)) }
	pad := func(b []byte) []byte {
		for len(b)%4 != 0 {
			b = append(b, 0)
		}
		return b
	}
	flags := []byte{0, 1} // checked by CRC-32
	out := append([]byte("\xfd7zXZ\x00"), flags...)
	out = append(out, sum(flags)...)
	index := []byte{0, 3}
	for _, text := range []string{">a\n", "MKV", "LA\n"} {
		// Header: size/4-1, flags, filter LZMA2 with one byte of settings, 40
		// for 4 GiB - 1, padding, CRC.
		head := []byte{2, 0, 0x21, 1, 40, 0, 0, 0}
		head = append(head, sum(head)...)
		// One chunk as it is, with a new dictionary, then the end.
		body := append([]byte{1, 0, byte(len(text) - 1)}, text...)
		body = append(body, 0)
		index = append(index, byte(len(head)+len(body)+4), byte(len(text)))
		out = append(append(append(out, head...), pad(body)...), sum([]byte(text))...)
	}
	index = pad(index)
	index = append(index, sum(index)...)
	out = append(out, index...)
	foot := append(le.AppendUint32(nil, uint32(len(index)/4-1)), flags...)
	return append(append(append(out, sum(foot)...), foot...), "YZ"...)
}
