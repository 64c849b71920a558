package protein

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/dataset"
)

// What Prepare wrote reads back as the sequences that it read.
func TestPreparedReadsBack(t *testing.T) {
	dir := t.TempDir()
	want := []string{"MKTAYIAKQRQISFVKSHF", strings.Repeat("ACDEFGHIKLMNPQRSTVWY", 9), strings.Repeat("MKTAYIAKQR", 6), "XUOBZJ"}
	var fasta strings.Builder
	for i, s := range want {
		fasta.WriteString(">s" + string(rune('0'+i)) + "\n" + s + "\n")
	}
	in, out := filepath.Join(dir, "in.fasta"), filepath.Join(dir, "data")
	if err := os.WriteFile(in, []byte(fasta.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	_, err := Prepare(t.Context(), PrepareOptions{Inputs: []string{in}, Out: out, VocabSize: 300, Split: dataset.SplitRule{}})
	if err != nil {
		t.Fatal(err)
	}
	p, err := OpenPrepared(out, TrainDir)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	var got []string
	for r, err := range p.All() {
		if err != nil {
			t.Fatal(err)
		}
		if len(got) == 0 && r.ID != "train:1" {
			t.Errorf("the first ID is %s", r.ID)
		}
		got = append(got, string(r.Residues))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) || p.Len() != 4 {
		t.Errorf("read back %q, want %q", got, want)
	}
	if err := os.Mkdir(filepath.Join(dir, TrainDir), 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenPrepared(dir, TrainDir); err == nil || !strings.Contains(err.Error(), "prepare has written") {
		t.Errorf("a directory without data: %v", err)
	}
}
