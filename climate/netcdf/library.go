//go:build cgo && !nonetcdf

package netcdf

// #cgo pkg-config: netcdf
// #cgo linux LDFLAGS: -ldl
// #define _GNU_SOURCE
// #include <dlfcn.h>
// #include <stdint.h>
// #include <stdlib.h>
// #include <string.h>
// #include <netcdf.h>
//
// // quiet_thread stops HDF5 from printing its errors. A thread-safe HDF5 keeps
// // that setting for each thread, and libnetcdf sets it on one only. HDF5 is
// // there when libnetcdf needs it; naming it to the linker would tie us to one
// // of its many names.
// static void quiet_thread(void) {
//     int (*set)(int64_t, void *, void *) = (int (*)(int64_t, void *, void *))dlsym(RTLD_DEFAULT, "H5Eset_auto2");
//     if (set) set(0, NULL, NULL);
// }
import "C"

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"unsafe"

	clib "github.com/fhs/go-netcdf/netcdf"
)

// library guards the C library, which is not safe for use by two threads at
// once, not even on different files.
var library sync.Mutex

// enter begins a use of the C library, on one thread until leave.
func enter() {
	runtime.LockOSThread()
	library.Lock()
	C.quiet_thread()
}

func leave() {
	library.Unlock()
	runtime.UnlockOSThread()
}

// LibraryVersion is the version of the C library, "" in a build without it.
func LibraryVersion() string {
	version, _, _ := strings.Cut(clib.Version(), " ")
	return version
}

// What follows is what go-netcdf does not offer.

func failed(code C.int) error {
	if code == C.NC_NOERR {
		return nil
	}
	return clib.Error(code)
}

func formatOf(ds clib.Dataset) (string, error) {
	var f C.int
	if err := failed(C.nc_inq_format(C.int(ds), &f)); err != nil {
		return "", err
	}
	switch f {
	case C.NC_FORMAT_CLASSIC:
		return "classic", nil
	case C.NC_FORMAT_64BIT_OFFSET:
		return "64-bit offset", nil
	case C.NC_FORMAT_64BIT_DATA:
		return "64-bit data", nil
	case C.NC_FORMAT_NETCDF4:
		return "NetCDF-4", nil
	case C.NC_FORMAT_NETCDF4_CLASSIC:
		return "NetCDF-4 classic model", nil
	}
	return "", fmt.Errorf("format %d is unknown", f)
}

// dimensionsOf lists the dimensions that a group itself defines.
func dimensionsOf(ds clib.Dataset) ([]Dimension, error) {
	var n, unlimited C.int
	if err := failed(C.nc_inq_dimids(C.int(ds), &n, nil, 0)); err != nil {
		return nil, err
	}
	if err := failed(C.nc_inq_unlimdims(C.int(ds), &unlimited, nil)); err != nil {
		return nil, err
	}
	if n > maxDimensions || unlimited > maxDimensions {
		return nil, fmt.Errorf("%d dimensions, more than %d", max(n, unlimited), maxDimensions)
	}
	ids, grow := make([]C.int, n+1), make([]C.int, unlimited+1)
	if err := failed(C.nc_inq_dimids(C.int(ds), &n, &ids[0], 0)); err != nil {
		return nil, err
	}
	if err := failed(C.nc_inq_unlimdims(C.int(ds), &unlimited, &grow[0])); err != nil {
		return nil, err
	}
	out := make([]Dimension, n)
	for i := range out {
		var name [C.NC_MAX_NAME + 1]C.char
		var size C.size_t
		if err := failed(C.nc_inq_dim(C.int(ds), ids[i], &name[0], &size)); err != nil {
			return nil, err
		}
		if size > 1<<62 {
			return nil, fmt.Errorf("dimension %s has size %d", C.GoString(&name[0]), uint64(size))
		}
		out[i] = Dimension{Name: C.GoString(&name[0]), Size: int(size)}
		for _, id := range grow[:unlimited] {
			out[i].Unlimited = out[i].Unlimited || id == ids[i]
		}
	}
	return out, nil
}

type child struct {
	name string
	ds   clib.Dataset
}

// childrenOf lists the groups inside a group.
func childrenOf(ds clib.Dataset) ([]child, error) {
	var n C.int
	if err := failed(C.nc_inq_grps(C.int(ds), &n, nil)); err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, nil
	}
	if n > maxVariables {
		return nil, fmt.Errorf("%d groups, more than %d", n, maxVariables)
	}
	ids := make([]C.int, n)
	if err := failed(C.nc_inq_grps(C.int(ds), &n, &ids[0])); err != nil {
		return nil, err
	}
	out := make([]child, n)
	for i, id := range ids {
		var name [C.NC_MAX_NAME + 1]C.char
		if err := failed(C.nc_inq_grpname(id, &name[0])); err != nil {
			return nil, err
		}
		out[i] = child{C.GoString(&name[0]), clib.Dataset(id)}
	}
	return out, nil
}

// userType names a type that the file defines, as "compound obs_t".
func userType(ds clib.Dataset, t clib.Type) (string, error) {
	var name [C.NC_MAX_NAME + 1]C.char
	var class C.int
	if err := failed(C.nc_inq_user_type(C.int(ds), C.nc_type(t), &name[0], nil, nil, nil, &class)); err != nil {
		return "", err
	}
	kind := map[C.int]string{C.NC_VLEN: "vlen", C.NC_OPAQUE: "opaque", C.NC_ENUM: "enum", C.NC_COMPOUND: "compound"}[class]
	return kind + " " + C.GoString(&name[0]), nil
}

// global is the variable of a group's own attributes.
const global = C.NC_GLOBAL

// stringAttribute reads an attribute of n strings.
func stringAttribute(ds clib.Dataset, variable int, name string, n int) ([]string, error) {
	cname := C.CString(name)
	defer C.free(unsafe.Pointer(cname))
	p := (**C.char)(C.calloc(C.size_t(n), C.size_t(unsafe.Sizeof((*C.char)(nil)))))
	if p == nil {
		return nil, fmt.Errorf("no memory for %d strings", n)
	}
	defer C.free(unsafe.Pointer(p))
	if err := failed(C.nc_get_att_string(C.int(ds), C.int(variable), cname, p)); err != nil {
		return nil, err
	}
	defer C.nc_free_string(C.size_t(n), p)
	out := make([]string, n)
	total := 0
	for i, s := range unsafe.Slice(p, n) {
		if s == nil {
			continue
		}
		if total += int(C.strnlen(s, maxAttributeBytes+1)); total > maxAttributeBytes {
			return nil, errLongAttribute
		}
		out[i] = C.GoString(s)
	}
	return out, nil
}

// chunkBytes is the size of a chunk of a variable, 0 when it has none.
func chunkBytes(ds clib.Dataset, variable, rank, size int) (int, error) {
	var storage C.int
	chunk := make([]C.size_t, rank+1)
	if err := failed(C.nc_inq_var_chunking(C.int(ds), C.int(variable), &storage, &chunk[0])); err != nil {
		return 0, err
	}
	if storage != C.NC_CHUNKED {
		return 0, nil
	}
	return product(size, chunk[:rank]), nil
}

// readStored reads a hyperslab as it is stored.
func readStored(ds clib.Dataset, variable int, start, count []int, into []byte) error {
	s, c := sizes(start), sizes(count)
	return failed(C.nc_get_vara(C.int(ds), C.int(variable), &s[0], &c[0], unsafe.Pointer(unsafe.SliceData(into))))
}

// sizes has one element more than it needs, to be no empty slice for a scalar.
func sizes(in []int) []C.size_t {
	out := make([]C.size_t, len(in)+1)
	for i, x := range in {
		out[i] = C.size_t(x)
	}
	return out
}
