package figure

import (
	"fmt"
	"math"
)

// Box is a region in degrees. It reaches from West to the east until East, so
// that 350 to 20 crosses Greenwich; longitudes may be -180 to 180 or 0 to 360.
type Box struct{ West, East, South, North float64 }

// globe reports whether a box goes all the way around.
func (b Box) globe() bool { return b.East-b.West > 360-1e-6 }

// check brings East behind West.
func (b Box) check() (Box, error) {
	for _, v := range []float64{b.West, b.East, b.South, b.North} {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return b, fmt.Errorf("climate figure: box %+v, wanted numbers", b)
		}
	}
	if !(b.South < b.North) || b.South < -90 || b.North > 90 {
		return b, fmt.Errorf("climate figure: box from %v to %v degrees north, wanted south before north and both within -90 to 90", b.South, b.North)
	}
	if math.Abs(b.West) > 360 || math.Abs(b.East) > 720 {
		return b, fmt.Errorf("climate figure: box from %v to %v degrees east, wanted -180 to 180 or 0 to 360", b.West, b.East)
	}
	if b.East-b.West > 360 {
		b.East = b.West + 360
	}
	for b.East <= b.West {
		b.East += 360
	}
	return b, nil
}

// String is a box as people write it, "15°N to 65°N, 140°W to 60°W".
func (b Box) String() string {
	return fmt.Sprintf("%s to %s, %s to %s", degrees(b.South, "N", "S"), degrees(b.North, "N", "S"), meridianName(b.West), meridianName(b.East))
}
