package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v2"
)

// table is a result with named columns (snake_case). Cells are strings, bools,
// ints, int64s, uint64s or float64s; nil, NaN and infinities are missing.
type table struct {
	columns []string
	rows    [][]any
}

func (t *table) add(cells ...any) { t.rows = append(t.rows, cells) }

// printTable writes a table in the form that the reader wants: JSON by --json,
// aligned with human numbers on a terminal, tab-separated and unrounded
// elsewhere.
func printTable(c *cli.Context, w io.Writer, t table) error {
	var text []byte
	switch {
	case c.Bool("json"):
		text = t.json()
	case isTerminal(w) && !c.Bool("tsv"):
		text = t.aligned()
	default:
		text = t.tsv()
	}
	_, err := w.Write(text)
	return err
}

func (t table) tsv() []byte {
	var b bytes.Buffer
	b.WriteString(strings.Join(t.columns, "\t") + "\n")
	for _, row := range t.rows {
		b.WriteString(tsvLine(row))
	}
	return b.Bytes()
}

var tsvCell = strings.NewReplacer("\t", " ", "\n", " ", "\r", " ")

func tsvLine(row []any) string {
	cells := make([]string, len(row))
	for i, v := range row {
		cells[i] = tsvCell.Replace(exact(v))
	}
	return strings.Join(cells, "\t") + "\n"
}

// exact is a cell for machines: nothing rounded, missing is empty.
func exact(v any) string {
	switch x := v.(type) {
	case nil:
		return ""
	case float64:
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return ""
		}
		return strconv.FormatFloat(x, 'g', -1, 64)
	}
	return fmt.Sprint(v)
}

// json is an array of objects whose keys stand in the order of the columns.
func (t table) json() []byte {
	var b bytes.Buffer
	b.WriteString("[")
	for r, row := range t.rows {
		if r > 0 {
			b.WriteByte(',')
		}
		b.WriteString("\n  " + t.jsonObject(row))
	}
	if len(t.rows) > 0 {
		b.WriteByte('\n')
	}
	b.WriteString("]\n")
	return b.Bytes()
}

func (t table) jsonObject(row []any) string {
	cells := make([]string, len(row))
	for i, v := range row {
		cells[i] = jsonValue(t.columns[i]) + ": " + jsonValue(v)
	}
	return "{" + strings.Join(cells, ", ") + "}"
}

func jsonValue(v any) string {
	if x, ok := v.(float64); ok && (math.IsNaN(x) || math.IsInf(x, 0)) {
		return "null"
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return jsonValue(fmt.Sprint(v))
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// aligned is for people: numbers to the right, with commas and few digits.
func (t table) aligned() []byte {
	widths := make([]int, len(t.columns))
	right := make([]bool, len(t.columns))
	cells := [][]string{t.columns}
	for _, row := range t.rows {
		line := make([]string, len(row))
		for i, v := range row {
			line[i] = human(v)
			switch v.(type) {
			case int, int64, uint64, float64:
				right[i] = true
			}
		}
		cells = append(cells, line)
	}
	for _, line := range cells {
		for i, s := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(s))
		}
	}
	var b bytes.Buffer
	for _, line := range cells {
		var out strings.Builder
		for i, s := range line {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(s))
			if right[i] {
				out.WriteString(pad + s)
			} else {
				out.WriteString(s + pad)
			}
			out.WriteString("  ")
		}
		b.WriteString(strings.TrimRight(out.String(), " ") + "\n")
	}
	return b.Bytes()
}

// human is a value for people: thousands commas, three digits.
func human(v any) string {
	switch x := v.(type) {
	case int:
		return commas(strconv.Itoa(x))
	case int64:
		return commas(strconv.FormatInt(x, 10))
	case uint64:
		return commas(strconv.FormatUint(x, 10))
	case float64:
		switch a := math.Abs(x); {
		case math.IsNaN(x) || math.IsInf(x, 0):
			return "-"
		case x == 0:
			return "0"
		case a >= 1e9 || a < 1e-3:
			return strconv.FormatFloat(x, 'g', 3, 64)
		case a >= 100:
			return commas(strconv.FormatFloat(x, 'f', 0, 64))
		default:
			return strconv.FormatFloat(x, 'f', max(0, 2-int(math.Floor(math.Log10(a)))), 64)
		}
	case nil:
		return "-"
	}
	return strings.ReplaceAll(fmt.Sprint(v), "\n", " ")
}

func commas(s string) string {
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}
