package figure

import (
	"fmt"
	"math"

	"github.com/kiban-models/kiban/core/figure"
)

// Options are what maps have in common. Zero values are fine.
type Options struct {
	Title, Subtitle string

	Box      *Box    // what to show; nil: what the fields cover
	Centre   float64 // longitude in the middle of a map of the globe
	Robinson bool    // a globe in Robinson's projection; otherwise plate carrée

	Robust  bool              // limits from the 2nd to the 98th percentile
	Limits  [2]float64        // lowest and highest of the scale; both 0: of the values; NaN for either: of the values
	Levels  []float64         // borders of classes, ascending; nil: by the quantity
	Map     *figure.ColourMap // nil: by the quantity
	Anomaly bool              // the fields are differences: a scale symmetric about 0
	Bias    float64           // ends of the scale of a panel of differences; 0: by its values
}

func (o Options) check() error {
	for _, v := range o.Limits {
		if math.IsInf(v, 0) {
			return fmt.Errorf("climate figure: limits %v, wanted numbers", o.Limits)
		}
	}
	if o.Limits != [2]float64{} && o.Limits[0] >= o.Limits[1] {
		return fmt.Errorf("climate figure: limits %v, wanted the lower first", o.Limits)
	}
	if !(o.Bias >= 0) || math.IsInf(o.Bias, 0) {
		return fmt.Errorf("climate figure: scale of differences to %v, wanted a positive number or 0", o.Bias)
	}
	if n := len(o.Levels); n == 1 {
		return fmt.Errorf("climate figure: one level, wanted two or more")
	}
	for i, v := range o.Levels {
		if math.IsNaN(v) || math.IsInf(v, 0) || i > 0 && v <= o.Levels[i-1] {
			return fmt.Errorf("climate figure: levels %v, wanted numbers that rise", o.Levels)
		}
	}
	return nil
}

func (o Options) limited() bool { return o.Limits != [2]float64{} }
