// Package netcdf reads and writes NetCDF files as the climate community writes them:
// classic, 64-bit offset and NetCDF-4. Open a file, Describe it, and read
// hyperslabs as float64 or float32 with packing undone and missing values as
// NaN. Create writes new NetCDF-4 files, record by record. The calendars of the
// CF conventions are decoded here, too.
//
// The C library (libnetcdf) does the reading and writing. A build with the tag nonetcdf,
// or without cgo, has the same API; Open then says how to get the library.
package netcdf
