package field

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Box is from west to east and from south to north, in degrees, its edges
// included. Any numbering of longitudes will do: 350 to 20 and -10 to 20 are
// the same box, across Greenwich.
type Box struct{ West, East, South, North float64 }

// World is all of the sphere.
var World = Box{0, 360, -90, 90}

// width is how far east reaches, 0 to 360.
func (b Box) width() float64 {
	w := b.East - b.West
	if w >= 360 {
		return 360
	}
	if w = math.Mod(w, 360); w < 0 {
		w += 360
	}
	return w
}

// Contains tells whether a point lies in the box.
func (b Box) Contains(lat, lon float64) bool {
	return lat >= b.South-tolerance && lat <= b.North+tolerance && b.hasLon(lon)
}

func (b Box) hasLon(lon float64) bool {
	d := math.Mod(lon-b.West+tolerance, 360)
	if d < 0 {
		d += 360
	}
	return d <= b.width()+2*tolerance
}

// String is the form of --region: lon1,lon2,lat1,lat2.
func (b Box) String() string {
	return fmt.Sprintf("%g,%g,%g,%g", b.West, b.East, b.South, b.North)
}

// Possible tells whether the box can be one on a globe.
func (b Box) Possible() bool { _, err := b.check(""); return err == nil }

func (b Box) check(s string) (Box, error) {
	switch {
	case !(math.Abs(b.West) <= 720 && math.Abs(b.East) <= 720):
		return b, fmt.Errorf("field: region %q: wanted longitudes in degrees", s)
	case !(b.South >= -90 && b.North <= 90):
		return b, fmt.Errorf("field: region %q: wanted latitudes within -90 and 90", s)
	case b.South > b.North:
		return b, fmt.Errorf("field: region %q: its south, %g, is north of %g; the order is lon1,lon2,lat1,lat2", s, b.South, b.North)
	}
	return b, nil
}

// parseBox reads "220,300,15,65" and "lat=15:65,lon=220:300"; ok is false for
// what looks like a name.
func parseBox(s string) (b Box, ok bool, err error) {
	parts := strings.Split(s, ",")
	if strings.Contains(s, "=") {
		b = World
		for _, p := range parts {
			key, value, _ := strings.Cut(strings.TrimSpace(p), "=")
			low, high, two := strings.Cut(value, ":")
			x, err1 := strconv.ParseFloat(strings.TrimSpace(low), 64)
			y, err2 := strconv.ParseFloat(strings.TrimSpace(high), 64)
			switch {
			case !two || err1 != nil || err2 != nil:
				return b, true, fmt.Errorf("field: region %q: %q cannot be read; wanted such as lat=15:65,lon=220:300", s, p)
			case key == "lat":
				b.South, b.North = x, y
			case key == "lon":
				b.West, b.East = x, y
			default:
				return b, true, fmt.Errorf("field: region %q: %q is unknown; wanted lat= and lon=", s, key)
			}
		}
		b, err = b.check(s)
		return b, true, err
	}
	var x [4]float64
	for i, p := range parts {
		v, err := strconv.ParseFloat(strings.TrimSpace(p), 64)
		if err != nil && i == 0 && len(parts) == 1 {
			return b, false, nil
		}
		if err != nil || i >= 4 || len(parts) != 4 {
			return b, true, fmt.Errorf("field: region %q cannot be read; wanted lon1,lon2,lat1,lat2 such as 220,300,15,65", s)
		}
		x[i] = v
	}
	b, err = Box{x[0], x[1], x[2], x[3]}.check(s)
	return b, true, err
}
