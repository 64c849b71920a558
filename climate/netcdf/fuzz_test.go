package netcdf

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Time units and classic headers are whatever a file says.
func FuzzTimeUnits(f *testing.F) {
	for _, s := range [][2]string{{"days since 1850-01-01", "noleap"}, {"hours since 1-1-1 00:00:0.0 +05:30", ""}, {"months since 2000-02-30T12Z", "360_day"}} {
		f.Add(s[0], s[1], 1.5)
	}
	f.Fuzz(func(t *testing.T, units, calendar string, value float64) {
		u, err := ParseTimeUnits(units, calendar)
		if err != nil {
			return
		}
		if d, err := u.Date(value); err == nil && (!u.Calendar.Valid(d) || u.Calendar.At(u.Calendar.Millis(d)) != d) {
			t.Errorf("%v %s (%s) is %v", value, units, calendar, d)
		}
	})
}

// No classic file makes us fail in another way than by an error.
func FuzzClassic(f *testing.F) {
	zeros := strings.Repeat("\x00", 12)
	f.Add([]byte("CDF\x01" + zeros + zeros + "\x00\x00\x00\x00"))
	f.Add([]byte("CDF\x01\x00\x00\x00\x00\x00\x00\x00\x0a\x00\x00\x00\x01\x00\x00\x00\x01x\x00\x00\x00\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Add([]byte("CDF\x02\x00\x00\x00\x02\x00\x00\x00\x0a\x00\x00\x00\x01\x00\x00\x00\x01x\x00\x00\x00\x00\x00\x00\x00" +
		"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x0b\x00\x00\x00\x01\x00\x00\x00\x01x\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00" + zeros))
	f.Add([]byte("CDF\x05" + strings.Repeat("\xff", 80)))
	for _, x := range classicSamples() {
		f.Add(x)
	}
	path := filepath.Join(f.TempDir(), "x.nc")
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 4 || string(b[:3]) != "CDF" || b[3] != 1 && b[3] != 2 && b[3] != 5 {
			return
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		file, err := Open(path)
		if err != nil {
			return
		}
		defer file.Close()
		d, err := file.Describe()
		if err != nil {
			return
		}
		for _, v := range d.Variables {
			if n := product(1, v.Shape); n < 1<<20 {
				if x, err := file.ReadFloat64(v.Name, nil, nil); err == nil && len(x) != n {
					t.Errorf("%s has %d values of %d", v.Name, len(x), n)
				}
			}
		}
	})
}

// Whatever a reading process sends is content or an error.
func FuzzContent(f *testing.F) {
	h, err := readClassic(bytes.NewReader(classicSamples()[40]), 1<<20)
	if err != nil {
		f.Fatal(err)
	}
	c := h.content()
	c.root.Groups = []Group{{Name: "a", Dimensions: []Dimension{{"x", 3, true}}, Groups: []Group{{Name: "a/b"}}}}
	c.root.Attributes = append(c.root.Attributes, Attribute{Name: "s", Type: "string", Value: []string{"a", ""}}, Attribute{Name: "u", Type: "opaque", Unsupported: "no"},
		Attribute{Name: "d", Type: "double", Value: []float64{1, math.NaN()}})
	f.Add(encodeContent(c))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := decodeContent(b)
		if err != nil {
			return
		}
		again, err := decodeContent(encodeContent(c))
		if err != nil || fmt.Sprintf("%#v", c) != fmt.Sprintf("%#v", again) {
			t.Errorf("%#v comes back as %#v (%v)", c, again, err)
		}
		c.walk(func(path string, v *Variable) {
			if typeBytes[v.Type] == 0 && v.Unsupported == "" || product(1, v.Shape) < 0 {
				t.Errorf("%s cannot be: %+v", path, v)
			}
		})
	})
}

func FuzzFrame(f *testing.F) {
	f.Add(appendFrameHead(nil, frameValues, "float", 24), byte(frameValues), "float", 24)
	f.Add(appendFrameHead(nil, frameError, "", 24), byte(frameContent), "", 0)
	f.Fuzz(func(t *testing.T, head []byte, wanted byte, of string, length int) {
		kind, n, err := frameOf(head, frameKind(wanted), of, length)
		switch {
		case err != nil:
		case n < 0 || n > maxReadBytes || kind != frameError && kind != frameKind(wanted) || kind == frameValues && (n != length || typeBytes[of] == 0):
			t.Errorf("%x is taken for a frame %c of %d bytes, wanted %c of %d", head, kind, n, wanted, length)
		}
	})
}
