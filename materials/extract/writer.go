package extract

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
)

// Writer writes documents with what was found in them, one after the other.
type Writer interface {
	Write(r *Result) error
	// Close writes what comes last. The stream below stays open.
	Close() error
}

// The formats of NewWriter.
const (
	JSONL   = "jsonl"   // a record a document
	CSV     = "csv"     // a line an entity
	TSV     = "tsv"     // the same, by tabs
	HF      = "hf"      // a line a document: the list of transformers' pipeline
	Prodigy = "prodigy" // a task a document
)

// Formats are the formats that go into one stream.
var Formats = []string{JSONL, CSV, TSV, HF, Prodigy}

// WriterOptions are the choices of NewWriter.
type WriterOptions struct {
	Model       string // named in the records
	ByteOffsets bool
}

// NewWriter returns a writer of a format.
func NewWriter(w io.Writer, format string, o WriterOptions) (Writer, error) {
	switch format {
	case JSONL:
		return lines{w, o, jsonRecord}, nil
	case HF:
		return lines{w, o, hfRecord}, nil
	case Prodigy:
		return lines{w, o, prodigyRecord}, nil
	case CSV, TSV:
		t := &rows{csv: csv.NewWriter(w), opt: o}
		if format == TSV {
			t.csv.Comma = '\t'
		}
		columns := []string{"doc_id", "section", "sentence", "start", "end", "text", "label", "score", "normalized"}
		if o.ByteOffsets {
			columns = append(columns, "byte_start", "byte_end")
		}
		return t, t.csv.Write(columns)
	}
	return nil, fmt.Errorf("extract: no format %q", format)
}

// lines are of JSON.
type lines struct {
	w      io.Writer
	opt    WriterOptions
	record func(r *Result, all []Entity, o WriterOptions) any
}

func (l lines) Write(r *Result) error {
	all, err := r.Written(l.opt.ByteOffsets)
	if err != nil {
		return err
	}
	e := json.NewEncoder(l.w)
	e.SetEscapeHTML(false)
	return e.Encode(l.record(r, all, l.opt))
}

func (l lines) Close() error { return nil }

type meta struct {
	Source string            `json:"source,omitempty"`
	Title  string            `json:"title,omitempty"`
	Model  string            `json:"model,omitempty"`
	More   map[string]string `json:"document,omitempty"`
}

func metaOf(r *Result, o WriterOptions) meta {
	return meta{r.Source, r.Title, o.Model, r.Meta}
}

type relation struct {
	Head  int     `json:"head"`
	Tail  int     `json:"tail"`
	Label string  `json:"label"`
	Score float64 `json:"score"`
}

func jsonRecord(r *Result, all []Entity, o WriterOptions) any {
	relations := make([]relation, len(r.Relations))
	for i, x := range r.Relations {
		relations[i] = relation{x.Head, x.Tail, x.Label, x.Score}
	}
	return struct {
		ID        string     `json:"id"`
		Text      string     `json:"text"`
		Entities  []Entity   `json:"entities"`
		Relations []relation `json:"relations"`
		Meta      meta       `json:"meta"`
	}{r.ID, r.Text, all, relations, metaOf(r, o)}
}

// hfRecord has just the keys of transformers' token-classification pipeline.
func hfRecord(_ *Result, all []Entity, _ WriterOptions) any {
	type entity struct {
		Group string  `json:"entity_group"`
		Score float64 `json:"score"`
		Word  string  `json:"word"`
		Start int     `json:"start"`
		End   int     `json:"end"`
	}
	out := make([]entity, len(all))
	for i, e := range all {
		out[i] = entity{e.Label, e.Score, e.Text, e.Start, e.End}
	}
	return out
}

func prodigyRecord(r *Result, all []Entity, o WriterOptions) any {
	type span struct {
		Start int     `json:"start"`
		End   int     `json:"end"`
		Label string  `json:"label"`
		Text  string  `json:"text"`
		Score float64 `json:"score"`
	}
	type about struct {
		ID string `json:"id"`
		meta
	}
	spans := make([]span, len(all))
	for i, e := range all {
		spans[i] = span{e.Start, e.End, e.Label, e.Text, e.Score}
	}
	return struct {
		Text  string `json:"text"`
		Spans []span `json:"spans"`
		Meta  about  `json:"meta"`
	}{r.Text, spans, about{r.ID, metaOf(r, o)}}
}

// rows are lines of a table, an entity each.
type rows struct {
	csv *csv.Writer
	opt WriterOptions
}

func (t *rows) Write(r *Result) error {
	all, err := r.Written(t.opt.ByteOffsets)
	if err != nil {
		return err
	}
	for _, e := range all {
		line := []string{
			r.ID, e.Section, strconv.Itoa(e.Sentence), strconv.Itoa(e.Start), strconv.Itoa(e.End), e.Text, e.Label,
			strconv.FormatFloat(e.Score, 'f', 4, 64), e.Normalized,
		}
		if t.opt.ByteOffsets {
			line = append(line, strconv.Itoa(*e.ByteStart), strconv.Itoa(*e.ByteEnd))
		}
		if err := t.csv.Write(line); err != nil {
			return err
		}
	}
	t.csv.Flush()
	return t.csv.Error()
}

func (t *rows) Close() error {
	t.csv.Flush()
	return t.csv.Error()
}
