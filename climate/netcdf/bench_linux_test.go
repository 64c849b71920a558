//go:build cgo && !nonetcdf

package netcdf

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// readers are the ways to read a file, on the same of it.
func readers(b *testing.B, path string) map[string]source {
	b.Helper()
	f, err := Open(path)
	if err != nil {
		b.Fatal(err)
	}
	st, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	l, _, err := openLibrary(path, st.Size())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { f.Close(); l.close() })
	name := "apart"
	if _, ok := f.source.(*classicFile); ok {
		name = "ours"
	}
	return map[string]source{name: f.source, "library": l}
}

// A classic file of 16 variables on records, 1,460 x 32 x 64 floats: eight
// records of each, and a box of 20 x 20 cells at 8 times.
func BenchmarkClassic(b *testing.B) {
	const variables, times, cells = 16, 200, 32 * 64
	h := appendClassicHeader(variables, times)
	for i := range variables * times * cells {
		h = binary.BigEndian.AppendUint32(h, math.Float32bits(float32(i)))
	}
	path := filepath.Join(b.TempDir(), "classic.nc")
	if err := os.WriteFile(path, h, 0o600); err != nil {
		b.Fatal(err)
	}
	for _, x := range []struct {
		name         string
		start, count []int
	}{{"records", []int{0, 0, 0}, []int{8, 32, 64}}, {"box", []int{0, 6, 10}, []int{8, 20, 20}}} {
		for name, s := range readers(b, path) {
			b.Run(x.name+"/"+name, func(b *testing.B) {
				benchRead(b, s, variables, times, x.start, x.count, 0)
			})
		}
	}
}

// appendClassicHeader is the header of such a file.
func appendClassicHeader(variables, times int) []byte {
	o := binary.BigEndian
	text := func(b []byte, s string) []byte {
		b = o.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
		for len(b)%4 != 0 {
			b = append(b, 0)
		}
		return b
	}
	words := func(b []byte, all ...uint32) []byte {
		for _, w := range all {
			b = o.AppendUint32(b, w)
		}
		return b
	}
	build := func(begin uint64) []byte {
		h := words([]byte("CDF\x02"), uint32(times), tagDimension, 3)
		for i, d := range []string{"time", "lat", "lon"} {
			h = words(text(h, d), []uint32{0, 32, 64}[i])
		}
		h = words(h, 0, 0, tagVariable, uint32(variables))
		for i := range variables {
			h = words(text(h, fmt.Sprintf("v%02d", i)), 3, 0, 1, 2, 0, 0, 5, 8192)
			h = o.AppendUint64(h, begin+uint64(8192*i))
		}
		return h
	}
	return build(uint64(len(build(0))))
}

// benchRead reads every variable (from the first on) n times at once, in order.
func benchRead(b *testing.B, s source, variables, times int, start, count []int, first int) {
	b.Helper()
	n := product(4, count)
	into := view[byte](make([]float32, n/4))
	b.SetBytes(int64(n * variables))
	at := append([]int(nil), start...)
	for b.Loop() {
		for v := range variables {
			if err := s.read(first+v, at, count, into); err != nil {
				b.Fatal(err)
			}
		}
		if at[0] += count[0]; at[0]+count[0] > times {
			at[0] = start[0]
		}
	}
}

// The file of kiban-bench's NetCDF rows: 8 times of 16 variables, in order, and
// back and forth, so that nothing is read ahead.
func BenchmarkNetCDF4(b *testing.B) {
	dir := os.Getenv("KIBAN_BENCH_CLIMATE")
	if dir == "" {
		b.Skip("KIBAN_BENCH_CLIMATE names no folder; make one: kiban-bench prepare 'NetCDF: a file in order' FOLDER")
	}
	for name, s := range readers(b, filepath.Join(dir, "series.nc")) {
		b.Run("ordered/"+name, func(b *testing.B) {
			benchRead(b, s, 16, 1460, []int{0, 0, 0}, []int{8, 32, 64}, 3)
		})
		b.Run("jumping/"+name, func(b *testing.B) {
			into := view[byte](make([]float32, 8*2048))
			b.SetBytes(16 * 8 * 8192)
			at := 0
			for b.Loop() {
				at = (at + 488) % 1450
				for v := range 16 {
					if err := s.read(3+v, []int{at, 0, 0}, []int{8, 32, 64}, into); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

// A process for a file, and a file for a process that is there.
func BenchmarkOpen(b *testing.B) {
	path := bigSample(b, 1, 1)
	for _, fresh := range []bool{true, false} {
		b.Run(map[bool]string{true: "fresh", false: "again"}[fresh], func(b *testing.B) {
			for b.Loop() {
				f, err := Open(path)
				if err != nil {
					b.Fatal(err)
				}
				if fresh {
					f.source.(*apart).workers[0].stop()
				}
				if err := f.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
