package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/climate/netcdf"
)

// classicFile is a classic NetCDF file of one latitude with units and a name
// that holds an escape sequence.
func classicFile() []byte {
	var b bytes.Buffer
	word := func(n uint32) { binary.Write(&b, binary.BigEndian, n) }
	text := func(s string) {
		word(uint32(len(s)))
		b.WriteString(s + strings.Repeat("\x00", (4-len(s)%4)%4))
	}
	attribute := func(name, value string) {
		text(name)
		word(2) // char
		text(value)
	}
	b.WriteString("CDF\x01")
	word(0)     // records
	word(10)    // dimensions
	word(1)     // one
	text("lat") //
	word(3)     // of three
	word(0)     // no global
	word(0)     // attributes
	word(11)    // variables
	word(1)     // one
	text("lat") //
	word(1)     // of one dimension,
	word(0)     // the first
	word(12)    // with attributes
	word(3)     // three
	attribute("units", "degrees_north")
	attribute("standard_name", "latitude")
	attribute("long_name", "\x1b[31mred")
	word(5)  // float
	word(12) // bytes
	word(uint32(b.Len() + 4))
	binary.Write(&b, binary.BigEndian, []float32{-10, 0, 10})
	return b.Bytes()
}

func TestClimateInspect(t *testing.T) {
	dir := t.TempDir()
	good, bad := filepath.Join(dir, "good.nc"), filepath.Join(dir, "bad.nc")
	if err := os.WriteFile(good, classicFile(), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(bad, classicFile()[:100], 0o600); err != nil {
		t.Fatal(err)
	}
	inspect := func(args ...string) (int, string, string) {
		var stdout, stderr bytes.Buffer
		code := run(append([]string{"kiban", "climate", "inspect"}, args...), strings.NewReader(""), &stdout, &stderr)
		return code, stdout.String(), stderr.String()
	}
	for _, args := range [][]string{{}, {"-"}, {good, "-"}} {
		if code, out, message := inspect(args...); code != exitMisuse || out != "" || message == "" {
			t.Errorf("%q: code %d, stdout %q, stderr %q", args, code, out, message)
		}
	}
	if code, _, message := inspect("http://localhost:1/x.nc"); code != exitFailed || !strings.Contains(message, "is a URL") {
		t.Errorf("a URL: code %d, %s", code, message)
	}
	if netcdf.LibraryVersion() == "" {
		code, out, message := inspect(good)
		if code != exitFailed || out != "" || !strings.Contains(message, "this kiban was built without NetCDF; install libnetcdf-dev") {
			t.Errorf("without NetCDF: code %d, stdout %q, stderr %q", code, out, message)
		}
		return
	}
	want := good + `: classic
  dimensions
    lat 3
  grid
    lat  lat=3  -10 to 10 by 10  [degrees_north]
  problems
    note: the file says no Conventions; nothing promises that it follows CF
`
	if code, out, message := inspect(good); code != 0 || out != want || message != "" {
		t.Errorf("code %d, stderr %q, stdout\n%s\nwant\n%s", code, message, out, want)
	}
	if code, out, _ := inspect("-v", good); code != 0 || strings.Contains(out, "\x1b") || !strings.Contains(out, `lat:units = "degrees_north"`) {
		t.Errorf("-v: code %d\n%s", code, out)
	}
	// A folder is its files.
	if err := os.MkdirAll(filepath.Join(dir, "folder", "within"), 0o700); err != nil {
		t.Fatal(err)
	}
	inner := filepath.Join(dir, "folder", "within", "good.nc")
	if err := os.WriteFile(inner, classicFile(), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, message := inspect(filepath.Join(dir, "folder")); code != 0 || out != strings.ReplaceAll(want, good, inner) {
		t.Errorf("a folder: code %d, stderr %q, stdout\n%s", code, message, out)
	}
	// A bad file is an error but hides no other.
	code, out, message := inspect(bad, good, "--json")
	var all []struct {
		File, Format string
		Variables    []struct {
			Name string
			Axis struct{ First, Last, Step float64 }
		}
	}
	if err := json.Unmarshal([]byte(out), &all); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if code != exitFailed || !strings.HasPrefix(message, "kiban: "+bad+": ") || len(all) != 1 || all[0].File != good || all[0].Format != "classic" ||
		len(all[0].Variables) != 1 || all[0].Variables[0].Axis.First != -10 || all[0].Variables[0].Axis.Step != 10 {
		t.Errorf("code %d, stderr %q, stdout\n%s", code, message, out)
	}
	file := filepath.Join(dir, "out.txt")
	if code, out, _ := inspect(good, "-o", file); code != 0 || out != "" {
		t.Errorf("-o: code %d, stdout %q", code, out)
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != want {
		t.Errorf("-o wrote %q (%v)", b, err)
	}
}
