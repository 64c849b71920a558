package regrid

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/kiban-models/kiban/climate/field"
)

// ParseTarget reads a global grid: a spacing in degrees such as 5.625, 2.8125 or
// 1.40625, those of ClimaX and WeatherBench, or rows x columns, 32x64 being the
// first of them.
//
// Rows are cell centres from -90+d/2 to the north, columns are from 0 to the
// east, as in the files of both. Twice as many columns as there are steps
// between an odd number of rows, as in 121x240 or 721x1440, means that the first
// and the last row are the poles (WeatherBench 2 writes 240x121 and ERA5 has
// that at 0.25 degrees).
func ParseTarget(s string) (*field.Grid, error) {
	rows, columns, err := targetSize(strings.TrimSpace(s))
	if err != nil {
		return nil, err
	}
	lat, lon := make([]float64, rows), make([]float64, columns)
	d, first := 180/float64(rows), -90+90/float64(rows)
	if withPoles(rows, columns) {
		d, first = 180/float64(rows-1), -90
	}
	for i := range lat {
		lat[i] = first + float64(i)*d
	}
	for i := range lon {
		lon[i] = float64(i) * 360 / float64(columns)
	}
	return field.NewGrid(lat, lon, nil, nil)
}

func withPoles(rows, columns int) bool { return rows%2 == 1 && rows > 1 && columns == 2*(rows-1) }

func targetSize(s string) (rows, columns int, err error) {
	if a, b, ok := strings.Cut(s, "x"); ok {
		rows, err1 := strconv.Atoi(a)
		columns, err2 := strconv.Atoi(b)
		switch {
		case err1 != nil || err2 != nil || rows < 2 || columns < 2:
			return 0, 0, fmt.Errorf("regrid: grid %q cannot be read; wanted rows x columns such as 32x64, or degrees such as 5.625", s)
		case rows > columns:
			return 0, 0, fmt.Errorf("regrid: grid %q has more rows than columns; the order is latitudes x longitudes: %dx%d", s, columns, rows)
		case rows > 1<<15 || columns > 1<<16:
			return 0, 0, fmt.Errorf("regrid: grid %q is too fine; wanted at most 32768x65536", s)
		}
		return rows, columns, nil
	}
	d, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSuffix(s, "°"), "deg")), 64)
	if err != nil {
		return 0, 0, fmt.Errorf("regrid: grid %q cannot be read; wanted degrees such as 5.625, or rows x columns such as 32x64", s)
	}
	n := math.Round(180 / d)
	if !(d >= 0.01 && d <= 90) || math.Abs(n*d-180) > 1e-6*n {
		return 0, 0, fmt.Errorf("regrid: a grid of %g degrees does not divide 180; wanted such as 5.625, 2.5, 1.40625, 1 or 0.25, at least 0.01", d)
	}
	return int(n), 2 * int(n), nil
}
