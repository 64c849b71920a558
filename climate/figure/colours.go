package figure

import (
	"image/color"
	"strings"

	"gonum.org/v1/plot/palette/brewer"

	"github.com/kiban-models/kiban/core/figure"
)

// Maps are the colours of a quantity: Sequential where it has no midpoint,
// Diverging, symmetric about zero, for differences and where it has both signs.
type Maps struct {
	Sequential, Diverging *figure.ColourMap
	Classes               bool // drawn in classes of 1, 2, 5 and their tenfolds
	Signed                bool // zero is always the midpoint, as of a component of wind
	Celsius               bool // zero is a midpoint only where a tenth is below it
}

// Colours are those of a CF standard name. Precipitation is YlGnBu in classes,
// its differences brown to green (dry to wet); humidity and clouds likewise,
// without classes; components of wind and currents are PuOr; all else is
// cividis, and RdBu reversed (blue to red) for differences.
func Colours(standard string) Maps {
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(standard, w) {
				return true
			}
		}
		return false
	}
	switch {
	case has("precipitation", "rainfall", "snowfall"):
		return Maps{Sequential: YlGnBu(), Diverging: BrBG(), Classes: true}
	case has("humidity", "water_vapor", "water_vapour", "cloud", "soil_moisture", "runoff", "evaporation"):
		return Maps{Sequential: YlGnBu(), Diverging: BrBG()}
	case has("eastward", "northward", "upward_air_velocity", "tendency_of_air_pressure", "x_wind", "y_wind"):
		return Maps{Sequential: figure.Cividis(), Diverging: PuOr(), Signed: true}
	}
	return Maps{Sequential: figure.Cividis(), Diverging: figure.Diverging()}
}

// maps are the colours of a field. Degrees Celsius have a zero that means
// little for, say, the sea, whose coldest water is barely below it.
func (f Field) maps() Maps {
	m := Colours(f.Standard)
	switch strings.ToLower(strings.NewReplacer(" ", "", "_", "", "°", "deg").Replace(f.Units)) {
	case "degc", "degreec", "degreesc", "degcelsius", "degreecelsius", "degreescelsius", "celsius", "c":
		m.Celsius = true
	}
	return m
}

// Named is a colour map by the name under which other programs know it, or nil.
func Named(name string) *figure.ColourMap {
	switch strings.ToLower(name) {
	case "rdbu_r":
		return figure.Diverging()
	case "brbg":
		return BrBG()
	case "puor":
		return PuOr()
	case "ylgnbu":
		return YlGnBu()
	case "cividis":
		return figure.Cividis()
	case "viridis":
		return figure.Viridis()
	}
	return nil
}

// Names are those that Named knows.
func Names() []string { return []string{"RdBu_r", "BrBG", "PuOr", "YlGnBu", "cividis", "viridis"} }

// BrBG runs from brown (dry) over white to blue-green (wet).
func BrBG() *figure.ColourMap { return ofBrewer(brewer.BrBG[11].Color) }

// PuOr runs from orange over white to purple.
func PuOr() *figure.ColourMap { return ofBrewer(brewer.PuOr[11].Color) }

// YlGnBu runs from pale yellow over green to dark blue.
func YlGnBu() *figure.ColourMap { return ofBrewer(brewer.YlGnBu[9].Color) }

func ofBrewer(c []color.Color) *figure.ColourMap {
	anchors := make([]color.RGBA, len(c))
	for i := range c {
		anchors[i] = color.RGBAModel.Convert(c[i]).(color.RGBA)
	}
	return figure.Interpolate(anchors)
}
