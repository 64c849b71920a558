package packed

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/gzip"
	"github.com/ulikunitz/xz"
)

func gz(t testing.TB, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func ExampleNewReader() {
	r, err := NewReader(strings.NewReader("plain text"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	fmt.Printf("%q %q %v\n", text, r.Kind, err)
	// Output: "plain text" "" <nil>
}

func TestPackedTwice(t *testing.T) {
	one := gz(t, "text")
	r, err := NewReader(bytes.NewReader(one))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || string(got) != "text" || r.Kind != "gzip" || r.Out != 4 || r.In != int64(len(one)) {
		t.Errorf("%q %v %+v", got, err, r)
	}
	r.Close()
	if _, err := NewReader(bytes.NewReader(gz(t, string(one)))); err == nil || err.Error() != "compressed twice: gzip inside gzip" {
		t.Error(err)
	}
}

func TestBombStops(t *testing.T) {
	d := &Reader{In: 1 << 10, Out: maxExpanded}
	g := &guarded{strings.NewReader("xx"), d}
	if _, err := g.Read(make([]byte, 2)); !errors.Is(err, ErrBomb) {
		t.Error(err)
	}
	d = &Reader{In: maxExpanded / 2, Out: maxExpanded}
	g = &guarded{strings.NewReader("xx"), d}
	if _, err := g.Read(make([]byte, 2)); err != nil {
		t.Error(err)
	}
}

// An xz file is followed from its first byte to its last, however it comes.
func TestXZIsFollowed(t *testing.T) {
	stream := func(check byte) []byte {
		var b bytes.Buffer
		w, err := xz.WriterConfig{DictCap: 1 << 16, BlockSize: 1000, CheckSum: check}.NewWriter(&b)
		if err == nil {
			_, err = io.WriteString(w, strings.Repeat("text that compresses ", 500))
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	good := bytes.Join([][]byte{stream(xz.CRC32), stream(xz.CRC64), make([]byte, 8), stream(xz.SHA256), make([]byte, 4)}, nil)
	x := newXZChecked(iotest.OneByteReader(bytes.NewReader(good)))
	if _, err := io.Copy(io.Discard, x); err != nil || x.part != xzMagic || x.need != 4 {
		t.Errorf("it ends in part %d with %d to come, %v", x.part, x.need, err)
	}
}
