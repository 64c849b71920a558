// Package coast has the coastlines of the world: Natural Earth's land at
// 1:110 million, which is in the public domain. README.md says how the file
// was made.
package coast

import (
	_ "embed"
	"encoding/binary"
	"fmt"
	"sync"
)

// Point is a place in degrees north and degrees east.
type Point struct{ Lat, Lon float64 }

// Unit is the grain of the stored coordinates in degrees, about 1 km: a
// hundredth of what the scale of the source shows.
const Unit = 0.01

//go:embed coast.bin
var file []byte

// Lines are the coastlines, each an open or closed line. Longitudes run on
// where a line crosses the date line, so that neighbours are never far apart:
// they may lie outside of -180 to 180. The lines are shared; do not change
// them.
func Lines() [][]Point { return lines() }

var lines = sync.OnceValue(func() [][]Point {
	l, err := decode(file)
	if err != nil {
		panic(err) // the file is part of the program, and a test reads it
	}
	return l
})

// decode reads the number of lines and, of each, the number of points and
// their steps east and north, all as variable-length integers.
func decode(b []byte) ([][]Point, error) {
	count, err := uvarint(&b)
	if err != nil {
		return nil, err
	}
	out := make([][]Point, 0, min(count, uint64(len(b))))
	var x, y int64
	for range count {
		n, err := uvarint(&b)
		if err != nil {
			return nil, err
		}
		line := make([]Point, 0, min(n, uint64(len(b))))
		for range n {
			dx, i := binary.Varint(b)
			if i <= 0 {
				return nil, errShort
			}
			dy, j := binary.Varint(b[i:])
			if j <= 0 {
				return nil, errShort
			}
			b = b[i+j:]
			x, y = x+dx, y+dy
			line = append(line, Point{Lat: float64(y) * Unit, Lon: float64(x) * Unit})
		}
		out = append(out, line)
	}
	if len(b) > 0 {
		return nil, fmt.Errorf("coast: %d bytes after the last line; make the file again with gen", len(b))
	}
	return out, nil
}

var errShort = fmt.Errorf("coast: the file ends within a line; make it again with gen")

func uvarint(b *[]byte) (uint64, error) {
	v, n := binary.Uvarint(*b)
	if n <= 0 {
		return 0, errShort
	}
	*b = (*b)[n:]
	return v, nil
}
