// Package regrid brings fields from one grid of latitudes and longitudes to
// another. Weights are computed once for a pair of grids and then applied to
// any number of fields: [Bilinear], [Conservative], [Nearest], or [Chord] for
// the bilinear weights of xESMF. [ParseTarget] reads such as 5.625 or 32x64.
//
// Latitudes may go either way and longitudes begin anywhere. A target that the
// source does not reach is NaN with every method.
package regrid
