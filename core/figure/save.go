package figure

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"image"
	"math"
	"os"
	"path/filepath"

	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

const dpi = 300

// SVG is the figure as an SVG document. Fonts are named, with fallbacks, and
// not embedded, so that the text stays editable.
func (f *Figure) SVG(s Size) ([]byte, error) {
	if !(s.Width > 0 && s.Height > 0) {
		return nil, errNoSize
	}
	w, h := s.lengths()
	c := vgsvg.New(w, h)
	f.draw(draw.New(c))
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("figure: svg: %w", err)
	}
	out := bytes.ReplaceAll(b.Bytes(), []byte("font-family:Liberation Sans;"),
		[]byte("font-family:'Liberation Sans',Arial,Helvetica,sans-serif;"))
	// An image fills its rectangle, as it does in the PNG: a colour bar is one
	// row of pixels.
	out = bytes.ReplaceAll(out, []byte("<image "), []byte(`<image preserveAspectRatio="none" `))
	// The images inside are PNG; strict viewers believe the label.
	return bytes.ReplaceAll(out, []byte("data:image/jpg;"), []byte("data:image/png;")), nil
}

// PNG is the figure as an image of 300 dots per inch.
func (f *Figure) PNG(s Size) ([]byte, error) { return f.png(s, dpi) }

func (f *Figure) png(s Size, dpi int) ([]byte, error) {
	if !(s.Width > 0 && s.Height > 0) {
		return nil, errNoSize
	}
	w, h := s.lengths()
	return f.encode(vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(w, h), vgimg.UseDPI(dpi))})
}

func (f *Figure) encode(c vgimg.PngCanvas) ([]byte, error) {
	f.draw(draw.New(c))
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("figure: png: %w", err)
	}
	return b.Bytes(), nil
}

// PNGWide is the figure as an image of so many pixels across, for pages.
func (f *Figure) PNGWide(s Size, pixels int) ([]byte, error) {
	if !(s.Width > 0 && s.Height > 0) || pixels < 1 {
		return nil, errNoSize
	}
	// The canvas knows whole dots per inch only; what that leaves over, under
	// half a percent, is made up for by the layout.
	img := image.NewRGBA(image.Rect(0, 0, pixels, int(math.Round(float64(pixels)*s.Height/s.Width))))
	c := vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseImage(img), vgimg.UseDPI(max(1, int(math.Round(float64(pixels)*25.4/s.Width)))))}
	return f.encode(c)
}

// CSV is the data behind the figure: one header row, numbers unrounded.
func (f *Figure) CSV() ([]byte, error) {
	if f.header == nil {
		return nil, errNoTable
	}
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	if err := w.Write(f.header); err != nil {
		return nil, fmt.Errorf("figure: csv: %w", err)
	}
	if err := w.WriteAll(f.rows); err != nil {
		return nil, fmt.Errorf("figure: csv: %w", err)
	}
	return b.Bytes(), nil
}

var errNoTable = errors.New("figure: csv: this figure has no table; its numbers are in the file that it was drawn from")

// Save writes path.svg, path.png and, for a figure with a table, path.csv,
// making the folder if it is missing. Each file appears whole or not at all. It returns their names.
func Save(f *Figure, path string, s Size) ([]string, error) {
	return save(f, path, s, func() ([]byte, error) { return f.PNG(s) })
}

// SaveWide is Save with a PNG of so many pixels across.
func SaveWide(f *Figure, path string, s Size, pixels int) ([]string, error) {
	return save(f, path, s, func() ([]byte, error) { return f.PNGWide(s, pixels) })
}

func save(f *Figure, path string, s Size, draw func() ([]byte, error)) ([]string, error) {
	svg, err := f.SVG(s)
	if err != nil {
		return nil, err
	}
	png, err := draw()
	if err != nil {
		return nil, err
	}
	data, err := f.CSV()
	if err != nil && !errors.Is(err, errNoTable) {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return nil, fmt.Errorf("figure: save: %w", err)
	}
	var names []string
	for _, x := range []struct {
		ext  string
		data []byte
	}{{".svg", svg}, {".png", png}, {".csv", data}} {
		if x.data == nil {
			continue
		}
		if err := writeWhole(path+x.ext, x.data); err != nil {
			return names, err
		}
		names = append(names, path+x.ext)
	}
	return names, nil
}

func writeWhole(path string, data []byte) (err error) {
	t, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return fmt.Errorf("figure: save: %w", err)
	}
	defer func() {
		if err != nil {
			t.Close()
			os.Remove(t.Name())
			err = fmt.Errorf("figure: save: %w", err)
		}
	}()
	if _, err = t.Write(data); err != nil {
		return err
	}
	if err = t.Chmod(0o644); err != nil {
		return err
	}
	if err = t.Sync(); err != nil {
		return err
	}
	if err = t.Close(); err != nil {
		return err
	}
	return os.Rename(t.Name(), path)
}
