package protein_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/kiban-models/kiban/bio/protein"
)

func ExamplePrepare() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	in := filepath.Join(dir, "in.fasta")
	text := ">P1 first\nMKVLAAGIVGLCAKAYLERG\n>P2 the same again\nmkvlaagivglcakaylerg*\n>P3\nMSTNPKPQRKTKRNTNRRPQDVKFPGG\n"
	if err := os.WriteFile(in, []byte(text), 0o666); err != nil {
		fmt.Println(err)
		return
	}
	s, err := protein.Prepare(context.Background(), protein.PrepareOptions{
		Inputs: []string{in}, Out: filepath.Join(dir, "data"), VocabSize: 300,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(s.Num, "sequences,", s.Sum, "residues,", s.Duplicates, "duplicate;", s.Train.Sequences, "to train on")
	// Output: 3 sequences, 67 residues, 1 duplicate; 2 to train on
}
