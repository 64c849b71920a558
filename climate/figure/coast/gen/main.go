// Command gen makes ../coast.bin from land-110m.json of world-atlas, a
// TopoJSON file (https://github.com/topojson/topojson-specification).
//
//	go run ./gen land-110m.json coast.bin
package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"

	"github.com/kiban-models/kiban/climate/figure/coast"
)

type topology struct {
	Transform struct{ Scale, Translate [2]float64 }
	Arcs      [][][2]int64 // each point but the first is a step from the one before
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: gen land-110m.json coast.bin")
		os.Exit(2)
	}
	if err := convert(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func convert(in, out string) error {
	text, err := os.ReadFile(in)
	if err != nil {
		return err
	}
	var t topology
	if err := json.Unmarshal(text, &t); err != nil {
		return fmt.Errorf("%s: %w", in, err)
	}
	var lines [][][2]int64
	for _, arc := range t.Arcs {
		lines = append(lines, t.line(arc)...)
	}
	b := binary.AppendUvarint(nil, uint64(len(lines)))
	var last [2]int64
	for _, l := range lines {
		b = binary.AppendUvarint(b, uint64(len(l)))
		for _, p := range l {
			b = binary.AppendVarint(b, p[0]-last[0])
			b = binary.AppendVarint(b, p[1]-last[1])
			last = p
		}
	}
	return os.WriteFile(out, b, 0o644)
}

// line is an arc in units of the file, without the edges along the date line
// where the source cuts land in two. Longitudes run on across that line.
func (t topology) line(arc [][2]int64) [][][2]int64 {
	var out [][][2]int64
	var cur [][2]int64
	var x, y int64
	var last [2]float64
	turn := 0.0
	for i, p := range arc {
		x, y = x+p[0], y+p[1]
		at := [2]float64{float64(x)*t.Transform.Scale[0] + t.Transform.Translate[0], float64(y)*t.Transform.Scale[1] + t.Transform.Translate[1]}
		if i > 0 {
			turn -= 360 * math.Round((at[0]-last[0])/360)
			if onDateLine(at[0]) && onDateLine(last[0]) {
				out, cur = append(out, cur), nil
			}
		}
		last = at
		q := [2]int64{int64(math.Round((at[0] + turn) / coast.Unit)), int64(math.Round(at[1] / coast.Unit))}
		if len(cur) == 0 || cur[len(cur)-1] != q {
			cur = append(cur, q)
		}
	}
	out = append(out, cur)
	kept := out[:0]
	for _, l := range out {
		if len(l) > 1 {
			kept = append(kept, l)
		}
	}
	return kept
}

func onDateLine(lon float64) bool { return math.Abs(math.Abs(lon)-180) < 1e-6 }
