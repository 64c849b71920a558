package figure

import (
	"errors"
	"math"
)

// view is how a box is laid on a rectangle: places of the map run from (0, 0),
// south-west, to (1, 1).
type view struct {
	box      Box
	robinson bool
}

func newView(c cells, opt Options) (view, error) {
	box := c.extent()
	if opt.Box != nil {
		var err error
		if box, err = opt.Box.check(); err != nil {
			return view{}, err
		}
	}
	if math.IsNaN(opt.Centre) || math.Abs(opt.Centre) > 360 {
		return view{}, errors.New("climate figure: centre of the map is no longitude, wanted -180 to 360")
	}
	if box.globe() {
		box.West = opt.Centre - 180
		box.East = opt.Centre + 180
	}
	if opt.Robinson {
		if !box.globe() {
			return view{}, errors.New("climate figure: the Robinson projection shows the globe, and these fields are of a region; leave it out")
		}
		box.South, box.North = -90, 90
	}
	return view{box, opt.Robinson}, nil
}

// aspect is the width over the height. A region in plate carrée is true to
// scale along its middle latitude; a strip that would be too thin to be seen is
// stretched.
func (v view) aspect() float64 {
	if v.robinson {
		return math.Pi * robinsonX / robinsonY // 2π R X wide, 2 R Y high
	}
	width, height := v.box.East-v.box.West, v.box.North-v.box.South
	if !v.box.globe() {
		width *= math.Cos((v.box.North + v.box.South) / 2 * math.Pi / 180)
	}
	return math.Max(0.4, math.Min(width/height, 5))
}

// forward is where a place lies; its longitude is within the box, or a whole
// number of turns was not taken off.
func (v view) forward(lat, lon float64) (x, y float64) {
	if !v.robinson {
		return (lon - v.box.West) / (v.box.East - v.box.West), (lat - v.box.South) / (v.box.North - v.box.South)
	}
	px, py := robinson(math.Abs(lat))
	mid := (v.box.West + v.box.East) / 2
	return 0.5 + px*(lon-mid)/360, 0.5 + math.Copysign(py, lat)/2
}

// lat is the latitude of a height of the map.
func (v view) lat(y float64) float64 {
	if !v.robinson {
		return v.box.South + y*(v.box.North-v.box.South)
	}
	want := math.Abs(2*y - 1)
	lo, hi := 0.0, 90.0
	for range 40 {
		mid := (lo + hi) / 2
		if _, py := robinson(mid); py < want {
			lo = mid
		} else {
			hi = mid
		}
	}
	return math.Copysign((lo+hi)/2, 2*y-1)
}

// lon is the longitude of a place x at a latitude; ok is false beside the map.
func (v view) lon(lat, x float64) (lon float64, ok bool) {
	if !v.robinson {
		return v.box.West + x*(v.box.East-v.box.West), true
	}
	px, _ := robinson(math.Abs(lat))
	d := (x - 0.5) * 360 / px
	return (v.box.West+v.box.East)/2 + d, math.Abs(d) <= 180
}

// Robinson's projection: lengths of parallels and their distances from the
// equator, every 5 degrees (Robinson 1974; the table as in Snyder and Voxland,
// An Album of Map Projections, USGS 1989).
const robinsonX, robinsonY = 0.8487, 1.3523

var robinsonTable = [19][2]float64{
	{1.0000, 0.0000}, {0.9986, 0.0620}, {0.9954, 0.1240}, {0.9900, 0.1860}, {0.9822, 0.2480},
	{0.9730, 0.3100}, {0.9600, 0.3720}, {0.9427, 0.4340}, {0.9216, 0.4958}, {0.8962, 0.5571},
	{0.8679, 0.6176}, {0.8350, 0.6769}, {0.7986, 0.7346}, {0.7597, 0.7903}, {0.7186, 0.8435},
	{0.6732, 0.8936}, {0.6213, 0.9394}, {0.5722, 0.9761}, {0.5322, 1.0000},
}

// robinson is the length of a parallel and its distance from the equator, both
// as shares of the largest, for a latitude of 0 to 90. Between the rows of the
// table it is a cubic through four of them.
func robinson(lat float64) (x, y float64) {
	t := math.Min(lat, 90) / 5
	k := min(int(t), 17)
	f := t - float64(k)
	row := func(i, j int) float64 {
		switch {
		case i < 0 && j == 0:
			return robinsonTable[-i][0]
		case i < 0:
			return -robinsonTable[-i][1]
		case i > 18:
			return 2*robinsonTable[18][j] - robinsonTable[17][j]
		}
		return robinsonTable[i][j]
	}
	cubic := func(j int) float64 {
		a, b, c, d := row(k-1, j), row(k, j), row(k+1, j), row(k+2, j)
		return b + f/2*(c-a+f*(2*a-5*b+4*c-d+f*(3*(b-c)+d-a)))
	}
	return cubic(0), cubic(1)
}
