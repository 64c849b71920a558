package corpus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/kiban-models/kiban/core/packed"
)

const (
	maxPDF       = 256 << 20
	pdfMemory    = 2 << 30 // of the process
	pdfTime      = time.Minute
	maxPDFErrors = 4 << 10
)

// pdf reads the text of a PDF file through poppler's pdftotext, a process of
// its own with limits: readers of PDF have crashed, hung and run out of memory
// on files made for it. Text is what pdftotext writes, in reading order, a
// section a page; offsets are those of that text, words that are hyphenated at
// the end of a line remain so.
func (f *file) pdf(original io.Reader, p *packed.Reader, b io.Reader) {
	tool, err := exec.LookPath("pdftotext")
	if err != nil {
		f.fail(0, "PDF files are read by pdftotext, which is not installed", "apt install poppler-utils, or save the paper as text or XML", err)
		return
	}
	path := ""
	if file, ok := original.(*os.File); ok && p.Kind == "" {
		if st, err := file.Stat(); err == nil && st.Mode().IsRegular() {
			if st.Size() > maxPDF {
				f.fail(0, fmt.Sprintf("a PDF file of more than %d bytes", maxPDF), "divide it", nil)
				return
			}
			if path, err = filepath.Abs(file.Name()); err != nil {
				f.ioError(err)
				return
			}
		}
	}
	if path == "" {
		temp, err := os.CreateTemp("", "kiban-*.pdf")
		if err != nil {
			f.ioError(err)
			return
		}
		defer os.Remove(temp.Name())
		n, err := io.Copy(temp, io.LimitReader(b, maxPDF+1))
		if err = errors.Join(err, temp.Close()); err != nil {
			f.ioError(err)
			return
		}
		if n > maxPDF {
			f.fail(0, fmt.Sprintf("a PDF file of more than %d bytes", maxPDF), "divide it", nil)
			return
		}
		path = temp.Name()
	}
	text, said, err := f.pdfText(tool, path)
	if err != nil {
		return
	}
	f.pages(text, said)
}

// pdfText runs pdftotext; an error is yielded.
func (f *file) pdfText(tool, path string) (text []byte, said string, err error) {
	limit := f.opt.PDFTime
	if limit <= 0 {
		limit = pdfTime
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, tool, "-enc", "UTF-8", "-eol", "unix", path, "-")
	cmd.Env = []string{"LC_ALL=C.UTF-8", "PATH=" + os.Getenv("PATH")}
	cmd.Dir = os.TempDir()
	cmd.WaitDelay = 5 * time.Second
	messages := &capped{max: maxPDFErrors}
	cmd.Stderr = messages
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		f.fail(0, "pdftotext does not start: "+err.Error(), "look whether poppler-utils is installed", err)
		return nil, "", err
	}
	limitMemory(cmd.Process.Pid, pdfMemory)
	text, readErr := io.ReadAll(io.LimitReader(out, f.opt.maxBytes()+1))
	over := int64(len(text)) > f.opt.maxBytes()
	if over {
		cancel()
	}
	waitErr := cmd.Wait()
	said = firstLine(messages.String())
	switch {
	case over:
		f.tooLong(0, "text in a PDF file")
		return nil, "", io.ErrShortBuffer
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		f.fail(0, fmt.Sprintf("pdftotext took more than %v", limit), "divide the file, or save the paper as text", ctx.Err())
		return nil, "", ctx.Err()
	case waitErr != nil:
		what := "pdftotext cannot read it: " + waitErr.Error()
		if said != "" {
			what += ": " + said
		}
		f.fail(0, what, "open it in a viewer; a file with a password must be saved without, a damaged one be taken again", waitErr)
		return nil, "", waitErr
	case readErr != nil:
		f.ioError(readErr)
		return nil, "", readErr
	}
	return text, said, nil
}

// pages yields the document of a PDF's text, whose pages end with form feeds.
func (f *file) pages(text []byte, said string) {
	d := Document{ID: f.id, Meta: map[string]string{}}
	if !utf8.Valid(text) {
		d.Warnings = append(d.Warnings, f.replaced(0, countInvalid(text)))
		text = bytes.ToValidUTF8(text, []byte("\ufffd"))
	}
	if said != "" {
		d.Warnings = append(d.Warnings, &Error{File: f.name, What: "pdftotext says: " + said, Remedy: "look whether its text is whole"})
	}
	var b blocks
	n := 0
	for page := range strings.SplitSeq(strings.TrimSuffix(string(text), "\f"), "\f") {
		n++
		b.add(fmt.Sprintf("page %d", n), strings.TrimRight(page, "\n "))
	}
	b.into(&d)
	d.Meta["pages"] = fmt.Sprint(n)
	if strings.TrimSpace(d.Text) == "" {
		f.fail(0, fmt.Sprintf("no text in %d pages: they may be pictures", n), "have their text recognised first, for instance by ocrmypdf", ErrEmpty)
		return
	}
	f.emit(d, 0)
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return strings.ToValidUTF8(line[:min(len(line), 200)], "\ufffd")
}

// capped keeps the first bytes that are written to it.
type capped struct {
	bytes.Buffer
	max int
}

func (c *capped) Write(p []byte) (int, error) {
	if room := c.max - c.Len(); room > 0 {
		c.Buffer.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}
