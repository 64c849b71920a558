// Package field has the types that the climate domain shares: a Grid of
// latitudes and longitudes, boxes and named regions, channels (a variable at a
// level) and a Series of fields in time, opened from files or made in memory.
//
// Degrees are degrees, levels are in Pa, a field is row-major with latitude
// first, and missing values are NaN.
package field
