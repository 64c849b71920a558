package netcdf

import (
	"encoding/binary"
	"errors"
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

// input is a file whose beginning was looked at.
type input struct {
	f       *os.File
	size    int64
	classic *classicHeader // nil for HDF5
	at      int64          // of the superblock
}

// checkContent opens a file and refuses what is no NetCDF or has fewer bytes
// than it says.
func checkContent(name, path string) (in input, err error) {
	st, err := os.Stat(path)
	if err != nil {
		return in, fmt.Errorf("%s: %w", name, reason(err))
	}
	if !st.Mode().IsRegular() { // opening a FIFO would wait
		return in, fmt.Errorf("%s: is no regular file; NetCDF needs one on disk", name)
	}
	f, err := os.Open(path)
	if err != nil {
		return in, fmt.Errorf("%s: %w", name, reason(err))
	}
	defer func() {
		if err != nil {
			f.Close()
			err = fmt.Errorf("%s: %w", name, err)
		}
	}()
	in = input{f: f, size: st.Size()}
	head := make([]byte, 8)
	n, err := f.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return in, reason(err)
	}
	head = head[:n]
	switch s := string(head); {
	case n == 0:
		return in, errors.New("is empty; copy it again")
	case strings.HasPrefix(s, "CDF\x01"), strings.HasPrefix(s, "CDF\x02"), strings.HasPrefix(s, "CDF\x05"):
		if in.classic, err = readClassic(io.NewSectionReader(f, 0, in.size), int(in.size)); err != nil {
			return in, fmt.Errorf("%w; %s", err, damaged)
		}
		return in, in.whole(int64(in.classic.end()))
	case strings.HasPrefix(s, "GRIB"):
		return in, errors.New("is a GRIB file; convert it, as with cdo -f nc4 copy")
	case strings.HasPrefix(s, "\x1f\x8b"):
		return in, errors.New("is compressed with gzip; unpack it with gunzip")
	case strings.HasPrefix(s, "\x0e\x03\x13\x01"):
		return in, errors.New("is an HDF4 file; convert it to NetCDF-4")
	}
	if in.at, err = findHDF5(f, in.size); err != nil {
		return in, reason(err)
	}
	if in.at < 0 {
		return in, fmt.Errorf("is no NetCDF file: it begins with %q, wanted CDF or an HDF5 signature", head)
	}
	return in, in.whole(endOfHDF5(f, in.at))
}

// whole refuses a file that lacks what it says it has.
func (in input) whole(end int64) error {
	if end > in.size {
		return fmt.Errorf("is truncated: it has %d of %d bytes; %s", in.size, end, damaged)
	}
	return nil
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
