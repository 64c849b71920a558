package netcdf

import (
	"bytes"
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

func FuzzClassicHeader(f *testing.F) {
	f.Add([]byte("CDF\x01\x00\x00\x00\x00\x00\x00\x00\x0a\x00\x00\x00\x01\x00\x00\x00\x01x\x00\x00\x00\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 4 || string(b[:3]) != "CDF" || b[3] != 1 && b[3] != 2 && b[3] != 5 {
			return
		}
		if end, err := endOfClassic(bytes.NewReader(b)); err == nil && end < 0 {
			t.Errorf("%x ends at %d", b, end)
		}
	})
}
