package main

import (
	"image/color"
	"io"
	"math"
	"path/filepath"

	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/figure"
)

// growthFigure is a picture of a part: a line a curve, and in grey what it
// would be.
type growthFigure struct {
	file, part string
	options    figure.Options
	reference  string // the name of the grey lines
	y          func(p growthPoint) float64
	expected   func(g *growth, first, p growthPoint) float64
}

var growthFigures = []growthFigure{
	{
		file: "growth_length", part: byLength, reference: "as counted",
		options: figure.Options{Title: "Time a token by the length of rows", Subtitle: "25M weights, 4,096 tokens at once; grey: as arithmetic grows from the shortest",
			XLabel: "Length (tokens)", YLabel: "Time a token (ms)", LogX: true, LogY: true},
		y: growthPoint.milliseconds,
		expected: func(g *growth, first, p growthPoint) float64 {
			return first.milliseconds() * p.Measured.Need / first.Measured.Need
		},
	}, {
		file: "growth_attention", part: byLength, reference: "as counted",
		options: figure.Options{Title: "Attention's share of the time", Subtitle: "25M weights, 4,096 tokens at once; grey: its share of arithmetic",
			XLabel: "Length (tokens)", YLabel: "Share (%)", LogX: true, YFromZero: true},
		y:        func(p growthPoint) float64 { return 100 * p.Measured.Attention },
		expected: func(g *growth, _, p growthPoint) float64 { return 100 * p.attention() },
	}, {
		file: "growth_place", part: byPlace, reference: "limit",
		options: figure.Options{Title: "Time a token by its place", Subtitle: "one sequence of a 124M model; grey: reading of weights and cache",
			XLabel: "Place in the sequence (tokens)", YLabel: "Time a token (ms)", YFromZero: true},
		y:        growthPoint.milliseconds,
		expected: atLimit,
	}, {
		file: "growth_batch", part: byBatch, reference: "linear",
		options: figure.Options{Title: "Tokens a second by the batch", Subtitle: "decoding at place 64, training of rows of 128 tokens",
			XLabel: "Sequences at once", YLabel: "Tokens a second", LogX: true, LogY: true},
		y: func(p growthPoint) float64 { return p.Measured.Rate },
		expected: func(_ *growth, first, p growthPoint) float64 {
			if p.Task == "train" {
				return math.NaN() // no gain is to be expected of more rows
			}
			return first.Measured.Rate * p.x() / first.x()
		},
	}, {
		file: "growth_size", part: bySize, reference: "limit",
		options: figure.Options{Title: "Time a token by the size of the model", Subtitle: "one sequence: a row of 512 tokens scored, tokens decoded at place 64; grey: the machine's limits",
			XLabel: "Weights (millions)", YLabel: "Time a token (ms)", LogX: true, LogY: true},
		y:        growthPoint.milliseconds,
		expected: atLimit,
	}, {
		file: "growth_threads", part: byThreads, reference: "linear",
		options: figure.Options{Title: "Speed by threads", Subtitle: "training and scoring of 2 rows of 512 tokens, decoding of one sequence",
			XLabel: "Threads", YLabel: "Times the speed of one"},
		y:        func(p growthPoint) float64 { return p.Measured.Rate },
		expected: func(_ *growth, first, p growthPoint) float64 { return first.Measured.Rate * p.x() / first.x() },
	},
}

// atLimit is the time in milliseconds that the machine's limit allows.
func atLimit(g *growth, _, p growthPoint) float64 { return 1e3 * p.least(g.limit(p.Threads)) }

var (
	growthColours = map[string]color.RGBA{"train": figure.Colour(0), "score": figure.Colour(2), "decode": figure.Colour(1)}
	growthGrey    = color.RGBA{0x90, 0x90, 0x90, 0xFF}
)

// draw writes the figures of all parts that have points.
func (g *growth) draw(dir string) error {
	for _, f := range growthFigures {
		curves := g.curves(f.part)
		if len(curves) == 0 {
			continue
		}
		pic, err := f.picture(g, curves)
		if err != nil {
			return err
		}
		if err := writeSVG(pic, filepath.Join(dir, f.file+".svg")); err != nil {
			return err
		}
	}
	return nil
}

func writeSVG(pic *figure.Figure, path string) error {
	svg, err := pic.SVG(growthSize)
	if err != nil {
		return err
	}
	return checkpoint.WriteFile(path, func(w io.Writer) error {
		_, err := w.Write(svg)
		return err
	})
}

// growthSize leaves room for the names beside the axes.
var growthSize = figure.Size{Width: 110, Height: 70}

func (f growthFigure) picture(g *growth, curves []growthCurve) (*figure.Figure, error) {
	opt := f.options
	opt.Points, opt.EndLabels = true, true
	var grey, lines []figure.Series
	for i, c := range curves {
		first, scale := c.points[0], 1.0
		if f.part == byThreads {
			scale = 1 / f.y(first)
			opt.XTicks = nil
			for _, p := range c.points {
				opt.XTicks = append(opt.XTicks, p.x())
			}
		}
		line := figure.Series{Name: c.name, Style: &figure.Style{Colour: growthColours[first.Task]}}
		if first.BF16 {
			line.Style.Dash = 1
		}
		ref := figure.Series{Name: f.reference, Quiet: i < len(curves)-1, Style: &figure.Style{Colour: growthGrey, Dash: 2}}
		for _, p := range c.points {
			line.X, line.Y = append(line.X, p.x()), append(line.Y, scale*f.y(p))
			ref.X, ref.Y = append(ref.X, p.x()), append(ref.Y, scale*f.expected(g, first, p))
		}
		lines, grey = append(lines, line), append(grey, ref)
	}
	return figure.Curve(append(grey, lines...), opt)
}
