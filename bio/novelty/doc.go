// Package novelty tells how new generated proteins are: the nearest training
// sequence of each, what was copied from the training data, and how the
// generated sequences lie among natural ones.
//
// Search indexes the generated sequences, which are thousands, and streams the
// training sequences, which may be a hundred million, past them once. Memory
// grows with the generated sequences and not with the training data, and the
// result depends neither on the number of threads nor on their timing.
//
// A training sequence becomes a candidate of a query by the best alignment
// without gaps along a diagonal with seeds: words of four residues in five places
// that are alike by BLOSUM62, two of them near one another, or one that is very
// much alike. The best candidates are scored with gaps, and the best of them
// aligned (package align).
//
// Beside the brute force over all pairs, of 500 mutated and random queries in
// 500 sequences, the nearest is found for all that kept half of their residues,
// for all 349 with an E-value below 1e-10, for 37 of 41 between that and 1e-5,
// and for nearly half of those whose nearest is near by chance only. Of 179 UniRef90
// sequences with a relative (E-value up to 1e-3) among 10,000 of UniProt, the
// nearest is found for 149; MMseqs2 14 with as many candidates, whatever E-value
// it gives them, lists it for 89 at -s 4, 112 at 5.7 and 133 at 7.5.
package novelty
