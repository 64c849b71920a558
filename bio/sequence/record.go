package sequence

import (
	"strings"

	"github.com/biogo/biogo/alphabet"
	"github.com/biogo/biogo/seq/linear"
)

// Record is one FASTA entry. Its ID and Description share 2 KiB of memory with
// those of records near by: of few that are kept, keep a Clone.
type Record struct {
	ID          string // text of the header up to the first blank, bars kept
	Description string // the rest of the header, Ctrl-A joined entries included
	Residues    []byte // upper case, without line ends, blanks and final '*'
	Line        int    // line of the header, from 1
	Index       int    // number of the record in its file, from 0
}

// Seq returns a copy as a biogo sequence over the alphabet of typ.
func (r Record) Seq(typ Type) *linear.Seq {
	s := linear.NewSeq(r.ID, alphabet.BytesToLetters(r.Residues), typ.Alphabet())
	s.Desc = r.Description
	return s
}

// Clone returns a copy that shares nothing with the reader or other records.
func (r Record) Clone() Record {
	r.ID, r.Description = strings.Clone(r.ID), strings.Clone(r.Description)
	r.Residues = append([]byte(nil), r.Residues...)
	return r
}
