package sequence

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"

	"github.com/kiban-models/kiban/core/packed"
)

// plainBytes returns what is inside, up to a limit, and the kind of packing.
func plainBytes(src io.Reader, limit int64) (string, string, error) {
	d, err := packed.NewReader(src)
	if err != nil {
		return "", "", err
	}
	defer d.Close()
	var b strings.Builder
	_, err = io.Copy(&b, io.LimitReader(d, limit))
	return b.String(), d.Kind, err
}

// Any text comes back from each packing, and not from a part of the packed
// bytes; packed bytes that somebody else made up give an *Error, or text, in
// bounded memory.
func FuzzCompressed(f *testing.F) {
	text := ">a b\nMKV\n>c\nLLK\n"
	for _, kind := range []string{"gzip", "zstd", "xz"} {
		one := pack(f, kind, text)
		f.Add(one, uint16(9))
		f.Add(append(one, one...), uint16(40))
		f.Add(append(one, "junk"...), uint16(1))
		f.Add(pack(f, kind, string(one)), uint16(12))
		f.Add(pack(f, kind, ""), uint16(3))
	}
	f.Add([]byte("BZh91AY&SY\x4e\xec\xe8\x36\x00\x00\x02\x51\x80\x00\x10\x40\x00\x06\x44\x90\x80\x20\x00\x31\x06\x4c\x41\x01\xa7\xa9\xa5\x80\xbb\x94\x31\xf8\xbb\x92\x29\xc2\x84\x82\x77\x67\x41\xb0"), uint16(5))
	f.Fuzz(func(t *testing.T, data []byte, cut uint16) {
		const limit = 8 << 20
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _, err := plainBytes(bytes.NewReader(data), limit)
		runtime.ReadMemStats(&after)
		// A window of 128 MiB is what a zstd file may ask for.
		if used := after.TotalAlloc - before.TotalAlloc; used > 400<<20 {
			t.Fatalf("%d bytes of input took %d of memory (%v)", len(data), used, err)
		}
		r, err := NewReader(bytes.NewReader(data), "f", Options{MaxResidues: 1 << 16})
		if err == nil {
			for _, err := range r.All() {
				var e *Error
				if err != nil && (!errors.As(err, &e) || e.What == "" || len(err.Error()) > 5<<20) {
					t.Fatalf("%T %.1000v", err, err)
				}
				if r.src.Out > limit {
					break
				}
			}
			r.Close()
		}
		if packed.KindOf(data) != "" || len(data) > 1<<16 { // packing twice is refused
			return
		}
		kind := []string{"gzip", "zstd", "xz"}[cut%3]
		packed := packSmall(t, kind, data)
		got, as, err := plainBytes(bytes.NewReader(packed), limit)
		if err != nil || got != string(data) || as != kind {
			t.Fatalf("%s: %q came back as %q, %q, %v", kind, data, got, as, err)
		}
		part := packed[:int(cut/3)%len(packed)]
		if len(part) < 6 {
			return // too short to tell what it is
		}
		if got, _, err := plainBytes(bytes.NewReader(part), limit); err == nil {
			t.Fatalf("%s: %d of %d bytes were taken for the whole, %q", kind, len(part), len(packed), got)
		}
	})
}

// packSmall is pack with encoders that need little memory and so are quick to
// make.
func packSmall(t *testing.T, kind string, data []byte) []byte {
	var b bytes.Buffer
	var w io.WriteCloser
	var err error
	switch kind {
	case "gzip":
		w, err = gzip.NewWriterLevel(&b, gzip.HuffmanOnly)
	case "zstd":
		w, err = zstd.NewWriter(&b, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(zstd.MinWindowSize))
	case "xz":
		w, err = xz.WriterConfig{DictCap: 1 << 16, Matcher: lzma.HashTable4}.NewWriter(&b)
	}
	if err == nil {
		_, err = w.Write(data)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
