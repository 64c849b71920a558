package regrid

import (
	"fmt"
	"math"
)

// bilinear does as xESMF does at the poles (ESMF's pole method ALLAVG): where a
// source that closes the circle has no row at a pole but its cells reach it, the
// pole is a point with the mean of the last row, and targets beyond that row lie
// between it and the pole. So scalars are smooth there; the components of a wind
// have no value at a pole, and their mean is only small.
//
// Other targets beyond the outermost centres are not reached: nothing is
// extrapolated.
func (w *Weights) bilinear() error {
	lat, row := south(w.Source)
	toSouth, toNorth := closed(w.Source)
	const southPole, northPole = -1, -2
	if toSouth && lat[0] > -90+grain {
		lat, row = append([]float64{-90}, lat...), append([]int{southPole}, row...)
	}
	if toNorth && lat[len(lat)-1] < 90-grain {
		lat, row = append(lat, 90), append(row, northPole)
	}
	n := len(w.Source.Lon)
	put := func(r int, c column, share float64) {
		switch row[r] {
		case southPole, northPole:
			last := row[1]
			if row[r] == northPole {
				last = row[r-1]
			}
			for i := range n {
				w.add(last*n+i, share/float64(n))
			}
		default:
			w.add(row[r]*n+c.a, share*(1-c.t))
			w.add(row[r]*n+c.b, share*c.t)
		}
	}
	cols := columns(w.Source, w.Target.Lon)
	for _, y := range w.Target.Lat {
		i, t, ok := between(lat, y)
		for _, c := range cols {
			r, u, found := i, t, ok && c.ok
			if found && w.Method == Chord && len(lat) > 1 && c.width > 0 {
				if c.width >= 180 {
					return fmt.Errorf("regrid: source longitudes are %g degrees apart; wanted less than 180 with the method %s", c.width, Chord)
				}
				c.t, r, u, found = chord(lat, y, i, c)
			}
			if found {
				put(r, c, 1-u)
				if u > 0 {
					put(r+1, c, u)
				}
			}
			if err := w.next(); err != nil {
				return err
			}
		}
	}
	return nil
}

// chord finds the ray from the centre of the sphere to a target in the flat
// quadrilateral of four centres: s of the way along both of its parallels, t of
// the way from the southern to the northern, after r rows. Chords of a parallel
// bulge poleward of it, so the quadrilateral may be a neighbour of row i's.
//
// With longitudes counted from the middle of two columns 2h apart, a point of
// the quadrilateral is (C cos h, C sin h (2s-1), S), where C and S are linear in
// t between cosines and sines of the two latitudes. The ray to latitude y and
// longitude l is (cos y cos l, cos y sin l, sin y).
func chord(lat []float64, y float64, i int, c column) (s float64, r int, t float64, ok bool) {
	const rad = math.Pi / 180
	h := c.width / 2 * rad
	l := (2*c.t - 1) * h
	s = min(1, max(0, 0.5+0.5*math.Tan(l)/math.Tan(h)))
	q := math.Tan(y*rad) * math.Cos(h) / math.Cos(l)
	if math.Abs(y) > 90-1e-9 {
		if end := lat[i+1]; math.Abs(end) < 90-grain && math.Abs(lat[i]) < 90-grain {
			return 0, 0, 0, false
		}
		if y > 0 {
			return s, i, 1, true
		}
		return s, i, 0, true
	}
	const rounding = 1e-9
	for r = i; r >= 0 && r+1 < len(lat); {
		s0, c0 := math.Sincos(lat[r] * rad)
		s1, c1 := math.Sincos(lat[r+1] * rad)
		t = (q*c0 - s0) / (s1 - s0 - q*(c1-c0))
		switch {
		case t < -rounding:
			if r > i {
				return s, r, 0, true // rounding: between two, on neither
			}
			r--
		case t > 1+rounding:
			if r < i {
				return s, r, 1, true
			}
			r++
		default:
			return s, r, min(1, max(0, t)), true
		}
	}
	return 0, 0, 0, false
}
