// Package align finds the best local alignment of two proteins, by
// Smith-Waterman with affine gaps (biogo's), in the settings of BLAST and
// MMseqs2: BLOSUM62, a gap of n residues costs 11 + n.
//
// Scores alone, for choosing whom to align, are computed in Go and, for many
// targets at once, in C (kernel.h). It is the one door to biogo's aligner.
package align
