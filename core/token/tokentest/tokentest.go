// Package tokentest has the texts that tokenizers and normalisers are compared
// with the published ones on.
package tokentest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// xorshift is xorshift64* (S. Vigna, 2016).
type xorshift uint64

func (x *xorshift) below(n int) int {
	*x ^= *x >> 12
	*x ^= *x << 25
	*x ^= *x >> 27
	return int(uint64(*x) * 0x2545F4914F6CDD1D & 0xffffffff % uint64(n))
}

// characterClasses and lookalikes are CLASSES and LOOKALIKES of
// testdata/wordpiece.py.
var characterClasses = [][][2]rune{
	{{0x20, 0x7E}}, {{0x61, 0x7A}}, {{0x20, 0x20}}, {{0x41, 0x5A}}, {{0xC0, 0x24F}}, {{0x300, 0x36F}}, {{0x370, 0x3FF}}, {{0x400, 0x52F}},
	{{0x591, 0x6FF}}, {{0x900, 0x97F}}, {{0xF00, 0xFDA}}, {{0x1100, 0x11FF}}, {{0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF}}, {{0x1E00, 0x1FFF}},
	{{0x2000, 0x206F}}, {{0x2070, 0x22FF}}, {{0x3000, 0x30FF}}, {{0x4E00, 0x9FFF}}, {{0xAC00, 0xD7A3}}, {{0xE000, 0xFFFD}}, {{0x0, 0x1F}, {0x7F, 0xA0}},
	{{0x1D400, 0x1D7FF}}, {{0x1F1E6, 0x1F1FF}, {0x1F3FB, 0x1F64F}, {0x200D, 0x200D}, {0xFE0F, 0xFE0F}}, {{0x10000, 0x2FFFF}}, {{0xE0000, 0x10FFFF}},
}

var lookalikes = []string{"[SEP]", "[sep]", "[MASK]", "[CLS", "##", "[UNK]", "LiFePO", "\r\n", "°C", "Å", "µ", "İ", "ﬁ", "\u00ad", "\u00a0", "word", "\u0345\u0344",
	"[E1]", "<left>", "<right>", "Perovskite", "LiCoO", "exact", "two words"}

func randomText(x *xorshift) string {
	var b strings.Builder
	picks := make([]int, 1+x.below(4))
	for i := range picks {
		picks[i] = x.below(len(characterClasses) + 1)
	}
	for range x.below(40) {
		var k int
		if x.below(4) != 0 {
			k = picks[x.below(len(picks))]
		} else {
			k = x.below(4)
		}
		if k == len(characterClasses) {
			b.WriteString(lookalikes[x.below(len(lookalikes))])
			continue
		}
		r := characterClasses[k][x.below(len(characterClasses[k]))]
		b.WriteRune(r[0] + rune(x.below(int(r[1]-r[0])+1)))
	}
	return b.String()
}

// RandomTexts returns the 10,000 texts of testdata/wordpiece.py.
func RandomTexts() []string {
	x := xorshift(20161)
	all := make([]string, 10_000)
	for i := range all {
		all[i] = randomText(&x)
	}
	return all
}

// TextsIn returns the texts of a file, an archive, or a compressed one.
func TextsIn(t testing.TB, path string) (all [][]byte) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(path, ".gz") {
		z, err := gzip.NewReader(bytes.NewReader(data))
		if err == nil {
			data, err = io.ReadAll(z)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if !strings.HasSuffix(path, ".tar.gz") {
		return [][]byte{data}
	}
	for r := tar.NewReader(bytes.NewReader(data)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err == nil && h.Typeflag == tar.TypeReg {
			data, err = io.ReadAll(r)
			all = append(all, data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// Shared returns the path of a file or folder of ../shared/data beside the
// repository, and skips the test where that is not.
func Shared(t testing.TB, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if filepath.Dir(dir) == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
	path := filepath.Join(dir, "..", "shared", "data", name)
	if _, err := os.Stat(path); err != nil {
		t.Skip("needs real data beside the repository:", err)
	}
	return path
}
