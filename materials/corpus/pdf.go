package corpus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	defaultPDFTime = time.Minute
	maxPDF         = 256 << 20
	maxPages       = 20_000
	maxPDFMemory   = 2 << 30
)

// pdf reads a file of PDF by poppler's pdftotext, a process of its own: parsers
// of PDF are what hostile files break, and it can be stopped. It gets the file
// as its standard input and no names, and has bounds of memory, time and output.
//
// Text is what pdftotext says, columns one after the other; a page ends with a
// form feed and is a section. Hyphens at the ends of lines stay.
func (f *file) pdf(r io.Reader) {
	program, err := exec.LookPath("pdftotext")
	if err != nil {
		f.fail(0, "PDF, and the program pdftotext is not installed", "install it: apt install poppler-utils, or give the text or XML of the paper", err)
		return
	}
	data, err := io.ReadAll(io.LimitReader(r, maxPDF+1))
	switch {
	case err != nil:
		f.ioError(err)
		return
	case len(data) > maxPDF:
		f.fail(0, fmt.Sprintf("a PDF of more than %d bytes", maxPDF), "divide it", nil)
		return
	}
	text, said, ok := f.pdfText(program, data)
	if !ok {
		return
	}
	d := Document{ID: f.id, Meta: map[string]string{}}
	if !utf8.Valid(text) {
		d.Warnings = append(d.Warnings, f.replaced(0, countInvalid(text)))
		text = bytes.ToValidUTF8(text, []byte("\ufffd"))
	}
	if said != "" {
		d.Warnings = append(d.Warnings, &Error{File: f.name, What: "pdftotext says: " + said, Remedy: "look whether its text is whole"})
	}
	d.Text = string(text)
	pages := 0
	for at := 0; at < len(d.Text); {
		end := len(d.Text)
		next := end
		if i := strings.IndexByte(d.Text[at:], '\f'); i >= 0 {
			end, next = at+i, at+i+1
		}
		if pages++; end > at {
			d.Sections = append(d.Sections, Section{"page " + strconv.Itoa(pages), Span{at, end}})
		}
		at = next
	}
	d.Meta["pages"] = strconv.Itoa(pages)
	if blank(d.Text) {
		f.fail(0, fmt.Sprintf("no text on its pages (%d), as in scanned paper", pages), "have the letters recognised first, for instance by ocrmypdf", ErrEmpty)
		return
	}
	f.emit(d, 0)
}

// pdfText runs pdftotext; said is what it complained of. It is false after an
// error.
func (f *file) pdfText(program string, data []byte) (text []byte, said string, ok bool) {
	limit := f.opt.PDFTime
	if limit <= 0 {
		limit = defaultPDFTime
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "-enc", "UTF-8", "-eol", "unix", "-l", strconv.Itoa(maxPages), "-", "-")
	cmd.Env = []string{"LC_ALL=C"}
	cmd.Dir = "/"
	cmd.WaitDelay = time.Second
	hold, release := io.Pipe() // it gets nothing to read before the bounds hold
	defer hold.Close()
	out := &bounded{max: f.opt.maxBytes(), full: cancel}
	errs := &bounded{max: 4 << 10}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = hold, out, errs
	late := func() {
		f.fail(0, fmt.Sprintf("pdftotext was not done after %v", limit), "allow more time, or save the text from a PDF viewer", context.DeadlineExceeded)
	}
	if err := cmd.Start(); errors.Is(err, context.DeadlineExceeded) {
		late()
		return nil, "", false
	} else if err != nil {
		f.fail(0, "pdftotext does not start: "+err.Error(), "look whether it runs", err)
		return nil, "", false
	}
	unbounded := limitProcess(cmd.Process.Pid, maxPDFMemory, limit)
	if unbounded != nil {
		cancel()
	}
	go func() {
		release.Write(data)
		release.Close()
	}()
	failed := cmd.Wait()
	said = firstLine(errs.b.String())
	var exit *exec.ExitError
	switch {
	case unbounded != nil:
		f.fail(0, "pdftotext could not be given bounds: "+unbounded.Error(), "give the text or XML of the paper", unbounded)
	case out.over:
		f.tooLong(0, "text")
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		late()
	case failed == nil:
		return out.b.Bytes(), said, true
	case strings.Contains(errs.b.String(), "Incorrect password"), strings.Contains(errs.b.String(), "ncrypt"):
		f.fail(0, "the PDF needs a password", "remove it, for instance by qpdf --decrypt", failed)
	case errors.As(failed, &exit) && exit.ExitCode() < 0:
		f.fail(0, fmt.Sprintf("pdftotext died of it (%v)", exit), "get the file anew, or save it anew from a PDF viewer", failed)
	default:
		if said == "" {
			said = failed.Error()
		}
		f.fail(0, "pdftotext cannot read it: "+said, "get the file anew, or save it anew from a PDF viewer", failed)
	}
	return nil, "", false
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return strings.ToValidUTF8(line[:min(len(line), 200)], "\ufffd")
}

// bounded keeps the first bytes of what is written to it, and calls full when
// there are more.
type bounded struct {
	b    bytes.Buffer
	max  int64
	full func()
	over bool
}

func (w *bounded) Write(p []byte) (int, error) {
	room := w.max - int64(w.b.Len())
	w.b.Write(p[:min(int64(len(p)), room)])
	if int64(len(p)) > room && !w.over {
		w.over = true
		if w.full != nil {
			w.full()
		}
	}
	return len(p), nil
}
