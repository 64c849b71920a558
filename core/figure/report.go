package figure

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"regexp"
	"strings"
)

// Report is a self-contained page about one run: it opens anywhere, offline,
// without a script, and loads nothing. Sections follow the fields below in
// their order; empty ones are left out.
type Report struct {
	Title     string
	Result    string    // the finding in one line, baseline first
	Asked     []KV      // command, preset, seed: what was asked for
	Tables    []Table   // data with hashes, results beside baselines
	Figures   []Fig     // curves
	Sections  []Section // examples and anything else
	Limits    []string  // leakage, memorised items, duplicates
	Repeat    []string  // command lines that make this again
	Versions  []KV
	Generator string // who wrote it, for instance "kiban 0.1.0"
}

// KV is a name with its value.
type KV struct{ Key, Value string }

// Table has one header row; every row has as many cells.
type Table struct {
	Caption string
	Header  []string
	Rows    [][]string
	Numbers bool // right-align all columns but the first
}

// Fig is a picture for a report. SVG is what Figure.SVG returned. Finding says
// in a sentence what the picture shows, for readers who do not see it.
type Fig struct {
	SVG              []byte
	Caption, Finding string
}

// Section is text, preformatted text (sequences), tables and figures under a
// heading.
type Section struct {
	Heading    string
	Paragraphs []string
	Pre        string
	Tables     []Table
	Figures    []Fig
}

const maxReport = 5 << 20

//go:embed report.html.tmpl
var reportText string

// Write writes the page. It fails on a figure without finding, a table with
// uneven rows, an SVG that reaches outside, and a page over 5 MB.
func (r Report) Write(w io.Writer) error {
	if err := checkParts(r.Tables, r.Figures); err != nil {
		return err
	}
	for _, s := range r.Sections {
		if err := checkParts(s.Tables, s.Figures); err != nil {
			return err
		}
	}
	n := 0
	t, err := template.New("report").Funcs(template.FuncMap{
		"inline": inlineSVG,
		// Figure numbers run through the page.
		"next": func() int { n++; return n },
	}).Parse(reportText)
	if err != nil {
		return fmt.Errorf("figure: report: %w", err)
	}
	var b strings.Builder
	if err := t.Execute(&b, r); err != nil {
		return fmt.Errorf("figure: report: %w", err)
	}
	if b.Len() > maxReport {
		return fmt.Errorf("figure: report: page has %d bytes, wanted at most %d; leave out figures", b.Len(), maxReport)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("figure: report: %w", err)
	}
	return nil
}

// Reaching outside: scripts, handlers, foreign content, or a reference that is
// neither data nor within the page.
var (
	svgActive = regexp.MustCompile(`(?i)<script|<foreignObject|<!ENTITY|\bon\w+\s*=|@import`)
	svgRefers = regexp.MustCompile(`(?i)(?:\bhref\s*=\s*["']?|url\(\s*["']?)\s*([^"'\s)>]*)`)
)

// outside is the first part of an SVG that would run or load something, or "".
func outside(svg []byte) string {
	if m := svgActive.Find(svg); m != nil {
		return string(m)
	}
	for _, m := range svgRefers.FindAllSubmatch(svg, -1) {
		if to := string(m[1]); to != "" && !strings.HasPrefix(to, "#") && !strings.HasPrefix(to, "data:image/png;") {
			return to
		}
	}
	return ""
}

func checkParts(tables []Table, figs []Fig) error {
	for _, t := range tables {
		for i, row := range t.Rows {
			if len(row) != len(t.Header) {
				return fmt.Errorf("figure: report: table %q row %d has %d cells, wanted %d", t.Caption, i, len(row), len(t.Header))
			}
		}
	}
	for _, f := range figs {
		if f.Finding == "" {
			return fmt.Errorf("figure: report: figure %q has no finding, wanted a sentence that says what it shows", f.Caption)
		}
		if !strings.Contains(string(f.SVG), "<svg") {
			return fmt.Errorf("figure: report: figure %q is no SVG document", f.Caption)
		}
		if m := outside(f.SVG); m != "" {
			return fmt.Errorf("figure: report: figure %q contains %q, wanted a drawing without scripts and outside references", f.Caption, m)
		}
	}
	return nil
}

// inlineSVG is the drawing without its XML prologue, announced to screen
// readers by its finding.
func inlineSVG(f Fig) template.HTML {
	s := string(f.SVG)
	s = s[strings.Index(s, "<svg")+len("<svg"):]
	return template.HTML(`<svg role="img" aria-label="` + template.HTMLEscapeString(f.Finding) + `"` + s)
}
