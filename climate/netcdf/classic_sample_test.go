package netcdf

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
)

// classicSample is a classic file of every type that its version has: scalars,
// fixed variables and some on records.
type classicSample struct {
	version byte
	records int
	types   []string // of the variables on records
}

// time (unlimited), a 3, b 5, c 1: fixed variables are [a][b][c], those on
// records [time][b][a].
func (s classicSample) variables() (fixed, scalar, onRecord []string) {
	all := classicTypes[1:7]
	if s.version == 5 {
		all = classicTypes[1:]
	}
	return all, all, s.types
}

func (s classicSample) bytes() []byte {
	var out []byte
	order := binary.BigEndian
	count := func(n int) {
		if s.version == 5 {
			out = order.AppendUint64(out, uint64(n))
		} else {
			out = order.AppendUint32(out, uint32(n))
		}
	}
	word := func(n int) { out = order.AppendUint32(out, uint32(n)) }
	pad := func() {
		for len(out)%4 != 0 {
			out = append(out, 0)
		}
	}
	name := func(s string) {
		count(len(s))
		out = append(out, s...)
		pad()
	}
	out = append(out, 'C', 'D', 'F', s.version)
	count(s.records)
	word(tagDimension)
	count(4)
	for i, d := range []string{"time", "a", "b", "c"} {
		name(d)
		count([]int{0, 3, 5, 1}[i])
	}
	word(tagAttribute)
	count(2)
	name("title")
	word(2)
	count(5)
	out = append(out, "hello"...)
	pad()
	name("numbers")
	word(3)
	count(3)
	for _, x := range []int16{1, -2, 3} {
		out = order.AppendUint16(out, uint16(x))
	}
	pad()
	fixed, scalar, onRecord := s.variables()
	word(tagVariable)
	count(len(fixed) + len(scalar) + len(onRecord))
	type variable struct {
		kind string
		dims []int
		n    int
	}
	var all []variable
	for _, k := range fixed {
		all = append(all, variable{k, []int{1, 2, 3}, 15})
	}
	for _, k := range scalar {
		all = append(all, variable{k, nil, 1})
	}
	for _, k := range onRecord {
		all = append(all, variable{k, []int{0, 2, 1}, 15})
	}
	begins := make([]int, len(all)) // where in out the begin of each stands
	for i, v := range all {
		name(string(rune('A'+i)) + "_" + v.kind)
		count(len(v.dims))
		for _, d := range v.dims {
			count(d)
		}
		word(0)
		count(0)
		word(slices.Index(classicTypes[:], v.kind))
		count(padded(v.n * typeBytes[v.kind]))
		begins[i] = len(out)
		if s.version == 1 {
			word(0)
		} else {
			out = order.AppendUint64(out, 0)
		}
	}
	begin := func(i, at int) {
		if s.version == 1 {
			order.PutUint32(out[begins[i]:], uint32(at))
		} else {
			order.PutUint64(out[begins[i]:], uint64(at))
		}
	}
	rnd := rand.New(rand.NewPCG(uint64(s.version), 1))
	put := func(v variable) {
		for range v.n * typeBytes[v.kind] {
			out = append(out, byte(rnd.Uint32()))
		}
	}
	for i, v := range all[:len(fixed)+len(scalar)] {
		begin(i, len(out))
		put(v)
		pad()
	}
	at := len(out)
	for i, v := range all[len(fixed)+len(scalar):] {
		begin(len(fixed)+len(scalar)+i, at)
		at += padded(v.n * typeBytes[v.kind])
	}
	for range s.records {
		for _, v := range all[len(fixed)+len(scalar):] {
			put(v)
			if len(onRecord) > 1 { // one alone has no padding
				pad()
			}
		}
	}
	return out
}

// classicSamples are files of all versions, with one variable on records and
// with many, with and without records.
func classicSamples() [][]byte {
	var out [][]byte
	for _, version := range []byte{1, 2, 5} {
		fixed, _, _ := classicSample{version: version}.variables()
		for _, types := range [][]string{{"short"}, {"byte"}, {"double"}, nil, fixed} {
			for _, records := range []int{0, 1, 4} {
				out = append(out, classicSample{version, records, types}.bytes())
			}
		}
	}
	return out
}
