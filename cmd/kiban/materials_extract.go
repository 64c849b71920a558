package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/materials/corpus"
	"github.com/kiban-models/kiban/materials/extract"
	"github.com/kiban-models/kiban/materials/ner"
	"github.com/kiban-models/kiban/materials/relation"
)

func extractFlags() []cli.Flag {
	return append([]cli.Flag{
		newChoice(&cli.StringFlag{Name: "format", Category: catOutput, DefaultText: "by the suffix of -o, or jsonl", Usage: "form of the output"}, append(slices.Clone(extract.Formats), formatBrat, formatHTML)...),
		&cli.StringFlag{Name: "csv", Category: catOutput, Usage: "also write a line an entity to `FILE`"},
		&cli.StringFlag{Name: "html", Category: catOutput, Usage: "also write the texts with what was found marked to page `FILE`"},
		&cli.StringFlag{Name: "brat", Category: catOutput, Usage: "also write the texts with .ann files for brat into `DIR`"},
		&cli.BoolFlag{Name: "byte-offsets", Category: catOutput, Usage: "add places in bytes to those in code points", DisableDefaultText: true},
		&cli.Float64Flag{Name: "min-score", Category: catOutput, Usage: "leave out entities of a score below `X`"},
		newChoice(&cli.StringFlag{Name: "aggregate", Category: catModel, Value: string(ner.First), Usage: "pieces that decide on a word's label"}, ner.Aggregates...),
		&cli.IntFlag{Name: "stride", Category: catModel, Value: 128, Usage: "windows of a sentence that is too long for the model share `N` tokens"},
		&cli.StringFlag{Name: "relations", Category: catModel, Usage: "find relations too, with the model in `DIR`"},
	}, documentFlags()...)
}

// The formats that are no stream: a folder, and a page with others beside it.
const (
	formatBrat = "brat"
	formatHTML = "html"
)

func documentFlags() []cli.Flag {
	return []cli.Flag{
		newChoice(&cli.StringFlag{Name: "kind", Category: catInput, DefaultText: "by content and suffix", Usage: "kind of the files"},
			string(corpus.Text), string(corpus.JSONL), string(corpus.JSON), string(corpus.CSV), string(corpus.TSV), string(corpus.XML), string(corpus.PDF)),
		newChoice(&cli.StringFlag{Name: "unit", Category: catInput, Value: "file", Usage: "what a document is in plain text"}, "file", "line", "paragraph"),
		&cli.StringFlag{Name: "text-column", Category: catInput, DefaultText: "the usual names", Usage: "`NAME` of the column of texts in CSV files"},
		&cli.StringFlag{Name: "id-column", Category: catInput, DefaultText: "the usual names", Usage: "`NAME` of the column of IDs"},
		newChoice(&cli.StringFlag{Name: "invalid", Category: catInput, Value: "error", Usage: "bytes that are not UTF-8"}, "error", "replace"),
		newChoice(&cli.StringFlag{Name: "mojibake", Category: catInput, Value: "warn", Usage: "UTF-8 that was read as another encoding"}, "warn", "repair"),
		&cli.StringFlag{Name: "max-document", Category: catInput, Value: "64M", Usage: "refuse documents of more than `SIZE`"},
		limitFlag(),
	}
}

// documentOptions are those of the flags.
func documentOptions(c *cli.Context) (corpus.Options, error) {
	o := corpus.Options{
		Kind: corpus.Kind(c.String("kind")), TextColumn: c.String("text-column"), IDColumn: c.String("id-column"),
		ReplaceInvalid: c.String("invalid") == "replace", RepairMojibake: c.String("mojibake") == "repair",
		Ignored: func(path string) { detail(c, "%s: not a kind of file that is read", path) },
	}
	switch c.String("unit") {
	case "line":
		o.Unit = corpus.Line
	case "paragraph":
		o.Unit = corpus.Paragraph
	}
	var err error
	o.MaxBytes, err = sizeFlag(c, "max-document")
	return o, err
}

func runExtract(c *cli.Context) error {
	in, err := inputs(c)
	if err != nil {
		return err
	}
	path, err := requireModel(c)
	if err != nil {
		return err
	}
	reading, err := documentOptions(c)
	if err != nil {
		return err
	}
	if s := c.Float64("min-score"); s < 0 || s > 1 {
		return usagef("flag --min-score: %g is no probability; give 0 to 1. See %s --help", s, c.Command.HelpName)
	}
	for _, p := range in { // before the model is loaded
		if _, err := os.Stat(p); p != "-" && err != nil {
			return err
		}
	}
	model, err := openNER(c, path)
	if err != nil {
		return err
	}
	defer model.close()
	out, err := openExtracted(c, model, path)
	if err != nil {
		return err
	}
	defer out.abort()
	x := extract.New(model, extract.Options{
		Sentences: corpus.Sentences, Words: corpus.Words, MinScore: c.Float64("min-score"), Normalize: normalizedFormula,
	})
	e := &extraction{c: c, out: out, model: model, began: time.Now()}
	e.bar = newExtractProgress(c, in)
	sum, err := x.Run(c.Context, e.documents(in, reading), e.write, e.skip)
	e.bar.Done()
	if err != nil {
		if contextInterrupted(c) {
			message(c, "interrupted after %s documents; no output was written", human(sum.Documents))
		}
		return err
	}
	if err := out.commit(); err != nil {
		return err
	}
	return e.finish(sum)
}

// nerModel is a model of entities, and perhaps one of relations, each on a
// backend of its own: both call their weights alike.
type nerModel struct {
	*ner.Model
	relations *relation.Model
	device    string
	close     func()
}

func openNER(c *cli.Context, path string) (*nerModel, error) {
	m := &nerModel{}
	var closers []func() error
	m.close = func() {
		for _, f := range slices.Backward(closers) {
			f()
		}
	}
	if err := m.open(c, path, &closers); err != nil {
		m.close()
		return nil, err
	}
	return m, nil
}

func (m *nerModel) open(c *cli.Context, path string, closers *[]func() error) error {
	b, err := openBackend(c)
	if err != nil {
		return err
	}
	*closers = append(*closers, b.Close)
	m.device = b.Name()
	p, err := policy(c.String("precision"), false, b)
	if err != nil {
		return err
	}
	if m.Model, err = ner.Open(path, b, p); err != nil {
		return err
	}
	*closers = append(*closers, m.Model.Close)
	if err := m.SetAggregate(ner.Aggregate(c.String("aggregate"))); err != nil {
		return usagef("flag --aggregate: %v. See %s --help", err, c.Command.HelpName)
	}
	if n := c.Int("stride"); n < 0 {
		return usagef("flag --stride: %d tokens; give 0 or more. See %s --help", n, c.Command.HelpName)
	} else if c.IsSet("stride") {
		if most := (m.Frame.Length - 2) / 2; n > most {
			return usagef("flag --stride: windows of %d tokens cannot share %d; give %d or less. See %s --help", m.Frame.Length, n, most, c.Command.HelpName)
		}
		m.Frame.Stride = n
	}
	if dir := c.String("relations"); dir != "" {
		b, err := openBackend(c)
		if err != nil {
			return err
		}
		*closers = append(*closers, b.Close)
		if m.relations, err = relation.Open(dir, b, p); err != nil {
			return err
		}
		*closers = append(*closers, m.relations.Close)
	}
	return nil
}

// related are the labels of relations that can be found.
func (m *nerModel) related() []string {
	if m.relations == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(m.relations.Labels), func(l string) bool { return l == relation.None })
}

// extraction is a run of extract.
type extraction struct {
	c       *cli.Context
	out     *extracted
	model   *nerModel
	bar     *extractProgress
	began   time.Time
	skipped int
	odd     int // warnings
	pairs   int // too long for the model of relations
	related int
}

// documents are those of the inputs, at most --limit.
func (e *extraction) documents(in []string, o corpus.Options) func(yield func(corpus.Document, error) bool) {
	limit := e.c.Int("limit")
	return func(yield func(corpus.Document, error) bool) {
		n := 0
		for d, err := range corpus.Files(in, o) {
			if err == nil {
				for _, w := range d.Warnings {
					if e.odd++; e.odd <= maxTold {
						warning(e.c, "%v", w)
					}
				}
				n++
			}
			if !yield(d, err) || limit > 0 && n >= limit {
				return
			}
		}
	}
}

func (e *extraction) write(r *extract.Result) error {
	if m := e.model.relations; m != nil {
		n, err := m.Relate(e.c.Context, &r.Annotated)
		if err != nil {
			return err
		}
		e.pairs += n
		e.related += len(r.Relations)
	}
	e.bar.document(r)
	return e.out.write(r)
}

// skip reports what cannot be read; the others are read all the same.
func (e *extraction) skip(err error) error {
	if e.c.Context.Err() != nil {
		return e.c.Context.Err()
	}
	if e.skipped++; e.skipped <= maxTold {
		warning(e.c, "passed over: %v", err)
	} else if e.skipped == maxTold+1 {
		warning(e.c, "more files cannot be read; their number is in the summary")
	}
	return nil
}

// finish says what came of it. What could not be read makes the run fail, after
// the rest was written.
func (e *extraction) finish(sum extract.Summary) error {
	took := time.Since(e.began)
	var labels []string
	for _, l := range slices.Sorted(func(yield func(string) bool) {
		for l := range sum.Labels {
			if !yield(l) {
				return
			}
		}
	}) {
		labels = append(labels, fmt.Sprintf("%s %s", l, human(sum.Labels[l])))
	}
	if n := sum.Empty; n > 0 && sum.Documents == 0 && sum.Skipped == 0 {
		return fmt.Errorf("none of %s documents has any text", human(n))
	}
	if sum.Documents == 0 && sum.Skipped == 0 {
		warning(e.c, "no documents in the input")
		return nil
	}
	if e.odd > maxTold {
		warning(e.c, "%s more warnings of this kind", human(e.odd-maxTold))
	}
	if e.pairs > 0 {
		warning(e.c, "%s pairs of entities are too far apart for the model of relations", human(e.pairs))
	}
	relations := ""
	if e.model.relations != nil {
		relations = fmt.Sprintf(", %s relations", human(e.related))
	}
	message(e.c, "%s entities%s in %s documents, %s sentences (%s) · %s documents/s · %s on %s", human(sum.Entities), relations, human(sum.Documents),
		human(sum.Sentences), orNone(strings.Join(labels, ", ")), human(float64(sum.Documents)/max(1e-9, took.Seconds())), took.Round(time.Second/10), e.model.device)
	if sum.Skipped > 0 {
		return fmt.Errorf("%s of %s documents were skipped; what the others have was written", human(sum.Skipped), human(sum.Skipped+sum.Documents))
	}
	return nil
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// extractProgress counts the bytes of files that are done, for the time left.
// Within a file it goes by the bytes of text that came out of it.
type extractProgress struct {
	*progress
	sizes     map[string]int64
	done      int64 // files before the current one
	source    string
	within    int64
	documents int
	entities  int
}

func newExtractProgress(c *cli.Context, in []string) *extractProgress {
	p := &extractProgress{sizes: map[string]int64{}}
	total := int64(0)
	for _, path := range in {
		if path == "-" {
			total = 0
			break
		}
		// What cannot be looked at is told when it is read.
		_ = filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
			if err != nil {
				return nil
			}
			if base := d.Name(); name != path && strings.HasPrefix(base, ".") {
				if d.IsDir() {
					return fs.SkipDir
				}
				return nil
			}
			if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
				p.sizes[name] = info.Size()
				total += info.Size()
			}
			return nil
		})
	}
	p.progress = newProgress(c, "extracting", total).Unit("byte")
	return p
}

// document says that one more is done.
func (p *extractProgress) document(r *extract.Result) {
	if r.Source != p.source {
		p.done += p.sizes[p.source]
		p.source, p.within = r.Source, 0
	}
	p.within += int64(len(r.Text))
	p.documents++
	p.entities += len(r.Entities)
	done := p.done + p.within
	if size, ok := p.sizes[p.source]; ok {
		done = p.done + min(p.within, size)
	}
	p.Update(done, "documents", strconv.Itoa(p.documents), "entities", strconv.Itoa(p.entities))
}
