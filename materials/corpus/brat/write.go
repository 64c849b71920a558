package brat

import (
	"bufio"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/materials/corpus"
)

// Save writes name.txt and name.ann.
func Save(name string, a *corpus.Annotated) error {
	err := checkpoint.WriteFile(filepath.Clean(name)+".txt", func(w io.Writer) error {
		_, err := io.WriteString(w, a.Text)
		return err
	})
	if err != nil {
		return err
	}
	return checkpoint.WriteFile(filepath.Clean(name)+".ann", func(w io.Writer) error { return Write(w, a) })
}

// Write writes the annotations of a document: entities as T1, T2, ..., their
// normalised forms as N, their scores as notes, relations as R. An entity is
// cut at line ends and tabs, which its lines cannot hold.
func Write(w io.Writer, a *corpus.Annotated) error {
	out := bufio.NewWriter(w)
	points := corpus.NewPoints(a.Text)
	notes := 0
	for i, e := range a.Entities {
		var places, surface []string
		for _, s := range e.Spans {
			for _, f := range onLines(a.Text, s) {
				places = append(places, fmt.Sprintf("%d %d", points.Of(f.Start), points.Of(f.End)))
				surface = append(surface, a.Text[f.Start:f.End])
			}
		}
		if len(places) == 0 {
			return fmt.Errorf("brat: entity %d of %q has no characters", i+1, a.ID)
		}
		fmt.Fprintf(out, "T%d\t%s %s\t%s\n", i+1, word(e.Label), strings.Join(places, ";"), strings.Join(surface, " "))
		if e.Normalized != "" {
			fmt.Fprintf(out, "N%d\tReference T%d Formula:%s\t%s\n", i+1, i+1, word(e.Normalized), strings.Join(strings.Fields(e.Normalized), " "))
		}
		if e.Score != 0 {
			notes++
			fmt.Fprintf(out, "#%d\tAnnotatorNotes T%d\tscore %.4f\n", notes, i+1, e.Score)
		}
	}
	for i, r := range a.Relations {
		fmt.Fprintf(out, "R%d\t%s Arg1:T%d Arg2:T%d\n", i+1, word(r.Label), r.Head+1, r.Tail+1)
	}
	return out.Flush()
}

// onLines cuts a span at line ends and tabs.
func onLines(text string, s corpus.Span) []corpus.Span {
	var all []corpus.Span
	at := s.Start
	for i, c := range text[s.Start:s.End] {
		if c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f' || c == '\u0085' || c == '\u2028' || c == '\u2029' {
			if at < s.Start+i {
				all = append(all, corpus.Span{Start: at, End: s.Start + i})
			}
			at = s.Start + i + len(string(c))
		}
	}
	if at < s.End {
		all = append(all, corpus.Span{Start: at, End: s.End})
	}
	return all
}

// word makes one word of a label.
func word(s string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsSpace(c) || c == ':' || c == ';' {
			return '_'
		}
		return c
	}, s)
}
