package corpus

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// makePDF writes a PDF file with a page for each text, in lines.
func makePDF(pages ...string) []byte {
	var b bytes.Buffer
	var offsets []int
	object := func(format string, args ...any) {
		offsets = append(offsets, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", len(offsets), fmt.Sprintf(format, args...))
	}
	b.WriteString("%PDF-1.4\n")
	var kids []string
	for i := range pages {
		kids = append(kids, fmt.Sprintf("%d 0 R", 4+2*i))
	}
	object("<< /Type /Catalog /Pages 2 0 R >>")
	object("<< /Type /Pages /Kids [%s] /Count %d >>", strings.Join(kids, " "), len(pages))
	object("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>")
	for i, p := range pages {
		var s strings.Builder
		s.WriteString("BT /F1 11 Tf 14 TL 72 720 Td\n")
		for line := range strings.SplitSeq(p, "\n") {
			fmt.Fprintf(&s, "(%s) Tj T*\n", strings.NewReplacer("(", `\(`, ")", `\)`).Replace(line))
		}
		s.WriteString("ET")
		object("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R /Resources << /Font << /F1 3 0 R >> >> >>", 5+2*i)
		object("<< /Length %d >>\nstream\n%s\nendstream", s.Len(), s.String())
	}
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(offsets)+1)
	for _, o := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&b, "trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(offsets)+1, start)
	return b.Bytes()
}

func needsPoppler(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("pdftotext"); err != nil {
		t.Skip("needs pdftotext: apt install poppler-utils")
	}
}

func readOne(in []byte, name string, o Options) (d Document, err error) {
	for x, e := range Read(bytes.NewReader(in), name, o) {
		d, err = x, errors.Join(err, e)
	}
	return d, err
}

func TestPDF(t *testing.T) {
	needsPoppler(t)
	d, err := readOne(makePDF("LiFePO4 was made at 700 \260C.\nIt is a cathode.", "The gap of TiO2 is 3.2 eV (rutile)."), "dir/a.pdf", Options{})
	if err != nil {
		t.Fatal(err)
	}
	const want = "[page 1]\nLiFePO4 was made at 700 °C.\nIt is a cathode.\n\n\n[page 2]\nThe gap of TiO2 is 3.2 eV (rutile).\n\n\n"
	if got := outline(d); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if d.ID != "a" || d.Meta["pages"] != "2" || d.Source != "dir/a.pdf" {
		t.Errorf("%q %q %q", d.ID, d.Meta, d.Source)
	}
}

func TestPDFRefused(t *testing.T) {
	needsPoppler(t)
	whole := makePDF("text")
	for name, c := range map[string]struct {
		in   []byte
		o    Options
		want string
	}{
		"cut":     {whole[:40], Options{}, "a.pdf: pdftotext cannot read it: "},
		"nothing": {makePDF(""), Options{}, "a.pdf: no text on its pages (1), as in scanned paper; have the letters recognised first"},
		"over":    {makePDF(strings.Repeat("word \n", 50)), Options{MaxBytes: 100}, "a.pdf: text of more than 100 bytes; divide it"},
		"time":    {makePDF(strings.Repeat("word \n", 30000)), Options{PDFTime: time.Nanosecond}, "a.pdf: pdftotext was not done after 1ns; allow more time"},
		"junk":    {[]byte("%PDF-1.4\n" + strings.Repeat("[", 1<<20)), Options{}, "a.pdf: pdftotext "},
		"loop":    {bytes.Replace(whole, []byte("/Kids [4 0 R]"), []byte("/Kids [2 0 R]"), 1), Options{}, "a.pdf: "},
	} {
		began := time.Now()
		d, err := readOne(c.in, "a.pdf", c.o)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: got %v (text %.80q), want %s", name, err, d.Text, c.want)
		}
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("%s took %v", name, took)
		}
	}
}

// TestPDFPrograms puts programs in the place of pdftotext that misbehave.
func TestPDFPrograms(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("needs sh")
	}
	path := os.Getenv("PATH")
	for name, c := range map[string]struct{ script, want string }{
		"none":   {"", "a.pdf: PDF, and the program pdftotext is not installed; install it: apt install poppler-utils"},
		"flood":  {"cat >/dev/null; while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done", "a.pdf: text of more than 4096 bytes"},
		"sleeps": {"exec sleep 60", "a.pdf: pdftotext was not done after 1s"},
		"dies":   {"kill -SEGV $$", "a.pdf: pdftotext died of it (signal: segmentation fault)"},
		"writes": {"cat >/dev/null; echo x > \"${0%/*}/written\"; exit 0", "a.pdf: "},
		"secret": {"cat >/dev/null; echo \"Incorrect password\" >&2; exit 1", "a.pdf: the PDF needs a password; remove it"},
		"fails":  {"echo bad >&2; exit 3", "a.pdf: pdftotext cannot read it: bad; get the file anew"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if c.script == "" {
				t.Setenv("PATH", dir)
			} else {
				if err := os.WriteFile(filepath.Join(dir, "pdftotext"), []byte("#!/bin/sh\nPATH=/usr/bin:/bin\n"+c.script+"\n"), 0o755); err != nil {
					t.Fatal(err)
				}
				t.Setenv("PATH", dir+":"+path)
			}
			began := time.Now()
			_, err := readOne(makePDF("text"), "a.pdf", Options{MaxBytes: 4 << 10, PDFTime: time.Second})
			if err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
			if st, err := os.Stat(filepath.Join(dir, "written")); err == nil && st.Size() > 0 {
				t.Error("it could write a file")
			}
			if took := time.Since(began); took > 20*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}
