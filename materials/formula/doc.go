// Package formula reads chemical formulas as papers write them: LiFePO4,
// La0.8Sr0.2MnO3-δ, (Ba,Sr)TiO3, CuSO4·5H2O, [Fe(CN)6]3-, Fe₂O₃, α-Al2O3,
// Y2O3:Eu3+, LiFePO4/C, 0.9PbTiO3-0.1BaTiO3.
//
// Parse gives a Formula: its parts, the amounts of its elements as numbers or
// as polynomials of the variables in it, charge, prefix, dopants. From it come
// spellings that do not depend on the author (Written, Hill, Reduced,
// Anonymous), the molar mass, and comparison by composition. IsFormula tells a
// formula from a word of running text and prefers to miss one; names
// ("zirconia") and recipes in percent ("10 mol% Gd-doped CeO2") are text, not
// formulas, and are refused.
package formula
