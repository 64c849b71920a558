package coast

import (
	"math"
	"testing"
)

func TestLines(t *testing.T) {
	points := 0
	for i, l := range Lines() {
		points += len(l)
		if len(l) < 2 {
			t.Errorf("line %d has %d points", i, len(l))
		}
		for j, p := range l {
			if math.Abs(p.Lat) > 90 || math.Abs(p.Lon) > 540 {
				t.Errorf("line %d has the point %v", i, p)
			}
			if j > 0 && math.Abs(p.Lon-l[j-1].Lon) > 10 && p.Lat > -84 {
				t.Errorf("line %d runs from %v to %v", i, l[j-1], p)
			}
		}
	}
	if points < 4000 || len(Lines()) < 100 {
		t.Errorf("%d points in %d lines: that is not the world", points, len(Lines()))
	}
}

// Capes and ends of land whose places are known.
func TestPlaces(t *testing.T) {
	for name, at := range map[string]Point{
		"Cape Agulhas":   {-34.8, 20.0},
		"Land's End":     {50.1, -5.7},
		"Cape Comorin":   {8.1, 77.5},
		"Cape York":      {-10.7, 142.5},
		"Cape Dezhnev":   {66.1, -169.7},
		"Key Largo area": {25.2, -80.5},
	} {
		nearest := math.Inf(1)
		for _, l := range Lines() {
			for _, p := range l {
				dlon := math.Remainder(p.Lon-at.Lon, 360) * math.Cos(at.Lat*math.Pi/180)
				nearest = math.Min(nearest, math.Hypot(p.Lat-at.Lat, dlon))
			}
		}
		if nearest > 0.6 {
			t.Errorf("%s: the nearest coast is %.2f degrees away", name, nearest)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, n := range []int{0, 1, len(file) / 2, len(file) - 1} {
		if _, err := decode(file[:n]); err == nil {
			t.Errorf("%d of %d bytes were read as whole", n, len(file))
		}
	}
	if _, err := decode(append(append([]byte{}, file...), 0)); err == nil {
		t.Error("a byte too many was read")
	}
}
