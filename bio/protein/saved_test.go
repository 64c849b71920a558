package protein_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/bio/protein"
)

// TestSavedDirectory proves that what Save writes is, byte for byte, what
// "gpt2.py check" opened in transformers and found to give the same logits.
// KIBAN_SAVE_TO keeps the directory, to be checked again after a change.
func TestSavedDirectory(t *testing.T) {
	dir := os.Getenv("KIBAN_SAVE_TO")
	if dir == "" {
		dir = t.TempDir()
	}
	c := oddConfig()
	if err := protein.Save(dir, c, placed(c)); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/saved.sha256")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(want)) {
		sum, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := sha256.Sum256(data); hex.EncodeToString(got[:]) != sum {
			t.Errorf("%s changed: run testdata/gpt2.py check on it, then record the new sum %x", name, got)
		}
	}
}
