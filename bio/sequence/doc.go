// Package sequence reads and writes FASTA, the one place where sequences enter
// and leave the biological models.
//
// Reading is streaming and strict: every problem is an *Error that names the
// file, the line, the record and the column, and nothing is repaired unless a
// policy says so and a counter records it. Memory is bounded by the longest
// record. Compressed input (gzip, bgzip, zstd, bzip2, xz) is recognised by its
// first bytes and never by its name.
//
// Alphabets, the sequence type for other Go programs (Record.Seq) and the
// FASTA writer are biogo's. biogo's FASTA reader is not used: it knows no line
// numbers, cannot tell an empty record from a finished one, takes ';' comments
// and gaps for residues, and allocates for every line.
package sequence
