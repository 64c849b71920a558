package embedding

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math"
	"strings"
	"testing"
)

func TestRoundTrip(t *testing.T) {
	data := []float32{1, -0.1, 1e-45, 3.4028235e38 / 1e20, 0, 1.0 / 3, -0, 16777217}
	data[6] = float32(math.Copysign(0, -1))
	v, err := New([]string{"a", "β-TiO₂", "<nUm>", "x_y"}, 2, data)
	if err != nil {
		t.Fatal(err)
	}
	for name, write := range map[string]func(*bytes.Buffer) error{
		"text":   func(b *bytes.Buffer) error { return v.WriteText(b) },
		"binary": func(b *bytes.Buffer) error { return v.WriteBinary(b) },
		"gzip": func(b *bytes.Buffer) error {
			z := gzip.NewWriter(b)
			if err := v.WriteBinary(z); err != nil {
				return err
			}
			return z.Close()
		},
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		got, err := Read(name, &b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for i, x := range v.Data {
			if math.Float32bits(got.Data[i]) != math.Float32bits(x) {
				t.Errorf("%s: number %d is %v, was %v", name, i, got.Data[i], x)
			}
		}
		if fmt.Sprint(got.Words) != fmt.Sprint(v.Words) {
			t.Errorf("%s: %v", name, got.Words)
		}
	}
	w, err := New([]string{"two words"}, 1, []float32{1})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.WriteText(&bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "blanks") {
		t.Errorf("a word with a blank: %v", err)
	}
}

func TestBadFiles(t *testing.T) {
	for _, c := range []struct{ file, want string }{
		{"", "v:1: no line"},
		{"hello\n", `v:1: "hello" is not`},
		{"2 0\n", "is not"},
		{"-1 3\n", "is not"},
		{"99999999999 3\na 1 2 3\n", "is not"},
		{"2 99999\na 1\n", "is not"},
		{"2 3\na 1 2 3\n", "v: ends after 1 of 2 words"},
		{"2 3\na 1 2 3\nb 1 2\n", "v:3: 2 numbers, wanted the 3"},
		{"2 3\na 1 2 3\nb 1 x 3\n", `v:3: "x" is no number`},
		{"2 3\na 1 2 3\nb 1 NaN 3\n", `v:3: the vector of "b" holds NaN`},
		{"2 3\na 1 2 3\nb 1 1e99 3\n", `v:3: the vector of "b" holds +Inf`},
		{"1 3\na 1 2 3\nb 1 2 3\n", "v:3: more rows than the 1"},
		{"2 3\na 1 2 3\n 1 2 3\n", "v:3: no word"},
		{"2 2\na 1 2\n\xff 1 2\n", "v:3: the word \"\\xff\" is not UTF-8"},
		{"2 1\na \x00\x00\x80\x3fb \x00\x00", "v: ends after 1 of 2 words"},
		{"100000000 16384\na \x00\x00\x80\x3f", "v: ends after 0 of 100000000 words"},
		{"1 1\na \x00\x00\x80\x7f", `v:word 1: the vector of "a" holds +Inf`},
		{"1 1\n" + strings.Repeat("\x01", 5000), "no blank within 4096 bytes"},
		{"1 1\na \x00\x00\x80\x3fmore", "more bytes than"},
		{"2 3\na 1 2 3\nb 1 2 3" + strings.Repeat("0", 5000) + "\n", "v:3: a line of more than"},
	} {
		_, err := Read("v", strings.NewReader(c.file))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.40q: %v, wanted %q", c.file, err, c.want)
		}
	}
	v, err := Read("v", strings.NewReader("3 2\na 1 2\na 3 4\nb 5 6\n"))
	if err != nil || v.Duplicates != 1 || len(v.Words) != 2 || v.Data[0] != 1 {
		t.Errorf("a word twice: %+v, %v", v, err)
	}
}

// FuzzRead: what is read is finite, and is read again from both forms.
func FuzzRead(f *testing.F) {
	for _, s := range []string{"2 3\na 1 2 3\nb 1 2 3\n", "1 1\na \x00\x00\x80\x3f", "1 1\na \x00\x00\x80\x3f\n", "0 1\n", "1 2\na 1e-3 -0\n", "1 1\n\na 1\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		v, err := Read("v", bytes.NewReader(file))
		if err != nil {
			return
		}
		var text, binary bytes.Buffer
		if v.WriteText(&text) != nil { // a word of odd blanks
			return
		}
		if err := v.WriteBinary(&binary); err != nil {
			t.Fatal(err)
		}
		for _, b := range []*bytes.Buffer{&text, &binary} {
			if b == &binary && v.Dim < 8 {
				continue // some bytes may by chance be a line of numbers
			}
			w, err := Read("again", b)
			if err != nil {
				t.Fatalf("%q: %v", file, err)
			}
			for i, x := range v.Data {
				if math.Float32bits(w.Data[i]) != math.Float32bits(x) {
					t.Fatalf("%q: %v is read back as %v", file, x, w.Data[i])
				}
			}
		}
	})
}
