package netcdf

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// packing is how the values of a variable are stored.
type packing struct {
	wrap          float64   // 2^bits when signed integers stand for unsigned ones, else 0
	missing       []float64 // before unpacking
	low, high     float64   // valid range before unpacking
	scale, offset float64
	packed        bool
}

// defaultFill is what the library writes where nothing was written.
var defaultFill = map[string]float64{
	"short": -32767, "ushort": 65535, "int": -2147483647, "uint": 4294967295,
	"int64": -9223372036854775806, "uint64": 18446744073709551614,
	"float": 9.9692099683868690e+36, "double": 9.9692099683868690e+36,
}

func packingOf(v Variable) (packing, error) {
	p := packing{low: math.Inf(-1), high: math.Inf(1), scale: 1}
	if strings.EqualFold(v.text("_Unsigned"), "true") {
		switch v.Type {
		case "byte", "short", "int":
			p.wrap = math.Ldexp(1, 8*typeBytes[v.Type])
		}
	}
	for _, name := range []string{"scale_factor", "add_offset"} {
		a, ok := v.Attribute(name)
		if !ok {
			continue
		}
		x, ok := a.float64()
		if !ok || math.IsNaN(x) || math.IsInf(x, 0) || name == "scale_factor" && x == 0 {
			return p, fmt.Errorf("attribute %s is %s, wanted one finite number", name, a)
		}
		if p.packed = true; name == "scale_factor" {
			p.scale = x
		} else {
			p.offset = x
		}
	}
	for _, name := range []string{"_FillValue", "missing_value"} {
		if a, ok := v.Attribute(name); ok {
			values, _ := a.Float64s()
			for _, x := range values {
				p.missing = append(p.missing, p.stored(x, v.Type))
			}
		}
	}
	if _, ok := v.Attribute("_FillValue"); !ok {
		if x, ok := defaultFill[v.Type]; ok {
			p.missing = append(p.missing, p.stored(x, v.Type))
		}
	}
	if a, ok := v.Attribute("valid_range"); ok {
		if x, _ := a.Float64s(); len(x) == 2 {
			p.low, p.high = p.stored(x[0], v.Type), p.stored(x[1], v.Type)
		}
	}
	if a, ok := v.Attribute("valid_min"); ok {
		if x, ok := a.float64(); ok {
			p.low = p.stored(x, v.Type)
		}
	}
	if a, ok := v.Attribute("valid_max"); ok {
		if x, ok := a.float64(); ok {
			p.high = p.stored(x, v.Type)
		}
	}
	return p, nil
}

// stored is a value of an attribute as the values of the variable read: in a
// float variable 1e20 is the float nearest to it.
func (p packing) stored(x float64, kind string) float64 {
	if kind == "float" {
		x = float64(float32(x))
	}
	if p.wrap != 0 && x < 0 {
		x += p.wrap
	}
	return x
}

// mask turns missing values of a float variable into NaN, in place.
func (p packing) mask(values []float32) {
	low, high := float32(p.low), float32(p.high) // floats already, or infinite
	missing := make([]float32, len(p.missing))
	for i, x := range p.missing {
		missing[i] = float32(x)
	}
	nan := float32(math.NaN())
	// One value stands for missing ones, mostly, or two.
	a, b := nan, nan
	if len(missing) > 0 {
		a, b, missing = missing[0], missing[len(missing)-1], missing[1:]
	}
	if math.IsInf(p.low, -1) && math.IsInf(p.high, 1) && len(missing) <= 1 { // as in most files
		for i, x := range values {
			if x == a || x == b {
				values[i] = nan
			}
		}
		return
	}
	for i, x := range values {
		if x == a || x == b || x < low || x > high || len(missing) > 1 && slices.Contains(missing, x) {
			values[i] = nan
		}
	}
}
