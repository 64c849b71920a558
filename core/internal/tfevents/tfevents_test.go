package tfevents

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// decoded is an Event as this test reads it.
type decoded struct {
	wall    float64
	step    int64
	version string
	start   bool
	scalars []Scalar
}

// fields calls f with each field of a message.
func fields(t *testing.T, b []byte, f func(n protowire.Number, bytes []byte, number uint64)) {
	t.Helper()
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			t.Fatal(protowire.ParseError(n))
		}
		b = b[n:]
		var bytes []byte
		var number uint64
		switch typ {
		case protowire.BytesType:
			bytes, n = protowire.ConsumeBytes(b)
		case protowire.VarintType:
			number, n = protowire.ConsumeVarint(b)
		case protowire.Fixed64Type:
			number, n = protowire.ConsumeFixed64(b)
		case protowire.Fixed32Type:
			var x uint32
			x, n = protowire.ConsumeFixed32(b)
			number = uint64(x)
		}
		if n < 0 {
			t.Fatal(protowire.ParseError(n))
		}
		b = b[n:]
		f(num, bytes, number)
	}
}

// read takes a file apart, record by record.
func read(t *testing.T, path string) []decoded {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []decoded
	for len(b) > 0 {
		n := binary.LittleEndian.Uint64(b)
		data := b[12 : 12+n]
		if binary.LittleEndian.Uint32(b[8:]) != masked(b[:8]) || binary.LittleEndian.Uint32(b[12+n:]) != masked(data) {
			t.Fatalf("record %d has a wrong checksum", len(all))
		}
		b = b[16+n:]
		var e decoded
		fields(t, data, func(num protowire.Number, bytes []byte, number uint64) {
			switch num {
			case 1:
				e.wall = math.Float64frombits(number)
			case 2:
				e.step = int64(number)
			case 3:
				e.version = string(bytes)
			case 5:
				fields(t, bytes, func(_ protowire.Number, value []byte, _ uint64) {
					var s Scalar
					fields(t, value, func(num protowire.Number, bytes []byte, number uint64) {
						if num == 1 {
							s.Tag = string(bytes)
						} else if num == 2 {
							s.Value = float64(math.Float32frombits(uint32(number)))
						}
					})
					e.scalars = append(e.scalars, s)
				})
			case 7:
				fields(t, bytes, func(_ protowire.Number, _ []byte, number uint64) { e.start = number == 1 })
			}
		})
		all = append(all, e)
	}
	return all
}

func TestWriter(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "runs")
	clock := time.UnixMicro(1_700_000_000_250_000)
	for i, step := range []int64{0, 40} {
		w, err := create(dir, step, func() time.Time { return clock })
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Add(step+10, Scalar{"train/loss", 2.5}, Scalar{"train/lr", 1e-3}); err != nil {
			t.Fatal(err)
		}
		if err := w.Add(step+20, Scalar{"eval/loss", -1}); err != nil {
			t.Fatal(err)
		}
		files, err := filepath.Glob(filepath.Join(dir, "events.out.tfevents.1700000000.*"))
		if err != nil || len(files) != i+1 {
			t.Fatalf("files %q, %v; wanted one more a run", files, err)
		}
		// Before the file is closed.
		got := fmt.Sprintf("%+v", read(t, files[i]))
		want := fmt.Sprintf("%+v", []decoded{
			{wall: 1700000000.25, step: step + 1, version: "brain.Event:2"},
			{wall: 1700000000.25, step: step + 1, start: true},
			{wall: 1700000000.25, step: step + 10, scalars: []Scalar{{"train/loss", 2.5}, {"train/lr", float64(float32(1e-3))}}},
			{wall: 1700000000.25, step: step + 20, scalars: []Scalar{{"eval/loss", -1}}},
		})
		if got != want {
			t.Errorf("got\n%s, wanted\n%s", got, want)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// RFC 3720's checksum of 32 zeros, masked; and that of the length with which
// each file of TensorFlow's begins.
func TestMasked(t *testing.T) {
	crc := uint32(0x8a9136aa)
	want := (crc>>15 | crc<<17) + 0xa282ead8
	if got := masked(make([]byte, 32)); got != want {
		t.Errorf("masked checksum %08x, wanted %08x", got, want)
	}
	length, _ := hex.DecodeString("1800000000000000")
	if got := masked(length); got != binary.LittleEndian.Uint32([]byte{0xa3, 0x7f, 0x4b, 0x22}) {
		t.Errorf("masked checksum of a length of 24 is %08x", got)
	}
}
