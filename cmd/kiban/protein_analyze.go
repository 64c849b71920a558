package main

import (
	"context"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/bio/novelty"
	"github.com/kiban-models/kiban/bio/property"
	"github.com/kiban-models/kiban/bio/protein"
	"github.com/kiban-models/kiban/bio/sequence"
	"github.com/kiban-models/kiban/core/dataset"
)

// naturalSample is how many natural sequences are kept, to compare properties
// and lengths with; totals are of all of them.
const naturalSample = 5000

// sequenceSet is what is known of one set of sequences.
type sequenceSet struct {
	name       string // generated, training or reference
	stats      sequence.Stats
	letters    [256]int64
	records    []sequence.Record // all, or a sample
	properties []property.Properties
}

// analysis is everything that analyze found out.
type analysis struct {
	generated sequenceSet
	training  *sequenceSet // nil without training data
	reference *sequenceSet // nil without a reference
	found     *novelty.Result
	memory    novelty.Memorisation
	network   *novelty.Network // nil when none was asked for
	options   analyzeOptions
}

type analyzeOptions struct {
	novelBelow   float64
	memorisation novelty.MemorisationOptions
}

// natural is the set that generated sequences are drawn beside, or nil.
func (a *analysis) natural() *sequenceSet {
	if a.reference != nil {
		return a.reference
	}
	return a.training
}

func runAnalyze(c *cli.Context) error {
	in, err := inputs(c)
	if err != nil {
		return err
	}
	reader, err := readerOptions(c)
	if err != nil {
		return err
	}
	reader.Type = sequence.Protein
	for _, name := range []string{"novel-below", "memorised-share", "network-identity"} {
		if v := c.Float64(name); !(v > 0 && v <= 1) {
			return usagef("flag --%s: %v is no share; give a number above 0 and up to 1. See %s --help", name, v, c.Command.HelpName)
		}
	}
	dir := c.String("out")
	if dir == "-" {
		dir = ""
	}
	if dir != "" {
		if dir, err = outputDir(c, false); err != nil {
			return err
		}
	} else if c.Bool("multiqc") || c.String("prefix") != "" {
		return usagef("--multiqc and --prefix name files; give a directory for them with -o DIR. See %s --help", c.Command.HelpName)
	}
	began := time.Now()
	a, err := analyze(c, in, reader, dir != "")
	if err != nil {
		return err
	}
	if len(a.generated.records) == 0 {
		warning(c, "no sequences in the input")
	}
	if dir == "" {
		err = printTable(c, c.App.Writer, a.propertyTable())
	} else {
		if err = writeAnalysis(c, dir, in, a); err == nil {
			err = printTable(c, c.App.Writer, a.shortSummary())
		}
	}
	if err != nil {
		return err
	}
	message(c, "%s · %s", a.finding(), time.Since(began).Round(time.Second/10))
	if dir != "" && c.Bool("report") {
		message(c, "next: open %s", filepath.Join(dir, prefixed(c, "report.html")))
	}
	return nil
}

func analyze(c *cli.Context, in []string, reader sequence.Options, full bool) (*analysis, error) {
	a := &analysis{generated: sequenceSet{name: "generated"}}
	a.options = analyzeOptions{c.Float64("novel-below"),
		novelty.MemorisationOptions{Length: c.Int("memorised-length"), Share: c.Float64("memorised-share")}}
	err := eachRecords(c.Context, in, reader, c.Int("limit"), func(records []sequence.Record) error {
		a.generated.records = append(a.generated.records, records...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	a.generated.count(in)
	if err := a.generated.compute(c, "computing properties"); err != nil {
		return nil, err
	}
	// Natural sequences are read as they are: what is odd in them is not the
	// user's to mend.
	lenient := sequence.Options{Type: sequence.Protein, Invalid: sequence.ReplaceInvalid, Gaps: sequence.RemoveGaps, Empty: sequence.SkipEmpty,
		NoDescriptions: true}
	if files := list(c, "reference"); full && len(files) > 0 {
		if a.reference, _, err = a.stream(c, "reference", files, lenient, nil); err != nil {
			return nil, err
		}
	}
	if files := list(c, "training"); len(files) > 0 {
		if a.training, a.found, err = a.stream(c, "training", files, lenient, a.generated.records); err != nil {
			return nil, err
		}
		a.memory = novelty.Memorise(a.generated.records, a.found, a.options.memorisation)
	}
	if n := c.Int("network-sample"); full && n > 0 && len(a.generated.records) > 0 {
		if a.network, err = a.similarity(c, n); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// stream passes natural sequences by the queries and keeps a sample of them.
func (a *analysis) stream(c *cli.Context, name string, files []string, o sequence.Options, queries []sequence.Record) (*sequenceSet, *novelty.Result, error) {
	bars := &phases{c: c, unit: "sequence"}
	defer bars.done()
	r, err := novelty.Search(c.Context, queries, naturalSequences(c.Context, files, o), novelty.Options{
		Candidates: c.Int("candidates"), Sample: naturalSample, Threads: threads(c),
		Progress: func(phase string, done, total int64) {
			if phase == "searching" {
				phase = "reading " + name + " sequences"
			}
			bars.update(phase, done, total)
		}})
	if err != nil {
		return nil, nil, err
	}
	t := r.Training
	if t.Sequences == 0 {
		return nil, nil, fmt.Errorf("%s: no sequences; name the %s sequences with --%s", files[0], name, name)
	}
	s := &sequenceSet{name: name, letters: t.Letters, records: t.Sample}
	s.stats = sequence.Stats{File: shownFiles(files), Format: "FASTA", Type: "Protein", Num: t.Sequences, Sum: t.Residues,
		Min: int64(t.Shortest), Avg: float64(t.Residues) / float64(t.Sequences), Max: int64(t.Longest)}
	if _, err := os.Stat(filepath.Join(files[0], protein.TrainDir, dataset.ManifestFile)); err == nil {
		s.stats.Format = "tokens"
	}
	bars.done()
	return s, r, s.compute(c, "computing properties of "+name+" sequences")
}

// naturalSequences yields the records of FASTA files and of directories that
// prepare wrote, one after another.
func naturalSequences(ctx context.Context, names []string, o sequence.Options) iter.Seq2[sequence.Record, error] {
	return func(yield func(sequence.Record, error) bool) {
		for _, name := range names {
			if !naturalFile(ctx, name, o, yield) {
				return
			}
		}
	}
}

func naturalFile(ctx context.Context, name string, o sequence.Options, yield func(sequence.Record, error) bool) bool {
	var all iter.Seq2[sequence.Record, error]
	if st, err := os.Stat(name); err == nil && st.IsDir() {
		p, err := protein.OpenPrepared(name, protein.TrainDir)
		if err != nil {
			yield(sequence.Record{}, err)
			return false
		}
		defer p.Close()
		all = p.All()
	} else {
		r, err := sequence.Open(name, o)
		if err != nil {
			yield(sequence.Record{}, err)
			return false
		}
		defer r.Close()
		all = r.All()
	}
	n := 0
	for rec, err := range all {
		if n++; n%256 == 0 && err == nil {
			err = ctx.Err()
		}
		if !yield(rec, err) || err != nil {
			return false
		}
	}
	return true
}

// similarity joins a sample of the generated sequences with natural ones: the
// nearest training sequence of each, and a sample.
func (a *analysis) similarity(c *cli.Context, n int) (*novelty.Network, error) {
	bars := &phases{c: c, unit: "sequence"}
	defer bars.done()
	generated := novelty.Choose(a.generated.records, n)
	var natural []sequence.Record
	seen := map[string]bool{}
	add := func(id string, residues []byte) {
		if !seen[id] && len(natural) < n {
			seen[id] = true
			natural = append(natural, sequence.Record{ID: id, Residues: residues})
		}
	}
	if a.found != nil {
		for _, g := range generated {
			if hits := a.found.Hits[g.Index]; len(hits) > 0 {
				add(hits[0].Target, hits[0].TargetResidues)
			}
		}
	}
	if s := a.natural(); s != nil {
		for _, r := range novelty.Choose(s.records, n) {
			add(r.ID, r.Residues)
		}
	}
	return novelty.NewNetwork(c.Context, generated, natural, novelty.NetworkOptions{
		Identity: c.Float64("network-identity"), Threads: threads(c),
		Progress: func(_ string, done, total int64) { bars.update("joining similar sequences", done, total) },
	})
}

// count fills the statistics of a set that is held whole.
func (s *sequenceSet) count(files []string) {
	s.stats = sequence.Stats{File: shownFiles(files), Format: "FASTA", Type: "Protein"}
	for i := range s.records {
		s.records[i].Index = i // of all files together
		s.stats.Add(len(s.records[i].Residues))
		for _, b := range s.records[i].Residues {
			s.letters[b]++
		}
	}
}

func (s *sequenceSet) compute(c *cli.Context, phase string) error {
	bars := &phases{c: c, unit: "sequence"}
	defer bars.done()
	const part = 64
	s.properties = make([]property.Properties, len(s.records))
	work := make(chan int)
	var workers sync.WaitGroup
	for range threads(c) {
		workers.Go(func() {
			for from := range work {
				for i := from; i < min(from+part, len(s.records)); i++ {
					s.properties[i] = property.Of(s.records[i].Residues)
				}
			}
		})
	}
	for from := 0; from < len(s.records) && c.Context.Err() == nil; from += part {
		work <- from
		bars.update(phase, int64(from), int64(len(s.records)))
	}
	close(work)
	workers.Wait()
	return c.Context.Err()
}

func shownFiles(names []string) string {
	shown := names[0]
	if shown == "-" {
		shown = "standard input"
	}
	if n := len(names); n > 1 {
		shown += fmt.Sprintf(" and %d more", n-1)
	}
	return shown
}

// finding is the result in one line.
func (a *analysis) finding() string {
	n := len(a.generated.records)
	var b strings.Builder
	fmt.Fprintf(&b, "%s sequences", human(n))
	if a.found == nil {
		b.WriteString("; without --training nothing is known of their novelty")
		return b.String()
	}
	novel := 0
	for i := range n {
		if a.novel(i) {
			novel++
		}
	}
	fmt.Fprintf(&b, " beside %s of training: %s novel (below %.0f %% identity), %s extracted (%s copies), longest exact match %s residues",
		human(a.training.stats.Num), human(novel), 100*a.options.novelBelow, human(a.memory.Extracted), human(a.memory.Copies), human(a.memory.Longest))
	return b.String()
}

// nearest is the best hit of sequence i, false where there is none.
func (a *analysis) nearest(i int) (novelty.Hit, bool) {
	if a.found == nil || len(a.found.Hits[i]) == 0 {
		return novelty.Hit{}, false
	}
	return a.found.Hits[i][0], true
}

func (a *analysis) novel(i int) bool {
	h, ok := a.nearest(i)
	return !ok || h.QueryIdentity() < a.options.novelBelow
}

// phases shows the progress of one phase after another.
type phases struct {
	c     *cli.Context
	unit  string
	phase string
	bar   *progress
}

func (p *phases) update(phase string, done, total int64) {
	if phase != p.phase || p.bar == nil {
		p.done()
		p.phase, p.bar = phase, newProgress(p.c, phase, total).Unit(p.unit)
	}
	p.bar.Update(done)
}

func (p *phases) done() {
	if p.bar != nil {
		p.bar.Done()
		p.bar = nil
	}
}
