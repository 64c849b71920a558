package netcdf

import (
	"bufio"
	"compress/gzip"
	"os"
	"strconv"
	"strings"
	"testing"
)

// Times are what cftime makes of them, to the millisecond, in every calendar.
// KIBAN_CFTIME names a larger file of testdata/times.py.
func TestCFTime(t *testing.T) {
	path := "testdata/times.tsv.gz"
	if p := os.Getenv("KIBAN_CFTIME"); p != "" {
		path = p
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	counts, wrong := map[string]int{}, 0
	for lines := bufio.NewScanner(z); lines.Scan(); {
		cells := strings.Split(lines.Text(), "\t")
		if len(cells) != 4 {
			continue // the heading
		}
		counts[cells[0]]++
		u, err := ParseTimeUnits(cells[1], cells[0])
		if err != nil {
			t.Error(err)
			continue
		}
		value, err := strconv.ParseFloat(cells[2], 64)
		if err != nil {
			t.Fatal(err)
		}
		d, err := u.Date(value)
		got := d.String()
		if d.Millisecond == 0 {
			got += ".000"
		}
		if err != nil || got != cells[3] {
			if wrong++; wrong <= 10 {
				t.Errorf("%s: %s (%v)", lines.Text(), got, err)
			}
			continue
		}
		// And back: the number is that of the date but for what was rounded.
		if back := u.Value(d); u.micros >= 1000 && abs(back-value)*float64(u.micros) > 501+abs(value)*float64(u.micros)*4e-16 {
			t.Errorf("%s: back as %v", lines.Text(), back)
		}
		if u.Calendar.At(u.Calendar.Millis(d)) != d || !u.Calendar.Valid(d) {
			t.Errorf("%s: the milliseconds of %v are of %v", lines.Text(), d, u.Calendar.At(u.Calendar.Millis(d)))
		}
	}
	if wrong > 0 {
		t.Errorf("%d are wrong", wrong)
	}
	n := 0
	for _, k := range counts {
		n += k
	}
	if len(counts) != 9 || n < 2700 {
		t.Errorf("%d calendars and %d times were tried", len(counts), n)
	}
	t.Logf("%d times", n)
}

func abs(x float64) float64 { return max(x, -x) }
