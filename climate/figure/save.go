package figure

import "github.com/kiban-models/kiban/core/figure"

// Pixels is how wide the PNG of a figure is.
const Pixels = 1200

// Save writes path.svg, path.png (1200 pixels wide) and path.csv in the size
// that the figure was laid out for. It returns their names. There is no CSV of
// maps with more than 100,000 cells.
func Save(f *figure.Figure, path string) ([]string, error) {
	return figure.SaveWide(f, path, Size(f), Pixels)
}

// Size is what a figure was laid out for, or a page's width.
func Size(f *figure.Figure) figure.Size {
	if f.Size != (figure.Size{}) {
		return f.Size
	}
	return figure.Double
}
