package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/materials/extract"
	highlight "github.com/kiban-models/kiban/materials/page"
)

// extracted are the outputs of a run, which appear together at its end.
type extracted struct {
	writers []extract.Writer
	files   []*output
	dirs    []filledDir
	pages   []marked
}

// filledDir is a folder that is filled under another name.
type filledDir struct{ temporary, name string }

// marked is a page that is written in a folder of its own, from where its files
// move to that of name.
type marked struct {
	*highlight.Writer
	temporary, name string
}

func openExtracted(c *cli.Context, m *nerModel, path string) (*extracted, error) {
	x := &extracted{}
	format, err := extractFormat(c)
	if err != nil {
		return nil, err
	}
	if err := x.open(c, format, m, extract.WriterOptions{Model: path, ByteOffsets: c.Bool("byte-offsets")}); err != nil {
		x.abort()
		return nil, err
	}
	return x, nil
}

// extractFormat is that of -o.
func extractFormat(c *cli.Context) (string, error) {
	format, out := c.String("format"), c.String("out")
	if format == "" {
		format = extract.JSONL
		name := strings.TrimSuffix(strings.TrimSuffix(out, ".gz"), ".zst")
		if s := strings.TrimPrefix(filepath.Ext(name), "."); s == extract.CSV || s == extract.TSV {
			format = s
		}
	}
	if name := strings.ToLower(filepath.Ext(out)); c.String("format") == "" && (name == ".html" || name == ".htm") {
		format = formatHTML
	}
	if (format == formatBrat || format == formatHTML) && (out == "" || out == "-") {
		return "", usagef("%s is not for stdout; name a folder for brat, a file for html, with -o. See %s --help", format, c.Command.HelpName)
	}
	return format, nil
}

func (x *extracted) open(c *cli.Context, format string, m *nerModel, o extract.WriterOptions) error {
	var err error
	switch out := c.String("out"); format {
	case formatBrat:
		err = x.brat(c, out, m)
	case formatHTML:
		err = x.page(c, out, o.Model)
	default:
		err = x.stream(c, out, format, o)
	}
	if err != nil {
		return err
	}
	if name := c.String("html"); name != "" {
		if err := x.page(c, name, o.Model); err != nil {
			return err
		}
	}
	if name := c.String("csv"); name != "" {
		if err := x.stream(c, name, extract.CSV, o); err != nil {
			return err
		}
	}
	if dir := c.String("brat"); dir != "" {
		return x.brat(c, dir, m)
	}
	return nil
}

func (x *extracted) stream(c *cli.Context, name, format string, o extract.WriterOptions) error {
	f, err := createFile(c, name)
	if err != nil {
		return err
	}
	x.files = append(x.files, f)
	w, err := extract.NewWriter(f, format, o)
	x.writers = append(x.writers, w)
	return err
}

// brat fills a folder beside the one that is asked for, which gets its name at
// the end.
func (x *extracted) brat(c *cli.Context, dir string, m *nerModel) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case len(entries) > 0:
		return fmt.Errorf("%s: is not empty; name a new folder for brat's files", dir)
	}
	parent := filepath.Dir(filepath.Clean(dir))
	if err := os.MkdirAll(parent, 0o777); err != nil {
		return err
	}
	temporary, err := os.MkdirTemp(parent, "."+filepath.Base(dir)+".*.tmp")
	if err != nil {
		return err
	}
	x.dirs = append(x.dirs, filledDir{temporary, dir})
	w, err := extract.MakeBrat(temporary, m.Types(), m.related())
	x.writers = append(x.writers, w)
	return err
}

func (x *extracted) page(c *cli.Context, name, model string) error {
	if err := mayWrite(c, name); err != nil {
		return err
	}
	dir := filepath.Dir(name)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	temporary, err := os.MkdirTemp(dir, "."+filepath.Base(name)+".*.tmp")
	if err != nil {
		return err
	}
	w := highlight.New(filepath.Join(temporary, filepath.Base(name)), highlight.Options{Generator: readVersion().line() + " with the model " + model})
	x.pages = append(x.pages, marked{w, temporary, name})
	return nil
}

func (x *extracted) write(r *extract.Result) error {
	for _, w := range x.writers {
		if err := w.Write(r); err != nil {
			return err
		}
	}
	for _, p := range x.pages {
		if err := p.Write(&r.Annotated); err != nil {
			return err
		}
	}
	return nil
}

func (x *extracted) commit() error {
	var moves [][2]string
	for _, p := range x.pages {
		files, err := p.Close()
		if err != nil {
			return err
		}
		for _, f := range files {
			moves = append(moves, [2]string{f, filepath.Join(filepath.Dir(p.name), filepath.Base(f))})
		}
	}
	for _, w := range x.writers {
		if err := w.Close(); err != nil {
			return err
		}
	}
	for _, f := range x.files {
		if err := f.Commit(); err != nil {
			return err
		}
	}
	for _, d := range x.dirs {
		err := os.Chmod(d.temporary, 0o755)
		if err == nil {
			if err = os.Remove(d.name); errors.Is(err, fs.ErrNotExist) { // an empty one may be there
				err = nil
			}
		}
		if err == nil {
			err = os.Rename(d.temporary, d.name)
		}
		if err != nil {
			return err
		}
	}
	x.dirs = nil
	for _, m := range moves {
		if err := os.Rename(m[0], m[1]); err != nil {
			return err
		}
	}
	return nil
}

// abort leaves nothing of outputs that were not committed.
func (x *extracted) abort() {
	for _, f := range x.files {
		f.Abort()
	}
	for _, d := range x.dirs {
		os.RemoveAll(d.temporary)
	}
	for _, p := range x.pages { // empty once it is committed
		os.RemoveAll(p.temporary)
	}
}
