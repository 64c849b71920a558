// Package property computes what a protein's sequence alone says about it: the
// numbers of ExPASy's ProtParam (as Biopython computes them), disorder
// propensity, and low complexity.
//
// # Residues outside the 20
//
// B, J, O, U, X and Z never count as zero. Properties.Nonstandard says how many
// there were, and each quantity has its rule:
//
//   - Shares, means (composition, aromaticity, secondary structure, aliphatic
//     index, GRAVY, disorder, Uversky): over the 20 standard residues only.
//   - Molecular weight: U and O have their own; B and Z are the mean of the two
//     that they stand for, J is L, and X weighs what the sequence's other
//     residues weigh on average.
//   - Charge and isoelectric point: B is half a D and Z half an E; J, O, U and X
//     carry no charge.
//   - Instability: pairs with one of them are left out of the sum and of the
//     length.
//   - Extinction coefficients: they absorb nothing, so that the numbers are
//     lower bounds.
//   - Low complexity: as in SEG, they are no letters of a window.
//
// A quantity that has nothing to be computed from is NaN.
package property
