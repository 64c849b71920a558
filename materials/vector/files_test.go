package vector_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/kiban-models/kiban/materials/vector"
)

// written returns a place for a test's files: a temporary folder, or what
// KIBAN_SAVE names so that testdata/read.py reads them with other libraries.
func written(t *testing.T, name string) string {
	if dir := os.Getenv("KIBAN_SAVE"); dir != "" {
		return filepath.Join(dir, name)
	}
	return filepath.Join(t.TempDir(), name)
}

func number(row, pool, i int) float32 { return float32(row)*1.5 + float32(pool)*1000 - float32(i)/8 }

func TestNPY(t *testing.T) {
	const rows, width = 1203, 7
	path := written(t, "vectors.npy")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n, err := vector.NewNPY(f, width)
	if err != nil {
		t.Fatal(err)
	}
	for r := range rows {
		v := make([]float32, width)
		for i := range v {
			v[i] = number(r, 0, i)
		}
		if err := n.Write(v); err != nil {
			t.Fatal(err)
		}
	}
	if err := n.Write(make([]float32, width+1)); err == nil {
		t.Error("a row that is too long is no error")
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head := int(binary.LittleEndian.Uint16(b[8:]))
	want := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }", rows, width)
	if string(b[:8]) != "\x93NUMPY\x01\x00" || (10+head)%64 != 0 || b[9+head] != '\n' || strings.TrimRight(string(b[10:10+head]), " \n") != want {
		t.Fatalf("header %q", b[:10+head])
	}
	data := make([]float32, rows*width)
	if r := bytes.NewReader(b[10+head:]); r.Len() != 4*len(data) {
		t.Fatalf("%d bytes of data", r.Len())
	} else if err := binary.Read(r, binary.LittleEndian, data); err != nil {
		t.Fatal(err)
	}
	for i, x := range data {
		if x != number(i/width, 0, i%width) {
			t.Fatalf("number %d is %g", i, x)
		}
	}
}

func TestParquet(t *testing.T) {
	const rows, width = 3000, 1100 // several row groups
	path := written(t, "vectors.parquet")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p := vector.NewParquet(f, []string{"cls", "mean"}, width, map[string]string{"kiban.model": "some"})
	for r := range rows {
		v := [][]float32{make([]float32, width), make([]float32, width)}
		for i := range width {
			v[0][i], v[1][i] = number(r, 0, i), number(r, 1, i)
		}
		if err := p.Write(fmt.Sprintf("text %d", r), v); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Write("x", nil); err == nil {
		t.Error("a row without vectors is no error")
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	st, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	file, err := parquet.OpenFile(f, st.Size())
	if err != nil {
		t.Fatal(err)
	}
	if v, _ := file.Lookup("kiban.model"); v != "some" || file.NumRows() != rows || len(file.RowGroups()) < 2 {
		t.Errorf("%d rows in %d groups, model %q", file.NumRows(), len(file.RowGroups()), v)
	}
	type record struct {
		ID   string    `parquet:"id"`
		CLS  []float32 `parquet:"cls,list"`
		Mean []float32 `parquet:"mean,list"`
	}
	r := parquet.NewGenericReader[record](f)
	defer r.Close()
	buf := make([]record, 100)
	at := 0
	for {
		n, err := r.Read(buf)
		for _, x := range buf[:n] {
			if x.ID != fmt.Sprintf("text %d", at) || len(x.CLS) != width || len(x.Mean) != width {
				t.Fatalf("row %d: %q, %d and %d numbers", at, x.ID, len(x.CLS), len(x.Mean))
			}
			for i := range width {
				if x.CLS[i] != number(at, 0, i) || x.Mean[i] != number(at, 1, i) {
					t.Fatalf("row %d: numbers %d are %g and %g", at, i, x.CLS[i], x.Mean[i])
				}
			}
			at++
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if at != rows {
		t.Errorf("%d rows read", at)
	}
}
