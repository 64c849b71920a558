package main

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/kiban-models/kiban/core/checkpoint"
)

// isTerminal tells whether a stream is one; each stream is asked by itself, and
// an output that is stdout by what it writes to.
func isTerminal(s any) bool {
	if o, ok := s.(*output); ok {
		s = o.Writer
	}
	f, ok := s.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// colourOn says whether to colour text on a stream: the flag, then NO_COLOR,
// then FORCE_COLOR, then whether it is a terminal that can.
func colourOn(c *cli.Context, w io.Writer) bool {
	switch c.String("color") {
	case "always":
		return true
	case "never":
		return false
	}
	if os.Getenv("NO_COLOR") != "" {
		return false
	}
	if os.Getenv("FORCE_COLOR") != "" {
		return true
	}
	return isTerminal(w) && os.Getenv("TERM") != "dumb"
}

// message writes one line to stderr unless --quiet.
func message(c *cli.Context, format string, args ...any) {
	if !c.Bool("quiet") {
		logLine(c, "info", fmt.Sprintf(format, args...))
	}
}

// detail writes one line to stderr with --verbose.
func detail(c *cli.Context, format string, args ...any) {
	if c.Bool("verbose") && !c.Bool("quiet") {
		logLine(c, "debug", fmt.Sprintf(format, args...))
	}
}

// warning writes one line to stderr, marked as one, unless --quiet.
func warning(c *cli.Context, format string, args ...any) {
	if !c.Bool("quiet") {
		logLine(c, "warning", fmt.Sprintf(format, args...))
	}
}

func logLine(c *cli.Context, level, text string) {
	w := c.App.ErrWriter
	if c.String("log-format") == "json" {
		b, err := json.Marshal(map[string]string{"level": level, "message": text})
		if err == nil {
			fmt.Fprintf(w, "%s\n", b)
		}
		return
	}
	text = shown(text)
	if level == "warning" {
		word := "warning"
		if colourOn(c, w) {
			word = "\x1b[33mwarning\x1b[0m"
		}
		text = word + ": " + text
	}
	fmt.Fprintf(w, "kiban: %s\n", text)
}

// inputs are the positional arguments. With none, standard input is read when
// something is piped in; from a terminal that is misuse, for nobody would know
// what the program waits for.
func inputs(c *cli.Context) ([]string, error) {
	if c.Args().Present() {
		return c.Args().Slice(), nil
	}
	if isTerminal(c.App.Reader) {
		return nil, usagef("no input given; name files, or pipe data in. See %s --help", c.Command.HelpName)
	}
	return []string{"-"}, nil
}

// requireModel is the directory of -m.
func requireModel(c *cli.Context) (string, error) {
	dir := c.String("model")
	if dir == "" {
		return "", usagef("no model given; name its directory with -m DIR. See %s --help", c.Command.HelpName)
	}
	return dir, nil
}

// output is a stream for data: stdout, or a file that appears under its name
// only when Commit is called.
type output struct {
	io.Writer
	name   string
	closer io.Closer // the compressor, or a device
	file   *os.File  // nil for stdout
}

// createOutput opens what -o names, stdout without it or for "-".
func createOutput(c *cli.Context) (*output, error) {
	return createFile(c, c.String("out"))
}

// createFile opens an output by name; "" and "-" are stdout. The suffix .gz or
// .zst compresses. A file that exists is an error without --overwrite.
func createFile(c *cli.Context, name string) (*output, error) { return createFileAs(c, name, "") }

// createFileAs is createFile with the name under which the file is written
// before it is whole; "" is one that no other process has. One with a name of
// its own is written over, so whoever names it must hold a lock.
func createFileAs(c *cli.Context, name, temporary string) (*output, error) {
	if name == "" || name == "-" {
		return &output{Writer: c.App.Writer, name: "-"}, nil
	}
	if st, err := os.Stat(name); err == nil && !st.Mode().IsRegular() && !st.IsDir() {
		// A device or pipe is written to; renaming a file over /dev/null would
		// take it from the whole system.
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			return nil, err
		}
		return &output{Writer: f, name: name, closer: f}, nil
	}
	if err := mayWrite(c, name); err != nil {
		return nil, err
	}
	dir := filepath.Dir(name)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	var f *os.File
	var err error
	if temporary != "" {
		f, err = os.Create(temporary)
	} else {
		f, err = os.CreateTemp(dir, "."+filepath.Base(name)+".*.tmp")
	}
	if err != nil {
		return nil, err
	}
	o := &output{Writer: f, name: name, file: f}
	switch {
	case strings.HasSuffix(name, ".gz"):
		z := gzip.NewWriter(f)
		o.Writer, o.closer = z, z
	case strings.HasSuffix(name, ".zst"):
		z, err := zstd.NewWriter(f)
		if err != nil {
			o.Abort()
			return nil, err
		}
		o.Writer, o.closer = z, z
	}
	return o, nil
}

// mayWrite refuses an output that exists unless --overwrite is given.
func mayWrite(c *cli.Context, name string) error {
	st, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case st.IsDir():
		return fmt.Errorf("%s: is a directory; name a file with -o", name)
	case !c.Bool("overwrite"):
		return fmt.Errorf("%s: exists already; give -O to replace it or another -o", name)
	}
	return nil
}

// outputDir is the directory that -o names, which need not exist yet. One that
// holds anything is an error without --overwrite, unless resuming.
func outputDir(c *cli.Context, resume bool) (string, error) {
	dir := c.String("out")
	if dir == "" || dir == "-" {
		return "", usagef("no output directory given; name one with -o DIR. See %s --help", c.Command.HelpName)
	}
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return dir, nil
	case err != nil:
		return "", err
	case len(entries) > 0 && !resume && !c.Bool("overwrite"):
		what := "-O to write into it"
		if name := c.Command.HelpName; strings.HasSuffix(name, " pretrain") || strings.Contains(name+" ", " finetune ") {
			what = "--resume to go on with it, " + what
		}
		return "", fmt.Errorf("%s: exists already and is not empty; give %s, or another -o", dir, what)
	}
	return dir, nil
}

// Commit makes the output whole and visible.
func (o *output) Commit() error {
	if o.closer != nil {
		if err := o.closer.Close(); err != nil {
			o.remove()
			return fmt.Errorf("%s: %w", o.name, err)
		}
		o.closer = nil
	}
	if o.file == nil {
		return nil
	}
	err := o.file.Chmod(0o644)
	if err == nil {
		err = o.file.Sync()
	}
	if err == nil {
		err = o.file.Close()
	}
	if err == nil {
		err = os.Rename(o.file.Name(), o.name)
	}
	if err != nil {
		o.remove()
		return fmt.Errorf("%s: %w", o.name, err)
	}
	o.file = nil
	return nil
}

// Abort leaves no trace of an output that is not committed; after Commit it
// does nothing, so that it can be deferred.
func (o *output) Abort() {
	if o.closer != nil {
		o.closer.Close()
		o.closer = nil
	}
	o.remove()
}

func (o *output) remove() {
	if o.file != nil {
		o.file.Close()
		os.Remove(o.file.Name())
		o.file = nil
	}
}

// writeWhole writes a small file so that readers see all of it or nothing.
func writeWhole(name string, data []byte) error {
	return checkpoint.WriteFile(name, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}
