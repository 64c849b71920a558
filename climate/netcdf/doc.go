// Package netcdf reads NetCDF files as the climate community writes them:
// classic, 64-bit offset and NetCDF-4. Open a file, Describe it, and read
// hyperslabs as float64 or float32 with packing undone and missing values as
// NaN. The calendars of the CF conventions are decoded here, too.
//
// The C library (libnetcdf) does the reading. A build with the tag nonetcdf,
// or without cgo, has the same API; Open then says how to get the library.
package netcdf
