package netcdf

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

const damaged = "the file is damaged or cut off: compare its size or checksum with the source and copy it again"

// checkPath returns a name that the C library can only take for a local file.
// It treats names as URLs, options and all, wherever they look like one.
func checkPath(path string) (string, error) {
	switch {
	case path == "":
		return "", fmt.Errorf("netcdf: no file named; name one")
	case strings.Contains(path, "://"):
		return "", fmt.Errorf("%s: is a URL, and kiban opens no network connections; download the file and name the copy", path)
	case strings.Contains(path, "#"), strings.HasPrefix(path, "["), strings.ContainsRune(path, 0):
		return "", fmt.Errorf("%q: the NetCDF library would take this name for instructions (#, leading [ or a zero byte); rename the file", path)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	if strings.Contains(abs, "#") {
		return "", fmt.Errorf("%s: the NetCDF library would take # in %s for instructions; move the file", path, abs)
	}
	return abs, nil
}

// checkContent refuses, before the C library sees it, what is no NetCDF file
// or has fewer bytes than it says. It returns the size.
func checkContent(name, path string) (size int64, err error) {
	st, err := os.Stat(path)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, reason(err))
	}
	if !st.Mode().IsRegular() {
		return 0, fmt.Errorf("%s: is no regular file; NetCDF needs one on disk", name)
	}
	f, err := os.Open(path)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, reason(err))
	}
	defer f.Close()
	size = st.Size()
	head := make([]byte, 8)
	n, err := io.ReadFull(f, head)
	if err != nil && err != io.ErrUnexpectedEOF && err != io.EOF {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	head = head[:n]
	switch s := string(head); {
	case n == 0:
		return 0, fmt.Errorf("%s: is empty; copy it again", name)
	case strings.HasPrefix(s, "CDF\x01"), strings.HasPrefix(s, "CDF\x02"), strings.HasPrefix(s, "CDF\x05"):
		end, err := endOfClassic(io.NewSectionReader(f, 0, size))
		if err != nil {
			return 0, fmt.Errorf("%s: %w; %s", name, err, damaged)
		}
		if int64(end) > size {
			return 0, fmt.Errorf("%s: is truncated: it has %d of %d bytes; %s", name, size, end, damaged)
		}
		return size, nil
	case strings.HasPrefix(s, "GRIB"):
		return 0, fmt.Errorf("%s: is a GRIB file; convert it, as with cdo -f nc4 copy", name)
	case strings.HasPrefix(s, "\x1f\x8b"):
		return 0, fmt.Errorf("%s: is compressed with gzip; unpack it with gunzip", name)
	case strings.HasPrefix(s, "\x0e\x03\x13\x01"):
		return 0, fmt.Errorf("%s: is an HDF4 file; convert it to NetCDF-4", name)
	}
	at, err := findHDF5(f, size)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	if at < 0 {
		return 0, fmt.Errorf("%s: is no NetCDF file: it begins with %q, wanted CDF or an HDF5 signature", name, head)
	}
	if end := endOfHDF5(f, at); end > size {
		return 0, fmt.Errorf("%s: is truncated: it has %d of %d bytes; %s", name, size, end, damaged)
	}
	return size, nil
}

// reason leaves out the path that the message names already.
func reason(err error) error {
	if p, ok := err.(*os.PathError); ok {
		return p.Err
	}
	return err
}

const signatureHDF5 = "\x89HDF\r\n\x1a\n"

// findHDF5 is where the superblock is: at 0, or behind a user block of 512,
// 1024, … bytes; -1 if nowhere.
func findHDF5(f io.ReaderAt, size int64) (int64, error) {
	b := make([]byte, len(signatureHDF5))
	for at := int64(0); at+int64(len(b)) <= size && at <= 1<<24; at = max(512, 2*at) {
		if _, err := f.ReadAt(b, at); err != nil {
			return 0, err
		}
		if string(b) == signatureHDF5 {
			return at, nil
		}
	}
	return -1, nil
}

// endOfHDF5 is the size that the superblock says the file has; 0 when it is of
// a kind that the library has to judge.
func endOfHDF5(f io.ReaderAt, at int64) int64 {
	b := make([]byte, 64)
	n, _ := f.ReadAt(b, at) // fewer bytes are judged by n
	end := 0
	switch {
	case n < 48:
		return at + 48
	case b[8] == 0 && b[13] == 8:
		end = 40
	case b[8] == 1 && b[13] == 8:
		end = 44
	case (b[8] == 2 || b[8] == 3) && b[9] == 8:
		end = 28
	default:
		return 0
	}
	if n < end+8 {
		return at + int64(end+8)
	}
	return int64(min(binary.LittleEndian.Uint64(b[end:]), 1<<62))
}
