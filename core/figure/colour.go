package figure

import (
	"encoding/hex"
	"image/color"
	"math"
)

// Okabe-Ito colours. The first four have enough contrast for lines on white
// (3:1 or better); the later ones serve for fills or lines with a second sign.
var okabeIto = []color.RGBA{
	{0x00, 0x72, 0xB2, 0xFF}, // blue
	{0xD5, 0x5E, 0x00, 0xFF}, // vermilion
	{0x00, 0x9E, 0x73, 0xFF}, // green
	{0xCC, 0x79, 0xA7, 0xFF}, // purple
	{0xE6, 0x9F, 0x00, 0xFF}, // orange
	{0x56, 0xB4, 0xE9, 0xFF}, // sky
	{0x00, 0x00, 0x00, 0xFF}, // black
	{0xF0, 0xE4, 0x42, 0xFF}, // yellow: fills only
}

var baselineGrey = color.RGBA{0x76, 0x76, 0x76, 0xFF}

// Colour is the i-th category colour, i from 0; it repeats after eight.
func Colour(i int) color.RGBA { return okabeIto[((i%len(okabeIto))+len(okabeIto))%len(okabeIto)] }

// ColourMap is a scale of 256 colours from the lowest value to the highest.
type ColourMap [256]color.RGBA

// At is the colour of t in [0, 1]; values outside are clamped.
func (m *ColourMap) At(t float64) color.RGBA {
	if !(t > 0) { // also NaN
		return m[0]
	}
	return m[int(math.Min(t, 1)*255+0.5)]
}

// Viridis is the perceptually uniform map of van der Walt and Smith (CC0).
func Viridis() *ColourMap { return fromTable(viridisTable) }

// Cividis is viridis optimised for colour-vision deficiency (Nuñez et al. 2018).
func Cividis() *ColourMap { return fromTable(cividisTable) }

// Diverging runs from blue (low) over near-white to red (high): ColorBrewer
// RdBu reversed, interpolated in CIE Lab. Use it only with limits symmetric
// about zero.
func Diverging() *ColourMap {
	return Interpolate(fromHex("053061" + "2166ac" + "4393c3" + "92c5de" + "d1e5f0" + "f7f7f7" +
		"fddbc7" + "f4a582" + "d6604d" + "b2182b" + "67001f"))
}

// Interpolate is the scale through the given colours, two or more at equal
// distances, in CIE Lab: steps that look alike are alike.
func Interpolate(anchors []color.RGBA) *ColourMap {
	var m ColourMap
	for i := range m {
		t := float64(i) / 255 * float64(len(anchors)-1)
		k := min(int(t), len(anchors)-2)
		a, b := toLab(anchors[k]), toLab(anchors[k+1])
		f := t - float64(k)
		var c [3]float64
		for j := range c {
			c[j] = a[j] + f*(b[j]-a[j])
		}
		m[i] = fromLab(c)
	}
	return &m
}

func fromTable(s string) *ColourMap {
	var m ColourMap
	copy(m[:], fromHex(s))
	return &m
}

func fromHex(s string) []color.RGBA {
	b, _ := hex.DecodeString(s) // constants of this file; a test covers every one
	out := make([]color.RGBA, len(b)/3)
	for i := range out {
		out[i] = color.RGBA{b[3*i], b[3*i+1], b[3*i+2], 0xFF}
	}
	return out
}

// The white point of D65.
const whiteX, whiteZ = 0.95047, 1.08883

func toLab(c color.RGBA) [3]float64 {
	lin := func(v uint8) float64 {
		s := float64(v) / 255
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	r, g, b := lin(c.R), lin(c.G), lin(c.B)
	f := func(t float64) float64 {
		if t > 216.0/24389 {
			return math.Cbrt(t)
		}
		return (24389.0/27*t + 16) / 116
	}
	x := f((0.4124564*r + 0.3575761*g + 0.1804375*b) / whiteX)
	y := f(0.2126729*r + 0.7151522*g + 0.0721750*b)
	z := f((0.0193339*r + 0.1191920*g + 0.9503041*b) / whiteZ)
	return [3]float64{116*y - 16, 500 * (x - y), 200 * (y - z)}
}

func fromLab(lab [3]float64) color.RGBA {
	fy := (lab[0] + 16) / 116
	fx, fz := fy+lab[1]/500, fy-lab[2]/200
	inv := func(t float64) float64 {
		if t*t*t > 216.0/24389 {
			return t * t * t
		}
		return (116*t - 16) * 27 / 24389
	}
	x, y, z := inv(fx)*whiteX, inv(fy), inv(fz)*whiteZ
	gam := func(v float64) uint8 {
		if v <= 0.0031308 {
			v *= 12.92
		} else {
			v = 1.055*math.Pow(v, 1/2.4) - 0.055
		}
		return uint8(math.Round(255 * math.Max(0, math.Min(1, v))))
	}
	return color.RGBA{
		gam(3.2404542*x - 1.5371385*y - 0.4985314*z),
		gam(-0.9692660*x + 1.8760108*y + 0.0415560*z),
		gam(0.0556434*x - 0.2040259*y + 1.0572252*z), 0xFF}
}
