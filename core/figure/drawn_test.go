package figure

import (
	"bytes"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"gonum.org/v1/plot/vg/draw"
)

func TestDrawn(t *testing.T) {
	painted := 0
	paint := func(c draw.Canvas) {
		painted++
		c.SetColor(color.RGBA{0xFF, 0, 0, 0xFF})
		c.Fill(c.Rectangle.Path())
	}
	f := Drawn(Options{Title: "Red"}, Size{60, 30}, paint, nil, nil)
	b, err := f.PNGWide(f.Size, 1200)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if s := img.Bounds().Size(); s.X != 1200 || s.Y != 600 {
		t.Errorf("the picture has %v pixels, wanted 1200 x 600", s)
	}
	if r, g, _, _ := img.At(600, 400).RGBA(); r != 0xFFFF || g != 0 {
		t.Error("the middle is not painted")
	}
	if r, g, _, _ := img.At(600, 10).RGBA(); r != g {
		t.Error("the headline is painted over")
	}
	if _, err := f.PNGWide(f.Size, 0); err == nil {
		t.Error("a picture without pixels was made")
	}
	if _, err := f.CSV(); err == nil {
		t.Error("there is a CSV of a figure without a table")
	}
	names, err := SaveWide(f, filepath.Join(t.TempDir(), "red"), f.Size, 300)
	if err != nil || len(names) != 2 {
		t.Fatalf("%v were written, %v; wanted SVG and PNG", names, err)
	}
	for _, n := range names {
		if _, err := os.Stat(n); err != nil {
			t.Error(err)
		}
	}
	if painted != 3 {
		t.Errorf("painted %d times, wanted once a file", painted)
	}
}

func TestInterpolate(t *testing.T) {
	a := []color.RGBA{{0, 0, 0, 255}, {255, 0, 0, 255}, {255, 255, 255, 255}}
	m := Interpolate(a)
	if m[0] != a[0] || m[255] != a[2] {
		t.Errorf("the scale ends with %v and %v, wanted %v and %v", m[0], m[255], a[0], a[2])
	}
	for i := 1; i < 256; i++ {
		if toLab(m[i])[0] < toLab(m[i-1])[0]-0.5 {
			t.Errorf("colour %d is darker than the one before", i)
		}
	}
}

// A browser keeps the shape of an image unless it is told not to: the bar of a
// heat map, one column of pixels, would vanish.
func TestImagesFill(t *testing.T) {
	f, err := HeatMap(Grid{Values: [][]float64{{1, 2}}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	svg, err := f.SVG(Single)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(svg, []byte("<image ")); n != 2 || bytes.Count(svg, []byte(`preserveAspectRatio="none"`)) != n {
		t.Errorf("of %d images not all fill their rectangle", n)
	}
}
