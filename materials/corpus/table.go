package corpus

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// The names of columns that are looked for, in this order.
var (
	textColumns = []string{"text", "abstract", "sentence", "content", "body", "document", "paragraph"}
	idColumns   = []string{"id", "doc_id", "paper_id", "doc", "doi", "pmid", "pmcid"}
)

// table reads CSV or TSV with a row of names. In CSV a field may be quoted, and
// then hold commas, line ends, which stay as they are, and doubled quotation
// marks; in TSV there are no quotes (IANA's text/tab-separated-values). The
// other columns go to Meta, and title to Title.
func (f *file) table(r *bufio.Reader, comma byte) {
	in := &rows{lines: lines{r: r, max: f.opt.maxBytes()}, comma: comma}
	names, _, err := in.next()
	if err != nil {
		if errors.Is(err, io.EOF) {
			f.fail(1, "no text", "leave it out, or look why it is empty", ErrEmpty)
			return
		}
		f.rowError(in, err)
		return
	}
	names[0] = strings.TrimPrefix(names[0], "\ufeff")
	text, ok1 := f.column(names, f.opt.TextColumn, textColumns, "text")
	id, ok2 := f.column(names, f.opt.IDColumn, idColumns, "id")
	if !ok1 || !ok2 {
		return
	}
	for !f.stopped {
		row, line, err := in.next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			if f.rowError(in, err); !errors.Is(err, errLong) && !errors.Is(err, errColumns) || in.open {
				return
			}
			continue
		}
		if len(row) != len(names) {
			f.fail(line, fmt.Sprintf("%d columns, the first row has %d", len(row), len(names)), "is a quotation mark missing, or a comma too many?", nil)
			continue
		}
		f.row(names, row, text, id, line)
	}
}

func (f *file) row(names, row []string, text, id, line int) {
	joined, replaced, ok := f.validLine(line, []byte(row[text]))
	if !ok {
		return
	}
	if i := bytes.IndexByte(joined, 0); i >= 0 {
		f.fail(line+bytes.Count(joined[:i], []byte("\n")), "a NUL byte", "the file is not text, or is damaged", nil)
		return
	}
	d := Document{ID: f.numbered(line), Text: string(joined), Meta: map[string]string{}}
	if id >= 0 && row[id] != "" {
		d.ID = strings.ToValidUTF8(row[id], "\ufffd")
	}
	for i, name := range names {
		value := strings.ToValidUTF8(row[i], "\ufffd")
		switch {
		case i == text, i == id, value == "":
		case strings.EqualFold(name, "title"):
			d.Title = value
		default:
			d.Meta[strings.ToLower(strings.ToValidUTF8(name, "\ufffd"))] = value
		}
	}
	if replaced > 0 {
		d.Warnings = append(d.Warnings, f.replaced(line, replaced))
	}
	f.emit(d, line)
}

// column finds the one that is asked for, or a usual one; -1 is an ID that
// nobody asked for.
func (f *file) column(names []string, asked string, usual []string, what string) (int, bool) {
	for i, n := range names {
		if asked != "" && n == asked {
			return i, true
		}
	}
	if asked == "" {
		for _, u := range usual {
			if i := slices.IndexFunc(names, func(n string) bool { return strings.EqualFold(strings.TrimSpace(n), u) }); i >= 0 {
				return i, true
			}
		}
		if what == "id" {
			return -1, true
		}
		asked = strings.Join(usual, ", ")
	}
	f.fail(1, fmt.Sprintf("no column %s among %s", asked, some(names)), fmt.Sprintf("the first row must name the columns; say which is the %s by --%s-column", what, what), nil)
	return 0, false
}

func (f *file) rowError(in *rows, err error) {
	switch {
	case errors.Is(err, errLong):
		f.tooLong(in.at, "a row")
	case errors.Is(err, errColumns):
		f.fail(in.at, err.Error(), "is it a table, and a comma or a tab between its columns?", err)
	case errors.Is(err, errQuote):
		f.fail(in.at, err.Error(), "double the quotation marks inside a field, or close the field", nil)
	default:
		f.ioError(err)
	}
}

var (
	errLong    = errors.New("too long")
	errColumns = fmt.Errorf("a row of more than %d columns", maxColumns)
	errQuote   = errors.New("a field whose quotation mark is not closed, or is followed by more")
)

// maxColumns bounds those of a table.
const maxColumns = 1 << 16

// rows reads the rows of a table.
type rows struct {
	lines
	comma byte
	at    int  // the line at which the row begins
	open  bool // the row was given up inside a field
}

func (r *rows) next() ([]string, int, error) {
	for {
		line, err := r.lines.next()
		if err != nil {
			return nil, 0, err
		}
		r.at = r.n
		if r.over {
			r.open = r.comma == ','
			return nil, r.at, errLong
		}
		if len(bytes.TrimRight(line, "\r\n")) == 0 {
			continue
		}
		if r.comma == '\t' {
			if bytes.Count(line, []byte("\t")) >= maxColumns {
				return nil, r.at, errColumns
			}
			return strings.Split(string(bytes.TrimRight(line, "\r\n")), "\t"), r.at, nil
		}
		row, err := r.quoted(line)
		return row, r.at, err
	}
}

// quoted takes a row of CSV apart, reading on while a field is open.
func (r *rows) quoted(line []byte) ([]string, error) {
	var row []string
	size := int64(len(line))
	for {
		if len(row) == maxColumns {
			return nil, errColumns
		}
		if len(line) == 0 || line[0] != '"' {
			end := bytes.IndexByte(line, r.comma)
			if end < 0 {
				return append(row, string(bytes.TrimRight(line, "\r\n"))), nil
			}
			row, line = append(row, string(line[:end])), line[end+1:]
			continue
		}
		var field []byte
		line = line[1:]
		for {
			i := bytes.IndexByte(line, '"')
			if i >= 0 && i+1 < len(line) && line[i+1] == '"' {
				field, line = append(field, line[:i+1]...), line[i+2:]
				continue
			}
			if i >= 0 {
				field, line = append(field, line[:i]...), line[i+1:]
				break
			}
			field = append(field, line...)
			more, err := r.lines.next()
			if errors.Is(err, io.EOF) {
				return nil, errQuote
			}
			if err != nil {
				return nil, err
			}
			if size += int64(len(more)); r.over || size > r.max {
				r.open = true
				return nil, errLong
			}
			line = more
		}
		row = append(row, string(field))
		switch rest := bytes.TrimRight(line, "\r\n"); {
		case len(rest) == 0:
			return row, nil
		case rest[0] != r.comma:
			return nil, errQuote
		}
		line = line[1:]
	}
}
