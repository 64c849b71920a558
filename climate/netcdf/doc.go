// Package netcdf reads and writes NetCDF files as the climate community writes them:
// classic, 64-bit offset, 64-bit data and NetCDF-4. Open a file, Describe it, and
// read hyperslabs as float64 or float32 with packing undone and missing values as
// NaN. Create writes new NetCDF-4 files, record by record. The calendars of the
// CF conventions are decoded here, too.
//
// Classic files are read here, without C. NetCDF-4 files are HDF5, and writing is
// done by the C library (libnetcdf). A build with the tag nonetcdf, or without
// cgo, has the same API; Open of a NetCDF-4 file and Create then say how to get
// the library.
//
// # Files that do harm
//
// Files may be damaged, or made to do harm, and the C libraries have crashed on
// such files. A program that calls Isolate first in main has NetCDF-4 files read
// by processes of their own: a crash there is an error of the read. Their memory
// and time are limited, and the kernel lets them open files for reading and no
// more: no network, no programs, no change to a file. One process reads one file
// at a time, more of them when a file is read in order and ahead. A program that
// does not call Isolate reads in its own process, and a crash is its own.
//
// Either way the links and the storage of an HDF5 file are looked through before
// the library sees it. Links to other files, values in other files, virtual
// datasets, groups in circles and soft links to anything but a variable are
// refused; a variable with filters other than deflate, shuffle, fletcher32 and
// szip is described, but not read. Not looked at are attributes, types, the
// indices of chunks, and checksums of structures.
package netcdf
