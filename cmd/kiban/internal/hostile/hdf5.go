package hostile

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	"io"
	"strings"
	"sync"
)

//go:embed testdata/hdf5.tar.gz
var hdf5Archive []byte

// hdf5Files are the files that testdata/hdf5.py made, by name.
var hdf5Files = sync.OnceValue(func() map[string][]byte {
	z, err := gzip.NewReader(bytes.NewReader(hdf5Archive))
	if err != nil {
		panic(err)
	}
	files := map[string][]byte{}
	for t := tar.NewReader(z); ; {
		head, err := t.Next()
		if err == io.EOF {
			return files
		}
		if err == nil {
			files[strings.TrimSuffix(head.Name, ".nc")], err = io.ReadAll(t)
		}
		if err != nil {
			panic(err)
		}
	}
})

// hdf5File is a function for file.
func hdf5File(name string) func() []byte {
	return func() []byte {
		b, ok := hdf5Files()[name]
		if !ok {
			panic("hostile: testdata/hdf5.py makes no " + name)
		}
		return b
	}
}

// hdf5Cases are attacks by NetCDF-4 files.
func hdf5Cases() []Case {
	var cases []Case
	add := func(c Case) { cases = append(cases, c) }
	refuse := func(name string, says ...string) {
		add(Case{Name: "h5_" + name, Make: file("in.nc", hdf5File(name)), Args: preparing("in.nc"), Says: append(says, "in.nc: ")})
	}
	// accept reads what the file has beside its attack like a harmless twin.
	accept := func(name, twin string) {
		add(Case{Name: "h5_" + name, Make: file("in.nc", hdf5File(name)), Twin: file("in.nc", hdf5File(twin)), Args: preparing("in.nc"), Accept: true, Files: []string{"out/fields-*.bin"}})
	}
	either := func(name string, args []string, data func() []byte) {
		add(Case{Name: "h5_" + name, Any: true, Make: file("in.nc", data), Args: args})
	}
	// What is as it should be.
	classic := file("in.nc", func() []byte { return some(1990).bytes() })
	for _, name := range []string{"good", "deflate", "big_endian"} {
		add(Case{Name: "h5_" + name, Make: file("in.nc", hdf5File(name)), Twin: classic, Args: preparing("in.nc"), Accept: true, Files: []string{"out/fields-*.bin"}})
	}
	either("latest", preparing("in.nc"), hdf5File("latest")) // newer than the library may be
	accept("user_block", "earliest")
	// Other files: none is opened.
	for _, name := range []string{"ext_link", "ext_link_tas", "ext_storage", "vds", "soft_link", "soft_loop", "soft_nowhere", "group_cycle"} {
		either(name, preparing("in.nc"), hdf5File(name))
		either(name+"_inspect", inspecting("in.nc"), hdf5File(name))
	}
	// A small file that asks for a large memory.
	for _, name := range []string{"shape", "shape_time", "chunk_huge", "bomb", "rank", "attr_huge", "group_deep", "group_many", "attr_many"} {
		either(name, preparing("in.nc"), hdf5File(name))
		either(name+"_inspect", inspecting("in.nc"), hdf5File(name))
	}
	// Types and filters that hold no numbers, or that nobody has.
	for _, name := range []string{"vlen", "vlen_text", "compound", "opaque", "enum", "array", "reference", "filter"} {
		refuse(name)
		either(name+"_inspect", inspecting("in.nc"), hdf5File(name))
	}
	for _, name := range []string{"half", "boolean", "scale_offset", "no_axes", "axis_lost", "axis_dangling", "name_long", "name_control", "name_dotdot", "attr_text", "attr_vlen", "attr_compound",
		"attr_reference", "attr_empty", "attr_utf8"} {
		either(name, preparing("in.nc"), hdf5File(name))
		either(name+"_inspect", inspecting("in.nc"), hdf5File(name))
	}
	refuse("attr_units", "variable tas", "--units tas=K")
	refuse("attr_scale", "variable tas", "scale_factor")
	refuse("plain", "no field of latitude and longitude")
	refuse("empty", "no field of latitude and longitude")
	add(Case{Name: "h5_magic", Make: file("in.nc", text("\x89HDF\r\n\x1a\n")), Args: inspecting("in.nc"), Says: []string{"in.nc: is truncated"}})
	add(Case{Name: "h5_magic_late", Make: func(f Folder) error {
		return f.Write("in.nc", append(make([]byte, 1<<20), hdf5File("earliest")()...))
	}, Any: true, Args: inspecting("in.nc")})
	add(Case{Name: "h5_sparse", Args: inspecting("in.nc"), Accept: true, Make: func(f Folder) error { return f.Sparse("in.nc", hdf5File("good")(), 1<<40) }})
	// Cut, and single bits of what comes first. All of them are tried out where
	// the reader is.
	for _, name := range []string{"good", "earliest"} {
		whole := hdf5File(name)()
		for _, n := range []int{9, 48, 96, 97, 512, 1000, 2048, 4096, len(whole) / 2, len(whole) - 512, len(whole) - 1} {
			add(Case{Name: fmt.Sprintf("h5_cut_%s_%d", name, n), Make: file("in.nc", func() []byte { return whole[:n] }), Args: preparing("in.nc"), Says: []string{"in.nc: is truncated", "copy it again"}})
		}
		for bit := 64; bit < 8*1024; bit += 331 {
			either(fmt.Sprintf("bit_%s_%d", name, bit), preparing("in.nc"), func() []byte {
				b := bytes.Clone(whole)
				b[bit/8] ^= 0x80 >> (bit % 8)
				return b
			})
		}
	}
	// What the library reads beside a file: its settings.
	add(Case{Name: "h5_rc", Args: preparing("in.nc"), Accept: true, Twin: file("in.nc", hdf5File("good")), Files: []string{"out/fields-*.bin"}, Make: func(f Folder) error {
		const rc = "HTTP.PROXY_SERVER=http://127.0.0.1:9\nHTTP.COOKIEJAR=../secret\nHTTP.SSL.CAINFO=../secret\n"
		return errorsFirst(f.Write("in.nc", hdf5File("good")()), f.Write(".ncrc", []byte(rc)), f.Write(".daprc", []byte(rc)), f.Write(".dodsrc", []byte(rc)))
	}})
	return cases
}
