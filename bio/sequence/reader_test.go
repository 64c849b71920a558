package sequence

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// read returns the records as "ID|Description|Residues" and the error.
func read(t *testing.T, src io.Reader, opts Options) ([]string, Counts, error) {
	t.Helper()
	opts.CountLetters = true
	r, err := NewReader(src, "t.fa", opts)
	if err != nil {
		return nil, Counts{}, err
	}
	defer r.Close()
	var out []string
	for rec, err := range r.All() {
		if err != nil {
			return out, r.Counts(), err
		}
		out = append(out, fmt.Sprintf("%s|%s|%s", rec.ID, rec.Description, rec.Residues))
	}
	return out, r.Counts(), nil
}

func TestReader(t *testing.T) {
	for _, c := range []struct {
		name, in string
		opts     Options
		want     []string
		err      string // whole text
	}{
		{name: "two", in: ">a one two\nMK\nV\n>b\nL\n", want: []string{"a|one two|MKV", "b||L"}},
		{name: "nothing", in: ""},
		{name: "blank lines only", in: " \n\n"},
		{name: "no final newline", in: ">a\nMK\nV", want: []string{"a||MKV"}},
		{name: "CRLF", in: ">a x\r\nMK\r\nV\r\n>b\r\nL", want: []string{"a|x|MKV", "b||L"}},
		{name: "CR", in: ">a x\rMK\rV\r>b\rL", want: []string{"a|x|MKV", "b||L"}},
		{name: "blank lines", in: "\n>a\n\nMK\n\n\nV\n\n>b\nL\n\n", want: []string{"a||MKV", "b||L"}},
		{name: "blanks in lines", in: ">a\nMKV LLL\t\n  IV\n", want: []string{"a||MKVLLLIV"}},
		{name: "comments", in: ";c\n>a\n;c>\nMK\n;*\nV\n;end", want: []string{"a||MKV"}},
		{name: "byte order mark", in: "\xef\xbb\xbf>a\nM\n", want: []string{"a||M"}},
		{name: "lower case", in: ">a\nmkv\n", want: []string{"a||MKV"}},
		{name: "stop at the end", in: ">a\nMK*\n>b\nM\n*\n", want: []string{"a||MK", "b||M"}},
		{name: "nonstandard", in: ">a\nMUOBZXJ\n", want: []string{"a||MUOBZXJ"}},
		{name: "joined header", in: ">a one\x01b two\nM\n>c\x01d\nK\n", want: []string{"a|one\x01b two|M", "c|\x01d|K"}},
		{name: "bars", in: ">sp|P1|N_X d\nM\n", want: []string{"sp|P1|N_X|d|M"}},

		{name: "no header", in: "MKV\n", err: `t.fa:1: column 1: text before the first header: "MKV"; a FASTA record starts with a line >ID description`},
		{name: "empty record", in: ">a\n>b\nM\n", err: "t.fa:1: record a: no residues after the header; remove the record, or use --empty skip"},
		{name: "empty last record", in: ">b\nM\n>a", want: []string{"b||M"}, err: "t.fa:3: record a: no residues after the header; remove the record, or use --empty skip"},
		{name: "only a stop", in: ">a\n*\n", err: "t.fa:1: record a: no residues after the header; remove the record, or use --empty skip"},
		{name: "empty skipped", in: ">a\n>b\nM\n>c\n", opts: Options{Empty: SkipEmpty}, want: []string{"b||M"}},
		{name: "nameless", in: ">\nM!\n", err: "t.fa:2: record number 1, column 2: '!' is no residue; correct it, or use --invalid skip or x"},
		{name: "NUL", in: ">a\nMK\x00V\n", err: "t.fa:2: record a, column 3: NUL byte; the file is binary or UTF-16: give FASTA text in ASCII or UTF-8"},
		{name: "control in header", in: ">a\x02b\nM\n", err: "t.fa:1: column 3: control byte 0x02; the file is not FASTA text, or is damaged"},
		{name: "control first", in: "\x7fELF", err: "t.fa:1: column 1: control byte 0x7f; the file is not FASTA text, or is damaged"},
		{name: "UTF-16", in: "\xff\xfe>\x00a\x00", err: "t.fa:1: column 1: UTF-16 text; convert it: iconv -f UTF-16 -t UTF-8"},
		{name: "UTF-16 unmarked", in: ">\x00a\x00\n\x00", err: "t.fa:1: column 2: NUL byte; the file is binary or UTF-16: give FASTA text in ASCII or UTF-8"},
		{name: "not ASCII", in: ">é\nMé\n", err: "t.fa:2: record é, column 2: byte 0xc3, which is not ASCII; residues are ASCII letters: check the encoding"},
		{name: "header in line", in: ">a\nMK>b\nM\n", opts: Options{Invalid: SkipInvalid}, err: "t.fa:2: record a, column 3: '>' inside a sequence line; the line break before a header is missing"},
		{name: "digit", in: ">z\nM\n>a d\nMK\nMV1\n", want: []string{"z||M"}, err: "t.fa:5: record a, column 3: '1' is no residue; correct it, or use --invalid skip or x"},
		{name: "gap", in: ">a\nM-K\n", err: "t.fa:2: record a, column 2: '-' is no residue; give unaligned sequences, or use --gaps remove"},
		{name: "gaps removed", in: ">a\nM-K.\n", opts: Options{Gaps: RemoveGaps}, want: []string{"a||MK"}},
		{name: "gap to X", in: ">a\nM-K\n", opts: Options{Invalid: ReplaceInvalid}, want: []string{"a||MXK"}},
		{name: "stop inside", in: ">a\nM*\nK\n", err: "t.fa:2: record a, column 2: '*' inside the sequence; cut the sequence at the stop, or use --invalid skip or x"},
		{name: "stops to X", in: ">a\nM**\nK*\n", opts: Options{Invalid: ReplaceInvalid}, want: []string{"a||MXXK"}},
		{name: "skipped", in: ">a\nM*K\n>b\nM1\n>c\nM\n", opts: Options{Invalid: SkipInvalid}, want: []string{"c||M"}},
		{name: "DNA", in: ">a\nACGTNRYn\n>b\nACE\n", opts: Options{Type: DNA}, want: []string{"a||ACGTNRYN"}, err: "t.fa:4: record b, column 3: 'E' is no residue; correct it, or use --invalid skip or x"},
		{name: "too long", in: ">a\nMKV\nMKV\n", opts: Options{MaxResidues: 5}, err: "t.fa:3: record a: longer than 5 residues; split it, or check that line breaks and headers are intact"},
		{name: "duplicate", in: ">a x\nM\n>a y\nK\n", opts: Options{Duplicates: DuplicateError}, want: []string{"a|x|M"}, err: "t.fa:3: record a: an earlier record has the same ID; make IDs unique, or use --duplicates first or rename"},
		{name: "duplicate kept", in: ">a\nM\n>a\nK\n", want: []string{"a||M", "a||K"}},
		{name: "first", in: ">a\nM\n>a\nK\n", opts: Options{Duplicates: FirstDuplicate}, want: []string{"a||M"}},
		{name: "rename", in: ">a\nM\n>a_2\nK\n>a\nV\n>a\nL\n>a_2\nI\n", opts: Options{Duplicates: RenameDuplicates}, want: []string{"a||M", "a_2||K", "a_3||V", "a_4||L", "a_2_2||I"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, _, err := read(t, strings.NewReader(c.in), c.opts)
			if strings.Join(got, "\n") != strings.Join(c.want, "\n") {
				t.Errorf("records %q, want %q", got, c.want)
			}
			text := ""
			if err != nil {
				text = err.Error()
			}
			if text != c.err {
				t.Errorf("error\n%s, want\n%s", text, c.err)
			}
		})
	}
}

// What is left out leaves the rest as it is.
func TestLess(t *testing.T) {
	text := mixed(300) + ">joined\x01other d\nMUX\n>tail \t\nM\n>end one"
	opts := Options{Invalid: ReplaceInvalid, Gaps: RemoveGaps, Empty: SkipEmpty}
	want, counts, err := read(t, strings.NewReader(text), opts)
	if err != nil || counts.Nonstandard == 0 {
		t.Fatalf("%+v, %v", counts, err)
	}
	opts.NoDescriptions = true
	r, err := NewReader(strings.NewReader(text), "t.fa", opts)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	n := 0
	for rec, err := range r.All() {
		if err != nil {
			t.Fatal(err)
		}
		id, rest, _ := strings.Cut(want[n], "|")
		_, residues, _ := strings.Cut(rest, "|")
		if rec.ID != id || rec.Description != "" || string(rec.Residues) != residues {
			t.Fatalf("record %d: %.200v, want %.200s", n, rec, want[n])
		}
		n++
	}
	counts.Letters, counts.Nonstandard = [256]int64{}, 0
	if n != len(want) || r.Counts() != counts {
		t.Errorf("%d records, %+v; want %d, %+v", n, r.Counts(), len(want), counts)
	}
}

func TestCounts(t *testing.T) {
	in := ">a\nmkV-*\n>b\n>c\nM1\n>d\nMUX*K\n>a\nM\n"
	_, n, err := read(t, strings.NewReader(in), Options{Empty: SkipEmpty, Gaps: RemoveGaps, Invalid: ReplaceInvalid, Duplicates: FirstDuplicate})
	if err != nil {
		t.Fatal(err)
	}
	n.Letters = [256]int64{}
	want := Counts{Records: 3, Residues: 10, LowerCase: 2, Stops: 1, Gaps: 1, Replaced: 2, Empty: 1, Duplicates: 1, Nonstandard: 4}
	if n != want {
		t.Errorf("%+v, want %+v", n, want)
	}
}

func TestLongLines(t *testing.T) {
	// Longer than any buffer, with the CR LF at every place of a buffer's edge.
	for _, n := range []int{100_000, 1<<18 - 5, 1<<18 - 4, 1<<18 - 3, 3_000_001} {
		seq := strings.Repeat("MKVLA", n/5+1)[:n]
		got, _, err := read(t, strings.NewReader(">a\r\n"+seq+"\r\n>b\r\nM"), Options{})
		if err != nil || len(got) != 2 || got[0] != "a||"+seq || got[1] != "b||M" {
			t.Errorf("%d residues: %d records, %v", n, len(got), err)
		}
		_, _, err = read(t, strings.NewReader(">a\n"+seq+"7\n"), Options{})
		if want := fmt.Sprintf("t.fa:2: record a, column %d: '7'", n+1); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%d residues: %v, want %s", n, err, want)
		}
	}
}

func TestHeaderTooLong(t *testing.T) {
	_, _, err := read(t, strings.NewReader(">a "+strings.Repeat("x", maxHeader)), Options{})
	if err == nil || !strings.Contains(err.Error(), "header longer than") {
		t.Error(err)
	}
}

func pack(t testing.TB, kind string, data string) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	var err error
	switch kind {
	case "gzip":
		w = gzip.NewWriter(&b)
	case "zstd":
		w, err = zstd.NewWriter(&b)
	case "xz":
		w, err = xz.NewWriter(&b)
	}
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, data)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestCompression(t *testing.T) {
	text := ">a\nMKV\n>b\nM\n"
	for _, kind := range []string{"gzip", "zstd", "xz"} {
		one := pack(t, kind, text)
		r, err := NewReader(bytes.NewReader(one), "x", Options{})
		if err != nil || r.Compression() != kind {
			t.Fatalf("%s: %v", kind, err)
		}
		got, _, err := read(t, bytes.NewReader(one), Options{})
		if err != nil || len(got) != 2 {
			t.Errorf("%s: %v %v", kind, got, err)
		}
		twice := pack(t, kind, string(one))
		if _, _, err := read(t, bytes.NewReader(twice), Options{}); err == nil || !strings.Contains(err.Error(), "compressed twice") {
			t.Errorf("%s twice: %v", kind, err)
		}
		for cut := 7; cut < len(one); cut++ {
			if _, _, err := read(t, bytes.NewReader(one[:cut]), Options{}); err == nil {
				t.Errorf("%s cut to %d of %d bytes was accepted", kind, cut, len(one))
			}
		}
	}
	// Members, empty ones too, are one stream.
	many := bytes.Join([][]byte{pack(t, "gzip", ">a\nMK"), pack(t, "gzip", ""), pack(t, "gzip", "V\n>b\nM\n")}, nil)
	if got, _, err := read(t, bytes.NewReader(many), Options{}); err != nil || len(got) != 2 || got[0] != "a||MKV" {
		t.Errorf("members: %v %v", got, err)
	}
	junk := append(pack(t, "gzip", text), "junk"...)
	if _, _, err := read(t, bytes.NewReader(junk), Options{}); err == nil {
		t.Error("junk after gzip data was accepted")
	}
}

// The way to each block is found through blocks of many chunks, streams and
// padding, however the bytes come.
func TestXZDictionary(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 300_000) // is stored as it is
	for i := range noise {
		noise[i] = "ACDEFGHIKLMNPQRSTVWYacdefghiklmnpqrstvwy"[r.IntN(40)]
	}
	text := ">a\n" + string(noise) + "\n>b\n" + strings.Repeat("MKV", 200_000) + "\n"
	stream := func(dictionary int, check byte) []byte {
		var b bytes.Buffer
		w, err := xz.WriterConfig{DictCap: dictionary, BlockSize: 100_000, CheckSum: check}.NewWriter(&b)
		if err == nil {
			_, err = io.WriteString(w, text)
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	good := bytes.Join([][]byte{stream(1<<16, xz.CRC32), stream(1<<20, xz.CRC64), make([]byte, 8), stream(1<<16, xz.SHA256), make([]byte, 4)}, nil)
	greedy := stream(1<<16, xz.CRC32)
	head := greedy[12 : 12+(int(greedy[12])+1)*4]
	head[bytes.Index(head, []byte{0x21, 1})+2] = 32 // 2^28
	binary.LittleEndian.PutUint32(head[len(head)-4:], crc32.ChecksumIEEE(head[:len(head)-4]))
	for _, half := range []bool{false, true} {
		open := func(data []byte) io.Reader {
			if half {
				return iotest.HalfReader(bytes.NewReader(data))
			}
			return bytes.NewReader(data)
		}
		got, _, err := read(t, open(good), Options{})
		if err != nil || len(got) != 6 || !strings.HasSuffix(got[5], strings.Repeat("MKV", 200_000)) {
			t.Fatalf("%d records, %v", len(got), err)
		}
		// The same with one block that asks for more, at the end of all.
		bad := append(bytes.Clone(good), greedy...)
		if _, _, err := read(t, open(bad), Options{}); err == nil || !strings.Contains(err.Error(), "dictionary of 268435456 bytes is above the limit") {
			t.Errorf("%v", err)
		}
	}
}

func TestTruncated(t *testing.T) {
	var b strings.Builder
	for i := range 20000 {
		fmt.Fprintf(&b, ">s%d\nMKVLAAGIVGLCAKAYLERGR%dX\n", i, i)
	}
	text := strings.ReplaceAll(b.String(), "0", "A")
	for _, d := range "123456789" {
		text = strings.ReplaceAll(text, string(d), string(rune('A'+d-'0')))
	}
	whole := pack(t, "gzip", text)
	got, _, err := read(t, bytes.NewReader(whole[:len(whole)/2]), Options{})
	var e *Error
	if !errors.As(err, &e) || !errors.Is(err, io.ErrUnexpectedEOF) || len(got) == 0 {
		t.Fatalf("%d records, %v", len(got), err)
	}
	id, _, _ := strings.Cut(got[len(got)-1], "|")
	if want := fmt.Sprintf("gzip data is truncated after record %d (%s); copy or download it again", len(got), id); !strings.HasSuffix(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
	whole[len(whole)-6] ^= 1
	if _, _, err := read(t, bytes.NewReader(whole), Options{}); err == nil || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("damaged: %v", err)
	}
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(dir, Options{}); err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Error(err)
	}
	if _, err := Open(filepath.Join(dir, "none.fa"), Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func FuzzFASTA(f *testing.F) {
	for _, s := range []string{">a b\nMKV\n", ">a\r\nmk*\r\n>b\n;c\nM-K\n", ">\n\n", "MKV", ">a\x01b\nM\rK", "\x1f\x8b\x08", "\xff\xfe>\x00"} {
		f.Add([]byte(s), byte(0))
		f.Add([]byte(s), byte(0x55))
	}
	f.Fuzz(func(t *testing.T, data []byte, p byte) {
		opts := Options{Invalid: InvalidPolicy(p & 3 % 3), Gaps: GapPolicy(p >> 2 & 1), Empty: EmptyPolicy(p >> 3 & 1),
			Duplicates: DuplicatePolicy(p >> 4 & 3), Type: Type(p >> 6), MaxResidues: 1 << 16}
		r, err := NewReader(bytes.NewReader(data), "f", opts)
		if err != nil {
			return
		}
		defer r.Close()
		var out bytes.Buffer
		w := NewWriter(&out, 7)
		var kept []Record
		for rec, err := range r.All() {
			if err != nil {
				var e *Error
				if !errors.As(err, &e) || e.What == "" {
					t.Fatalf("%T %v", err, err)
				}
				break
			}
			if len(rec.Residues) == 0 {
				t.Fatal("empty record")
			}
			kept = append(kept, rec.Clone())
			if err := w.Write(rec); err != nil {
				t.Fatalf("%+v: %v", rec, err)
			}
		}
		w.Flush()
		again, err := NewReader(&out, "again", Options{Type: opts.Type})
		if err != nil {
			t.Fatal(err)
		}
		i := 0
		for rec, err := range again.All() {
			if err != nil {
				t.Fatal(err)
			}
			if rec.ID != kept[i].ID || rec.Description != kept[i].Description || !bytes.Equal(rec.Residues, kept[i].Residues) {
				t.Fatalf("wrote %+v, read %+v", kept[i], rec)
			}
			i++
		}
		if i != len(kept) {
			t.Fatalf("wrote %d records, read %d", len(kept), i)
		}
	})
}
