package figure

import "gonum.org/v1/plot/vg/draw"

// Drawn is a figure whose content a domain draws itself, such as a map. paint
// gets the canvas below the title and the subtitle; what it draws must follow
// from the canvas alone, since it is called for each file. size is what it was
// laid out for. header and rows are the numbers behind the picture; without a
// header there is no CSV.
func Drawn(opt Options, size Size, paint func(draw.Canvas), header []string, rows [][]string) *Figure {
	f := newFigure(opt)
	f.Size, f.paint = size, paint
	f.header, f.rows = header, rows
	return f
}
