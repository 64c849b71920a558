package sequence

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// mixed is FASTA with all that a reader may meet, several blocks of it.
func mixed(n int) string {
	rnd := rand.New(rand.NewPCG(3, 1))
	var b strings.Builder
	ends := []string{"\n", "\n", "\n", "\r\n", "\r"}
	for i := range n {
		end := ends[rnd.IntN(len(ends))]
		fmt.Fprintf(&b, ">id%d %s%s", i, strings.Repeat("tüxt\t", rnd.IntN(4)), end)
		for range 1 + rnd.IntN(6) {
			line := []byte(strings.Repeat("MKVLAGWC", 40)[:rnd.IntN(200)])
			if len(line) > 0 && rnd.IntN(8) == 0 {
				line[rnd.IntN(len(line))] = "mk -*;\t"[rnd.IntN(7)]
			}
			if i%1000 == 7 {
				line = []byte(strings.Repeat("ACDEF", 70_000))
			}
			b.Write(line)
			b.WriteString(end)
		}
		b.WriteString("MW" + end)
	}
	return b.String()
}

// What is read does not depend on how the bytes come, nor on what reads ahead.
func TestBlocks(t *testing.T) {
	text := mixed(3000)
	opts := Options{Invalid: ReplaceInvalid, Gaps: RemoveGaps, CountLetters: true}
	want, counts, err := read(t, strings.NewReader(text), opts)
	if err != nil || len(want) < 2900 || len(text) < 8*blockBytes {
		t.Fatalf("%d records of %d bytes, %v", len(want), len(text), err)
	}
	for _, kind := range []string{"plain", "gzip"} {
		path := filepath.Join(t.TempDir(), kind)
		data := text
		if kind == "gzip" {
			data = string(pack(t, "gzip", text))
		}
		if err := os.WriteFile(path, []byte(data), 0o666); err != nil {
			t.Fatal(err)
		}
		for how, open := range map[string]func() (*Reader, error){
			"file":   func() (*Reader, error) { return Open(path, opts) },
			"bytes":  func() (*Reader, error) { return NewReader(iotest.OneByteReader(strings.NewReader(data)), "t", opts) },
			"halves": func() (*Reader, error) { return NewReader(iotest.HalfReader(strings.NewReader(data)), "t", opts) },
		} {
			r, err := open()
			if err != nil {
				t.Fatal(err)
			}
			if (r.stop != nil) != (how == "file") {
				t.Errorf("%s, %s: read ahead or not", kind, how)
			}
			var got []string
			for rec, err := range r.All() {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, fmt.Sprintf("%s|%s|%s", rec.ID, rec.Description, rec.Residues))
			}
			if !slices.Equal(got, want) || r.Counts() != counts {
				t.Errorf("%s, %s: %d records, want %d", kind, how, len(got), len(want))
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// An error comes after the records before it, and names its line, on a file too.
func TestReadAheadErrors(t *testing.T) {
	text := strings.Repeat(">a\nMKV\n", 300_000)
	dir := t.TempDir()
	for name, c := range map[string]struct{ data, want string }{
		"letter":    {text + ">b\nM1\n", ":600002: record b, column 2: '1' is no residue; correct it, or use --invalid skip or x"},
		"truncated": {string(pack(t, "gzip", text+">b\nM\n"))[:2000], "gzip data is truncated after record "},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(c.data), 0o666); err != nil {
			t.Fatal(err)
		}
		_, n, err := summarise(t, path, Options{})
		if err == nil || !strings.Contains(err.Error(), c.want) || n.Records == 0 || name == "letter" && n.Records != 300_000 {
			t.Errorf("%s: %v after %d records, want %s", name, err, n.Records, c.want)
		}
	}
}

// A reader that is closed early leaves no goroutine, and gives no more records.
func TestCloseEarly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.fa")
	if err := os.WriteFile(path, []byte(strings.Repeat(">a\nMKV\n", 500_000)), 0o666); err != nil {
		t.Fatal(err)
	}
	before := runtime.NumGoroutine()
	for range 20 {
		r, err := Open(path, Options{})
		if err == nil {
			_, err = r.Next()
		}
		if err == nil {
			err = r.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Next(); !errors.Is(err, os.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	}
	for i := 0; runtime.NumGoroutine() > before; i++ { // the last have a few instructions left
		if i == 100 {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// Lines are yielded when they have come, not when a buffer is full.
func TestPipe(t *testing.T) {
	in, out := io.Pipe()
	go out.Write([]byte(">a\nMKV\n>b\n"))
	r, err := NewReader(in, "pipe", Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if rec, err := r.Next(); err != nil || rec.ID != "a" {
		t.Errorf("%+v, %v", rec, err)
	}
}
