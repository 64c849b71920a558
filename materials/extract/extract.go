package extract

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/kiban-models/kiban/materials/corpus"
	"github.com/kiban-models/kiban/materials/ner"
)

// Tagger labels sentences of words; *ner.Tagger is one. What it says of one
// does not depend on the others.
type Tagger interface {
	Tag(ctx context.Context, sentences [][]string) ([]ner.Sentence, error)
}

// Options are the choices of an Extractor.
type Options struct {
	// Sentences and Words cut a text and a sentence: as the model was taught,
	// or it finds less.
	Sentences, Words func(text string) []corpus.Span
	// MinScore drops entities of a smaller score.
	MinScore float64
	// Normalize, if not nil, returns the canonical form of an entity, "" for
	// none.
	Normalize func(label, surface string) string
	// Tick, if not nil, learns how much is done.
	Tick func(Summary)
}

// Summary counts what was read and found.
type Summary struct {
	Documents int            `json:"documents"`
	Skipped   int            `json:"skipped"` // could not be read
	Empty     int            `json:"empty"`   // had no words
	Sentences int            `json:"sentences"`
	Words     int            `json:"words"`
	Bytes     int64          `json:"bytes"` // of text
	Entities  int            `json:"entities"`
	Labels    map[string]int `json:"labels"`
}

// Result is a document with what was found in it.
type Result struct {
	corpus.Annotated
	Sentences []corpus.Span
	In        []int // the sentence of each entity
}

// Extractor finds entities in documents.
type Extractor struct {
	tagger Tagger
	opt    Options
	size   int // sentences that are tagged together
}

// Sentences are tagged so many together that it takes about chunkTime: enough of
// each length to fill batches, and few enough to see progress.
const (
	minChunk  = 256
	maxChunk  = 4096
	chunkTime = 4 * time.Second
)

// maxWords bounds what is tagged as one sentence. A text without ends of
// sentences, such as a table, is cut there.
const maxWords = 1000

// New returns an Extractor.
func New(t Tagger, o Options) *Extractor {
	return &Extractor{tagger: t, opt: o, size: minChunk}
}

// Run reads documents, at most a few hundred sentences ahead, and hands each
// with its entities to write, in order. A document that cannot be read, an
// error in docs, is counted, as one without text is, and handed to skip, which
// ends the run by returning an error; a document is let go as soon as it is
// written.
func (x *Extractor) Run(ctx context.Context, docs iter.Seq2[corpus.Document, error], write func(*Result) error, skip func(error) error) (Summary, error) {
	r := &running{Extractor: x, ctx: ctx, write: write, sum: Summary{Labels: map[string]int{}}}
	for d, err := range docs {
		if err := ctx.Err(); err != nil {
			return r.sum, err
		}
		if err != nil {
			if errors.Is(err, context.Canceled) {
				return r.sum, err
			}
			if errors.Is(err, corpus.ErrEmpty) {
				r.sum.Empty++
			} else {
				r.sum.Skipped++
			}
			if err := skip(err); err != nil {
				return r.sum, err
			}
			continue
		}
		if err := r.add(d); err != nil {
			return r.sum, err
		}
	}
	err := r.flush()
	return r.sum, err
}

// running is a run: documents in order, and the sentences that are to be tagged.
type running struct {
	*Extractor
	ctx   context.Context
	write func(*Result) error
	sum   Summary
	docs  []*Result // those that are not written
	words [][]string
	of    []stretch
}

// stretch says where the words of a sentence, or of a part of one, are.
type stretch struct {
	doc      *Result
	sentence int
	words    []corpus.Span // within the document
}

func (r *running) add(d corpus.Document) error {
	doc := &Result{Annotated: corpus.Annotated{Document: d}, Sentences: r.opt.Sentences(d.Text)}
	r.docs = append(r.docs, doc)
	r.sum.Bytes += int64(len(d.Text))
	any := false
	for i, s := range doc.Sentences {
		spans := r.opt.Words(d.Text[s.Start:s.End])
		for len(spans) > 0 {
			any = true
			part := stretch{doc: doc, sentence: i}
			var words []string
			for _, w := range spans[:min(len(spans), maxWords)] {
				w.Start, w.End = w.Start+s.Start, w.End+s.Start
				part.words, words = append(part.words, w), append(words, d.Text[w.Start:w.End])
			}
			spans = spans[len(words):]
			r.sum.Words += len(words)
			r.words, r.of = append(r.words, words), append(r.of, part)
			if len(r.words) >= r.size {
				if err := r.tag(); err != nil {
					return err
				}
			}
		}
	}
	r.sum.Sentences += len(doc.Sentences)
	if !any {
		r.sum.Empty++
	}
	if len(r.docs) > maxChunk { // many without words
		return r.flush()
	}
	return nil
}

// tag tags what waits, and writes the documents all of whose sentences are done:
// all but the last, to which more may come.
func (r *running) tag() error {
	began := time.Now()
	found, err := r.tagger.Tag(r.ctx, r.words)
	if err != nil {
		return err
	}
	for i, s := range found {
		if err := r.take(r.of[i], s.Entities); err != nil {
			return err
		}
	}
	if took := time.Since(began); took < chunkTime/2 {
		r.size = min(2*r.size, maxChunk)
	} else if took > 2*chunkTime {
		r.size = max(r.size/2, minChunk)
	}
	clear(r.words)
	clear(r.of)
	r.words, r.of = r.words[:0], r.of[:0]
	return r.done(len(r.docs) - 1)
}

func (r *running) flush() error {
	if len(r.words) > 0 {
		if err := r.tag(); err != nil {
			return err
		}
	}
	return r.done(len(r.docs))
}

func (r *running) done(n int) error {
	for i, doc := range r.docs[:n] {
		if err := r.write(doc); err != nil {
			return err
		}
		r.docs[i] = nil
		r.sum.Documents++
	}
	r.docs = append(r.docs[:0], r.docs[n:]...)
	if r.opt.Tick != nil {
		r.opt.Tick(r.sum)
	}
	return nil
}

func (r *running) take(s stretch, found []ner.Entity) error {
	for _, f := range found {
		if f.First < 0 || f.Past > len(s.words) || f.First >= f.Past {
			return fmt.Errorf("extract: words %d to %d of %d", f.First, f.Past, len(s.words))
		}
		if f.Score < r.opt.MinScore {
			continue
		}
		span := corpus.Span{Start: s.words[f.First].Start, End: s.words[f.Past-1].End}
		e := corpus.Entity{
			ID: fmt.Sprintf("T%d", len(s.doc.Entities)+1), Label: f.Label, Spans: []corpus.Span{span}, Score: f.Score,
		}
		if r.opt.Normalize != nil {
			e.Normalized = r.opt.Normalize(e.Label, s.doc.Text[span.Start:span.End])
		}
		s.doc.Entities, s.doc.In = append(s.doc.Entities, e), append(s.doc.In, s.sentence)
		r.sum.Entities++
		r.sum.Labels[e.Label]++
	}
	return nil
}
