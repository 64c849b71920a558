package extract

import (
	"fmt"
	"strings"

	"github.com/kiban-models/kiban/materials/corpus"
)

// Entity is an entity as it is written.
type Entity struct {
	Start      int     `json:"start"` // code points
	End        int     `json:"end"`
	Text       string  `json:"text"`
	Label      string  `json:"label"`
	Score      float64 `json:"score"`
	Normalized string  `json:"normalized,omitempty"`
	Section    string  `json:"section,omitempty"`
	Sentence   int     `json:"sentence"` // counted from 1
	// Bytes, where they were asked for: of the text,
	ByteStart *int `json:"byte_start,omitempty"`
	ByteEnd   *int `json:"byte_end,omitempty"`
	// and of the source file, where the text is not the file's own.
	SourceStart *int `json:"source_start,omitempty"`
	SourceEnd   *int `json:"source_end,omitempty"`
}

// Written returns a document's entities as they are written, and makes sure
// that their numbers cut their surfaces out of the text.
func (r *Result) Written(byteOffsets bool) ([]Entity, error) {
	points := corpus.NewPoints(r.Text)
	all := make([]Entity, len(r.Entities))
	for i, e := range r.Entities {
		span := corpus.Span{Start: e.Spans[0].Start, End: e.Spans[len(e.Spans)-1].End}
		w := Entity{
			Start: points.Of(span.Start), End: points.Of(span.End), Text: r.Text[span.Start:span.End],
			Label: e.Label, Score: e.Score, Normalized: e.Normalized, Section: r.section(span.Start), Sentence: r.In[i] + 1,
		}
		start, _ := points.Byte(w.Start)
		end, ok := points.Byte(w.End)
		if !ok || start > end || r.Text[start:end] != w.Text || strings.TrimSpace(w.Text) == "" {
			return nil, fmt.Errorf("extract: %s: %q is said to be at %d to %d, where the text does not have it; nothing was written of the document", r.ID, w.Text, w.Start, w.End)
		}
		if byteOffsets {
			w.ByteStart, w.ByteEnd = &span.Start, &span.End
		}
		if s, ok := r.SourceSpan(span); ok {
			w.SourceStart, w.SourceEnd = &s.Start, &s.End
		}
		all[i] = w
	}
	return all, nil
}

// section returns the name of the section that a byte is in.
func (r *Result) section(at int) string {
	for _, s := range r.Sections {
		if s.Start <= at && at < s.End {
			return s.Name
		}
	}
	return ""
}
