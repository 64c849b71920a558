package hostile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"strings"
)

// classicCases are attacks by the header of a classic NetCDF file, and by the
// names of files.
func classicCases() []Case {
	var cases []Case
	refuse := func(name string, data func() []byte, says ...string) {
		cases = append(cases, Case{Name: name, Make: file("in.nc", data), Args: inspecting("in.nc"), Says: append(says, "in.nc: ")})
	}
	good := func() []byte { return some(1990).bytes() }
	for _, v := range []byte{1, 2, 5} {
		m := some(1990)
		m.version = v
		cases = append(cases, Case{Name: fmt.Sprintf("cdf_good_%d", v), Make: file("in.nc", m.bytes), Args: preparing("in.nc"), Accept: true,
			Twin: file("in.nc", good), Files: []string{"out/fields-*.bin"}})
		// Cut within the header, within the fixed values and within the records.
		whole := m.bytes()
		head := len(m.cdf().header(make([]int, 4)))
		for _, n := range []int{4, 7, 8, 31, 32, 33, 100, head / 2, head - 9, head - 1} {
			refuse(fmt.Sprintf("cdf_head_%d_%d", v, n), func() []byte { return whole[:n] }, "truncated", "copy it again")
		}
		for _, n := range []int{head, head + 1, head + 33, head + 96 + 8, len(whole) / 2, len(whole) - 1} {
			refuse(fmt.Sprintf("cdf_cut_%d_%d", v, n), func() []byte { return whole[:n] }, "is truncated: it has", fmt.Sprintf("%d of %d bytes", n, len(whole)), "copy it again")
		}
		count := func(n uint64) string {
			b := binary.BigEndian.AppendUint64(nil, n)
			if v != 5 {
				b = b[4:]
			}
			return string(b)
		}
		edited := func(name, from, to string, says ...string) {
			refuse(fmt.Sprintf("%s_%d", name, v), func() []byte { return swapped(whole, from, to) }, append(says, "copy it again")...)
		}
		dim := count(3) + "lon\x00"
		edited("cdf_name4g", dim, count(0xfffffff0)+"lon\x00", "header")
		edited("cdf_dims", "\x00\x00\x00\x0a"+count(3), "\x00\x00\x00\x0a"+count(1<<31-1), "header lists")
		edited("cdf_vars", "\x00\x00\x00\x0b"+count(4), "\x00\x00\x00\x0b"+count(1<<31-1), "header lists")
		edited("cdf_attrs", "\x00\x00\x00\x0c"+count(1), "\x00\x00\x00\x0c"+count(1<<31-1), "header lists")
		edited("cdf_records", string(whole[:4])+count(24), string(whole[:4])+count(1<<31-2), "is truncated")
		edited("cdf_dim_long", dim+count(8), dim+count(1<<31-5), "is truncated")
		edited("cdf_dimid", count(3)+"tas\x00"+count(3)+count(0), count(3)+"tas\x00"+count(3)+count(77), "header")
		edited("cdf_rank", count(3)+"tas\x00"+count(3), count(3)+"tas\x00"+count(1<<20), "dimensions, more than")
		edited("cdf_tag", "\x00\x00\x00\x0b"+count(4), "\x00\x00\x00\x0c"+count(4), "header")
		edited("cdf_type0", "\x00\x00\x00\x05"+count(128), "\x00\x00\x00\x00"+count(128), "header")
		edited("cdf_type99", "\x00\x00\x00\x05"+count(128), "\x00\x00\x00\x63"+count(128), "header")
		edited("cdf_type_negative", "\x00\x00\x00\x05"+count(128), "\xff\xff\xff\xff"+count(128), "header")
		edited("cdf_attr4g", "\x00\x00\x00\x02"+count(13), "\x00\x00\x00\x02"+count(0xfffffff0), "header")
		if v == 5 {
			edited("cdf_negative", dim+count(8), dim+count(1<<63), "header")
			// Fewer than none is what writers say that have not finished.
			cases = append(cases, Case{Name: "cdf_records_negative_5", Args: preparing("in.nc"), Accept: true, Twin: file("in.nc", good), Files: []string{"out/fields-*.bin"},
				Make: file("in.nc", func() []byte { return swapped(whole, string(whole[:4])+count(24), string(whole[:4])+count(1<<63|24)) })})
			edited("cdf_records_wrap", string(whole[:4])+count(24), string(whole[:4])+count(1<<62), "records cannot be")
		}
	}
	refuse("cdf_13", text("CDF\x01\x00\x00\x00\x18\x00\x00\x00\x00\x00"), "truncated")
	refuse("cdf_four", text("CDF\x01"), "truncated")
	refuse("cdf_version", func() []byte { return swapped(good(), "CDF\x01", "CDF\x03") }, "is no NetCDF file")
	// 80 bytes that say to be 16 GiB.
	sixteen := func() cdf {
		return cdf{version: 1, dims: []cdfDim{{"x", 1 << 31 >> 1 * 2}}, variables: []cdfVar{{name: "v", dims: []int{0}}}}
	}
	refuse("cdf_16g", func() []byte { return sixteen().bytes() }, "is truncated: it has", "copy it again")
	// The same with all its bytes, which are nowhere: they are not read.
	cases = append(cases, Case{Name: "cdf_16g_sparse", Args: preparing("in.nc"), Says: []string{"in.nc: ", "no field of latitude and longitude"},
		Make: func(f Folder) error { return f.Sparse("in.nc", sixteen().bytes(), 17<<30) }})
	refuse("cdf_rank_wrap", func() []byte {
		c := cdf{version: 5, dims: []cdfDim{{"x", 1 << 62}}, variables: []cdfVar{{name: "v", dims: []int{0, 0, 0, 0}}}}
		return c.bytes()
	}, "is truncated")
	refuse("cdf_recsize", func() []byte {
		c := cdf{version: 5, records: 1 << 40, dims: []cdfDim{{"t", 0}, {"x", 1 << 40}}, variables: []cdfVar{{name: "v", dims: []int{0, 1}}, {name: "w", dims: []int{0, 1}}}}
		return c.header([]int{300, 400})
	}, "is truncated")
	spoilt := func(name string, change func(c *cdf), says ...string) {
		refuse(name, func() []byte { c := some(1990).cdf(); change(&c); return c.bytes() }, says...)
	}
	spoilt("cdf_two_unlimited", func(c *cdf) { c.dims[1].n = 0; c.variables[0].data = nil }, "copy it again")
	// What a sloppy writer may have done is read or refused, as long as nothing
	// comes to harm.
	sloppy := func(name string, change func(c *cdf)) {
		cases = append(cases, Case{Name: name, Any: true, Args: inspecting("in.nc"), Make: file("in.nc", func() []byte { c := some(1990).cdf(); change(&c); return c.bytes() })})
	}
	sloppy("cdf_same_variable", func(c *cdf) { c.variables = append(c.variables, c.variables[3]) })
	sloppy("cdf_same_dimension", func(c *cdf) { c.dims = append(c.dims, c.dims[1]) })
	sloppy("cdf_same_attribute", func(c *cdf) { c.attrs = append(c.attrs, c.attrs[0]) })
	for name, s := range map[string]string{"dotdot": "../secret", "control": "t\x1b[2J", "nul": "t\x00s", "utf8": "t\xff", "empty": "", "slash": "/", "long": strings.Repeat("t", 1000)} {
		sloppy("cdf_name_"+name, func(c *cdf) { c.variables[3].name = s })
		sloppy("cdf_dim_name_"+name, func(c *cdf) { c.dims[1].name = s })
		sloppy("cdf_attr_name_"+name, func(c *cdf) { c.attrs[0].name = s })
	}
	// Values that begin within the header are those of the header: nobody's harm,
	// and nobody's data.
	refuse("cdf_begin", func() []byte {
		c := some(1990).cdf()
		begins := []int{8, 8, 8, 8}
		return append(c.header(begins), make([]byte, 4000)...)
	}, "copy it again")
	refuse("cdf_begin_far", func() []byte {
		c := some(1990).cdf()
		c.version = 2
		return append(c.header([]int{1 << 62, 1 << 62, 1 << 62, 1 << 62}), make([]byte, 4000)...)
	}, "is truncated")
	refuse("cdf_begin_negative", func() []byte {
		c := some(1990).cdf()
		c.version = 2
		return append(c.header([]int{math.MinInt64, -8, -8, -8}), make([]byte, 4000)...)
	}, "header")
	// Bits of the header, one at a time: what can still be read is read, and all
	// else has a message.
	for _, bit := range []int{5, 40, 75, 90, 130, 200, 333, 478, 512, 700, 999, 1024, 1500, 2000} {
		name := fmt.Sprintf("cdf_bit_%d", bit)
		cases = append(cases, Case{Name: name, Any: true, Args: inspecting("in.nc"), Make: file("in.nc", func() []byte {
			b := good()
			b[bit/8] ^= 0x80 >> (bit % 8)
			return b
		})})
	}
	return append(cases, nameCases()...)
}

// nameCases name what is no file to the library that reads files, and devices.
func nameCases() []Case {
	var cases []Case
	nothing := func(Folder) error { return nil }
	verbs := map[string]func(string) []string{
		"inspect": func(s string) []string { return inspecting(s) },
		"prepare": func(s string) []string { return preparing(s) },
		"grid":    func(s string) []string { return append(preparing("in.nc"), "--grid", s) },
		"plot":    func(s string) []string { return []string{"climate", "plot", s, "-o", "out.svg"} },
		"truth":   func(s string) []string { return []string{"climate", "evaluate", s, "--truth", "in.nc"} },
	}
	good := file("in.nc", func() []byte { return some(1990).bytes() })
	for verb, args := range verbs {
		for name, s := range map[string]string{
			"http": "http://127.0.0.1:9/x.nc", "https": "https://127.0.0.1:9/x.nc", "dods": "dods://127.0.0.1:9/x", "s3": "s3://bucket/key#mode=s3",
			"file": "file:///etc/passwd#mode=zarr,file", "bracket": "[log][show=fetch]in.nc", "mode": "in.nc#mode=bytes", "fragment": "in.nc#", "nul": "in.nc\x00x",
		} {
			if verb == "grid" && name != "http" && name != "bracket" || name == "nul" {
				continue // no process can be given a NUL byte
			}
			c := Case{Name: "nc_" + verb + "_" + name, Make: good, Args: args(s), Says: []string{s[:4]}}
			if verb == "grid" {
				c.Misuse = true
			}
			cases = append(cases, c)
		}
	}
	cases = append(cases,
		Case{Name: "nc_name_url", Make: file("http:__x", func() []byte { return some(1990).bytes() }), Args: preparing("http:__x"), Accept: true, Twin: good, TwinArgs: preparing("in.nc"), Files: []string{"out/fields-*.bin"}},
		Case{Name: "nc_zero", Make: nothing, Args: inspecting("/dev/zero"), Says: []string{"/dev/zero: is no regular file"}},
		Case{Name: "nc_null", Make: nothing, Args: preparing("/dev/null"), Says: []string{"/dev/null: is no regular file"}},
		Case{Name: "nc_fifo", Make: func(f Folder) error { return fifo(f.Path("in.nc")) }, Args: preparing("in.nc"), Says: []string{"in.nc: is no regular file"}},
		Case{Name: "nc_empty", Make: file("in.nc", text("")), Args: preparing("in.nc"), Says: []string{"in.nc: is empty"}},
		Case{Name: "nc_dir", Make: func(f Folder) error { return os.Mkdir(f.Path("in.nc"), 0o777) }, Args: preparing("in.nc"), Says: []string{"in.nc: "}},
		Case{Name: "nc_none", Make: nothing, Args: preparing("in.nc"), Says: []string{"in.nc: no such file"}},
		Case{Name: "nc_text", Make: file("in.nc", text("time,lat,lon,tas\n")), Args: preparing("in.nc"), Says: []string{"in.nc: is no NetCDF file"}},
		Case{Name: "nc_gzip", Make: file("in.nc", func() []byte { return gz(some(1990).bytes()) }), Args: preparing("in.nc"), Says: []string{"in.nc: is compressed with gzip", "gunzip"}},
		Case{Name: "nc_grib", Make: file("in.nc", text("GRIB\x00\x00\x00\x02"+strings.Repeat("x", 100))), Args: preparing("in.nc"), Says: []string{"in.nc: is a GRIB file"}},
		Case{Name: "nc_loop", Make: func(f Folder) error { return os.Symlink("in.nc", f.Path("in.nc")) }, Args: preparing("in.nc"), Says: []string{"in.nc: "}},
		Case{Name: "nc_folder_loop", Args: preparing("in"), Says: []string{"in"}, Make: func(f Folder) error {
			return errorsFirst(os.Mkdir(f.Path("in"), 0o777), os.Symlink("../in", f.Path("in/in")))
		}},
		Case{Name: "nc_zeros", Make: func(f Folder) error { return f.Sparse("in.nc", nil, 1<<40) }, Args: preparing("in.nc"), Says: []string{"in.nc: is no NetCDF file"}},
		Case{Name: "nc_huge_hdf5", Make: func(f Folder) error { return f.Sparse("in.nc", bytes.Repeat([]byte("\x00"), 512), 1<<40) }, Args: preparing("in.nc"), Says: []string{"in.nc: is no NetCDF file"}},
	)
	return cases
}
