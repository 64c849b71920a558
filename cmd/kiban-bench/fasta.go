package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"path/filepath"

	"github.com/kiban-models/kiban/bio/sequence"
	"github.com/kiban-models/kiban/core/checkpoint"
)

// A file of 500,000 records, 202 MB, which after the first reading is in memory.
const fastaRecords = 500_000

func fastaRows() []row {
	return []row{{
		name: "FASTA parsing", unit: "MB", prepare: fastaData, ours: parseFASTA,
		peers: []peer{
			{"Biopython SeqIO.parse", "fasta.py", []string{"parse"}, []string{"parse"}},
			{"Biopython SimpleFastaParser", "fasta.py", []string{"simple"}, []string{"simple"}},
			{"pyfastx.Fastx", "fasta.py", []string{"pyfastx"}, []string{"pyfastx"}},
		},
	}}
}

func fastaFile(dir string) string { return filepath.Join(dir, "sequences.fasta") }

func fastaData(dir string, s settings) error {
	if s.tiny {
		return writeFASTA(dir, 2000, shareExact, shareNear)
	}
	return writeFASTA(dir, fastaRecords, shareExact, shareNear)
}

func writeFASTA(dir string, n int, exact, near float64) error {
	return checkpoint.WriteFile(fastaFile(dir), func(w io.Writer) error {
		b := bufio.NewWriterSize(w, 1<<20)
		newGenerator(1).write(b, n, exact, near)
		return b.Flush()
	})
}

// parseFASTA gives the ID and the residues of every record of a file, as
// pyfastx.Fastx does; Biopython's parsers give whole headers. Kiban checks every
// byte, knows the line of what is wrong, counts records and residues, and reads
// ahead on a second goroutine; the peers have one thread and check nothing. No
// side counts letters. The check is of residues.
func parseFASTA(ctx context.Context, s settings) (m measured, err error) {
	st, err := os.Stat(fastaFile(s.data))
	if err != nil {
		return m, err
	}
	residues := int64(0)
	m, err = clock(ctx, s, float64(st.Size())/1e6, func(int) error {
		residues = 0
		return eachRecord(fastaFile(s.data), func(r sequence.Record) { residues += int64(len(r.Residues)) })
	})
	m.Check = residues
	return m, err
}

// eachRecord gives the records of a file, without descriptions; their residues are
// overwritten by the next.
func eachRecord(path string, each func(sequence.Record)) error {
	r, err := sequence.Open(path, sequence.Options{Type: sequence.Protein, NoDescriptions: true})
	if err != nil {
		return err
	}
	defer r.Close()
	for x, err := range r.All() {
		if err != nil {
			return err
		}
		each(x)
	}
	return nil
}
