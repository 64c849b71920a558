package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/materials/formula"
)

func formulaFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "at", Category: catInput, Usage: "put numbers in the place of variables: `x=0.1`"},
		&cli.BoolFlag{Name: "compare", Category: catOutput, Usage: "compare two formulas by composition", DisableDefaultText: true},
		&cli.Float64Flag{Name: "tolerance", Category: catInput, Value: 1e-3, Usage: "amounts that differ by up to `X` are the same, with --compare"},
	}
}

func runFormula(c *cli.Context) error {
	at, err := variables(c)
	if err != nil {
		return err
	}
	if c.Bool("compare") {
		return compareFormulas(c, at)
	}
	out, err := createOutput(c)
	if err != nil {
		return err
	}
	defer out.Abort()
	t := table{columns: []string{"text", "written", "hill", "reduced", "anonymous", "elements", "charge", "mass", "word", "error"}}
	bad, first := 0, error(nil)
	err = eachFormula(c, func(text string) error {
		f, err := formula.Parse(text)
		if err != nil {
			if bad++; first == nil {
				first = err
			}
			t.add(text, nil, nil, nil, nil, nil, nil, nil, false, err.Error())
			return nil
		}
		comp, known := f.Composition()
		comp = comp.At(at)
		row := []any{text, f.Written(), f.Hill(), nil, nil, nil, f.Charge(), nil, formula.IsFormula(text), nil}
		if known {
			reduced, whole := comp.Reduced()
			if !whole {
				reduced = comp
			} else {
				row[4] = reduced.Anonymous()
			}
			row[3], row[5] = reduced.Alphabetical().String(), amounts(comp)
			if m, ok := comp.Mass(); ok {
				row[7] = m
			}
		}
		t.add(row...)
		return nil
	})
	if err != nil {
		return err
	}
	if err := printTable(c, out, t); err != nil {
		return err
	}
	if err := out.Commit(); err != nil {
		return err
	}
	if bad == 1 {
		return first
	}
	if bad > 0 {
		return fmt.Errorf("%s of %s are no formulas: %w", human(bad), human(len(t.rows)), first)
	}
	return nil
}

// eachFormula goes through the arguments, or the lines of standard input.
func eachFormula(c *cli.Context, each func(string) error) error {
	if c.Args().Present() {
		for _, text := range c.Args().Slice() {
			if err := each(text); err != nil {
				return err
			}
		}
		return nil
	}
	if isTerminal(c.App.Reader) {
		return usagef("no formula given; name some, or pipe lines in. See %s --help", c.Command.HelpName)
	}
	r := bufio.NewReaderSize(c.App.Reader, 1<<16)
	for number := 1; ; number++ {
		line, err := r.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			return fmt.Errorf("-:%d: a line of more than %d bytes; give one formula a line", number, r.Size())
		}
		if text := strings.TrimSpace(string(line)); text != "" {
			if err := c.Context.Err(); err != nil {
				return err
			}
			if !utf8.ValidString(text) {
				return fmt.Errorf("-:%d: not UTF-8; decode the text first", number)
			}
			if err := each(text); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func variables(c *cli.Context) (map[string]float64, error) {
	at := map[string]float64{}
	for _, s := range list(c, "at") {
		name, v, ok := strings.Cut(s, "=")
		x, err := strconv.ParseFloat(v, 64)
		if !ok || err != nil || name == "" {
			return nil, usagef("flag --at: %q is not a variable with a number; give x=0.1. See %s --help", s, c.Command.HelpName)
		}
		at[name] = x
	}
	return at, nil
}

// amounts are the elements of a composition: "Fe:2 O:3" in a table, an object
// in JSON, where amounts with variables are strings.
type amounts formula.Composition

func (a amounts) String() string {
	var parts []string
	for _, e := range a {
		parts = append(parts, e.Symbol+":"+e.Amount.String())
	}
	return strings.Join(parts, " ")
}

func (a amounts) MarshalJSON() ([]byte, error) {
	m := map[string]any{}
	for _, e := range a {
		if v, ok := e.Amount.Value(); ok {
			m[e.Symbol] = v
		} else {
			m[e.Symbol] = e.Amount.String()
		}
	}
	return json.Marshal(m)
}

func compareFormulas(c *cli.Context, at map[string]float64) error {
	if c.NArg() != 2 {
		return usagef("--compare takes two formulas, %d given; name both. See %s --help", c.NArg(), c.Command.HelpName)
	}
	tolerance := c.Float64("tolerance")
	if !(tolerance >= 0) {
		return usagef("flag --tolerance: %v is no tolerance; give a number from 0. See %s --help", tolerance, c.Command.HelpName)
	}
	a, err := formula.Parse(c.Args().Get(0))
	if err != nil {
		return err
	}
	b, err := formula.Parse(c.Args().Get(1))
	if err != nil {
		return err
	}
	out, err := createOutput(c)
	if err != nil {
		return err
	}
	defer out.Abort()
	ca, okA := a.Composition()
	cb, okB := b.Composition()
	ca, cb = ca.At(at), cb.At(at)
	equal, same := a.Equal(b, tolerance), false
	if okA && okB {
		equal, same = ca.Equal(cb, tolerance) && a.Charge() == b.Charge(), ca.Same(cb, tolerance)
	}
	t := table{columns: []string{"a", "b", "equal", "same_ratio"}}
	t.add(a.Written(), b.Written(), equal, same)
	if err := printTable(c, out, t); err != nil {
		return err
	}
	return out.Commit()
}
