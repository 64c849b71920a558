package hostile

import (
	"encoding/binary"
	"fmt"
	"math"
)

// cdf is a classic NetCDF file as its header says it (NetCDF Classic Format
// Specification, docs.unidata.ucar.edu): CDF-1, -2 or -5. Nothing keeps it from
// being wrong.
type cdf struct {
	version   byte
	records   int // of the record dimension, which has length 0 in dims
	dims      []cdfDim
	attrs     []cdfAttr
	variables []cdfVar
}

type cdfDim struct {
	name string
	n    int
}

// cdfAttr has a string, a []float64 (double), a []float32 or an []int16.
type cdfAttr struct {
	name  string
	value any
}

// cdfVar is a double, or what kind says.
type cdfVar struct {
	name  string
	dims  []int
	attrs []cdfAttr
	kind  int // of the types below; 0 is double
	data  []float64
}

const (
	cdfChar   = 2
	cdfShort  = 3
	cdfFloat  = 5
	cdfDouble = 6
)

var cdfSizes = map[int]int{cdfChar: 1, cdfShort: 2, cdfFloat: 4, cdfDouble: 8}

// bytes is the file, its header in front of the variables of fixed size and
// the records. It is laid out twice: where the data begin is known then.
func (c cdf) bytes() []byte {
	begins := make([]int, len(c.variables))
	head := c.header(begins)
	at := len(head)
	for i, v := range c.variables {
		if !c.onRecord(v) {
			begins[i] = at
			at += padded(cdfSizes[v.type_()] * len(v.data))
		}
	}
	record := 0
	for i, v := range c.variables {
		if c.onRecord(v) {
			begins[i] = at + record
			record += c.perRecord(v)
		}
	}
	out := c.header(begins)
	for _, v := range c.variables {
		if !c.onRecord(v) {
			out = append(out, v.packed(v.data)...)
		}
	}
	for r := range c.records {
		for _, v := range c.variables {
			if c.onRecord(v) {
				n := len(v.data) / c.records
				out = append(out, v.packed(v.data[r*n:(r+1)*n])...)
			}
		}
	}
	return out
}

func (c cdf) onRecord(v cdfVar) bool { return len(v.dims) > 0 && c.dims[v.dims[0]].n == 0 }

func (c cdf) perRecord(v cdfVar) int {
	n := cdfSizes[v.type_()]
	for _, d := range v.dims[1:] {
		n *= c.dims[d].n
	}
	return padded(n)
}

func (v cdfVar) type_() int {
	if v.kind == 0 {
		return cdfDouble
	}
	return v.kind
}

func (v cdfVar) packed(values []float64) []byte {
	var b []byte
	for _, x := range values {
		switch v.type_() {
		case cdfChar:
			b = append(b, byte(x))
		case cdfShort:
			b = binary.BigEndian.AppendUint16(b, uint16(int16(x)))
		case cdfFloat:
			b = binary.BigEndian.AppendUint32(b, math.Float32bits(float32(x)))
		default:
			b = binary.BigEndian.AppendUint64(b, math.Float64bits(x))
		}
	}
	return pad(b)
}

func (c cdf) header(begins []int) []byte {
	b := append([]byte("CDF"), c.version)
	b = c.count(b, c.records)
	b = c.list(b, 10, len(c.dims))
	for _, d := range c.dims {
		b = c.count(c.name(b, d.name), d.n)
	}
	b = c.attributes(b, c.attrs)
	b = c.list(b, 11, len(c.variables))
	for i, v := range c.variables {
		b = c.count(c.name(b, v.name), len(v.dims))
		for _, d := range v.dims {
			b = c.count(b, d)
		}
		b = c.attributes(b, v.attrs)
		b = binary.BigEndian.AppendUint32(b, uint32(v.type_()))
		size := padded(cdfSizes[v.type_()] * len(v.data))
		if c.onRecord(v) {
			size = c.perRecord(v)
		}
		b = c.count(b, size)
		if c.version == 1 {
			b = binary.BigEndian.AppendUint32(b, uint32(begins[i]))
		} else {
			b = binary.BigEndian.AppendUint64(b, uint64(begins[i]))
		}
	}
	return b
}

func (c cdf) attributes(b []byte, all []cdfAttr) []byte {
	b = c.list(b, 12, len(all))
	for _, a := range all {
		b = c.name(b, a.name)
		word := func(kind, n int) { b = c.count(binary.BigEndian.AppendUint32(b, uint32(kind)), n) }
		switch x := a.value.(type) {
		case string:
			word(cdfChar, len(x))
			b = append(b, x...)
		case []int16:
			word(cdfShort, len(x))
			for _, v := range x {
				b = binary.BigEndian.AppendUint16(b, uint16(v))
			}
		case []float32:
			word(cdfFloat, len(x))
			for _, v := range x {
				b = binary.BigEndian.AppendUint32(b, math.Float32bits(v))
			}
		case []float64:
			word(cdfDouble, len(x))
			for _, v := range x {
				b = binary.BigEndian.AppendUint64(b, math.Float64bits(v))
			}
		default:
			panic(fmt.Sprintf("hostile: attribute %s of %T", a.name, a.value))
		}
		b = pad(b)
	}
	return b
}

func (c cdf) list(b []byte, tag, n int) []byte {
	if n == 0 {
		return c.count(binary.BigEndian.AppendUint32(b, 0), 0)
	}
	return c.count(binary.BigEndian.AppendUint32(b, uint32(tag)), n)
}

func (c cdf) name(b []byte, s string) []byte { return pad(append(c.count(b, len(s)), s...)) }

// count is a number that CDF-5 has room for.
func (c cdf) count(b []byte, n int) []byte {
	if c.version == 5 {
		return binary.BigEndian.AppendUint64(b, uint64(n))
	}
	return binary.BigEndian.AppendUint32(b, uint32(n))
}

// pad ends at a multiple of 4 of its own length: all parts of a file do.
func pad(b []byte) []byte {
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

func padded(n int) int { return (n + 3) &^ 3 }
