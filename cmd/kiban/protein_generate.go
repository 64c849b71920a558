package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/bio/protein"
	"github.com/kiban-models/kiban/bio/sequence"
)

func runGenerate(c *cli.Context) error {
	if c.NArg() > 0 {
		return usagef("unexpected input %q; sequences come from the model, and a beginning by --prompt. See %s --help", c.Args().First(), c.Command.HelpName)
	}
	o, prompts, err := generateOptions(c)
	if err != nil {
		return err
	}
	if c.Bool("dry-run") {
		return dryGenerate(c, o, prompts)
	}
	named, err := generateOutputs(c)
	if err != nil {
		return err
	}
	hash := ""
	if named { // before the weights are loaded, for it reads them all
		if hash, err = modelHash(c); err != nil {
			return err
		}
	}
	model, err := loadProtein(c)
	if err != nil {
		return err
	}
	defer model.Close()
	g := &generation{c: c, o: o, prompts: prompts, model: model, began: time.Now()}
	if named {
		err = g.open(hash)
	} else {
		g.journal = newSpool(len(prompts))
	}
	if err != nil {
		return err
	}
	if err := g.run(); err != nil {
		return g.leave(err, named)
	}
	if err := g.write(); err != nil {
		return errors.Join(err, g.journal.Close())
	}
	g.summary()
	return g.journal.Remove()
}

// generateOutputs checks before the work what could spoil it at the end, and
// reports whether the output is a file that has a name to be resumed by.
func generateOutputs(c *cli.Context) (named bool, err error) {
	if name := c.String("table"); name != "" {
		o, err := createFile(c, name)
		if err != nil {
			return false, err
		}
		o.Abort()
	}
	if name := c.String("out"); name != "" && name != "-" {
		st, err := os.Stat(name)
		if named = err != nil || st.Mode().IsRegular() || st.IsDir(); named {
			if err := mayWrite(c, name); err != nil {
				return false, err
			}
			if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
				return false, err
			}
		}
	}
	if c.Bool("resume") && !named {
		return false, usagef("--resume goes on with an interrupted run to a file; name the file with -o. See %s --help", c.Command.HelpName)
	}
	return named, nil
}

// generation is one run of the verb.
type generation struct {
	c       *cli.Context
	o       protein.GenerateOptions
	prompts []protein.Prompt
	model   *loaded
	journal *journal
	began   time.Time
	resumed int // sequences that were there

	kept, discarded, tokens int
	best                    protein.Candidate
}

// open begins the journal of the output, or goes on with it. hash is that of
// the model.
func (g *generation) open(hash string) error {
	s, err := generateSettings(g.model, hash, g.o, g.prompts)
	if err != nil {
		return err
	}
	if g.journal, err = openJournal(journalPath(g.c.String("out")), s, len(g.prompts), g.c.Bool("resume"), g.c.Bool("overwrite")); err != nil {
		return err
	}
	if g.resumed = len(g.journal.index); g.resumed > 0 {
		message(g.c, "going on after %s sequences", human(g.resumed))
	}
	g.o.From = g.journal.at
	return nil
}

// run generates into the journal, and straight to stdout what need not wait.
func (g *generation) run() error {
	c, total := g.c, 0
	for _, p := range g.prompts {
		total += p.N
	}
	var direct *fastaOutput
	if g.direct() {
		direct = newFastaOutput(c, c.App.Writer)
	}
	p := newProgress(c, "generating", int64(total)).Unit("sequence").From(int64(g.resumed))
	defer p.Done()
	g.kept = g.resumed
	generator := protein.Generator{Scoring: g.model.Scoring}
	return generator.Generate(c.Context, g.prompts, g.o, func(all []protein.Candidate, at []protein.Position) error {
		if err := g.journal.Add(all, at); err != nil {
			return err
		}
		g.kept += len(all)
		p.Update(int64(g.kept))
		if direct == nil {
			return nil
		}
		for _, x := range all {
			if err := direct.add(x); err != nil {
				return err
			}
		}
		return direct.end()
	})
}

// direct reports whether sequences go out as they come.
func (g *generation) direct() bool {
	name := g.c.String("out")
	return (name == "" || name == "-") && g.c.String("sort") == "none" && !g.c.Bool("json")
}

// leave keeps what has come, if anything can go on from it.
func (g *generation) leave(err error, named bool) error {
	var few *protein.TooFewError
	if !named || g.kept == 0 || errors.As(err, &few) {
		return errors.Join(err, g.journal.Remove())
	}
	serr := errors.Join(g.journal.Sync(), g.journal.Close())
	message(g.c, "saved %s sequences; go on with --resume", human(g.kept))
	return errors.Join(err, serr)
}

// write sorts what the journal holds into the output and the table.
func (g *generation) write() error {
	c := g.c
	orders := map[string]func(a, b indexed) int{
		"perplexity": func(a, b indexed) int { return cmp.Compare(a.perplexity, b.perplexity) },
		"length":     func(a, b indexed) int { return cmp.Compare(b.length, a.length) },
	}
	var to []candidateOutput
	var files []*output
	open := func(name, temporary string, form func(io.Writer) candidateOutput) error {
		f, err := createFileAs(c, name, temporary)
		if err != nil {
			return err
		}
		files, to = append(files, f), append(to, form(f))
		return nil
	}
	defer func() {
		for _, f := range files {
			f.Abort()
		}
	}()
	if name := c.String("table"); name != "" {
		if err := open(name, "", func(w io.Writer) candidateOutput { return &tsvOutput{w: w} }); err != nil {
			return err
		}
	}
	if !g.direct() {
		temporary := ""
		if g.journal.lock != nil { // what a killed process left is written over
			temporary = strings.TrimSuffix(g.journal.path, ".journal") + ".tmp"
		}
		err := open(c.String("out"), temporary, func(w io.Writer) candidateOutput {
			if c.Bool("json") {
				return &jsonOutput{w: w}
			}
			return newFastaOutput(c, w)
		})
		if err != nil {
			return err
		}
	}
	named := func(i int, err error) error {
		if err == nil || files[i].name == "-" {
			return err
		}
		return fmt.Errorf("%s: %w", files[i].name, err)
	}
	g.best.Perplexity = math.Inf(1)
	err := g.journal.Each(orders[c.String("sort")], func(x protein.Candidate) error {
		g.tokens += x.Tokens
		if x.Perplexity < g.best.Perplexity {
			g.best = x
		}
		for i, o := range to {
			if err := named(i, o.add(x)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i, o := range to {
		if err := named(i, o.end()); err != nil {
			return err
		}
	}
	for _, f := range files {
		if err := f.Commit(); err != nil {
			return err
		}
	}
	return nil
}

func (g *generation) summary() {
	c := g.c
	for _, p := range g.journal.at {
		g.discarded += p.Discarded
	}
	from := ""
	if g.best.ID != "" {
		from = fmt.Sprintf(", perplexity from %s (%s)", human(g.best.Perplexity), g.best.ID)
	}
	message(c, "%s sequences%s · %s samples discarded · %s tokens in %s on %s", human(g.kept), from, human(g.discarded),
		human(g.tokens), time.Since(g.began).Round(time.Second/10), g.model.Backend.Name())
	if name := c.String("out"); name != "" && name != "-" {
		message(c, "next: kiban protein score -m %s %s", g.model.path, name)
	}
}

// candidateOutput is a form in which sequences are written one by one.
type candidateOutput interface {
	add(protein.Candidate) error
	end() error
}

type fastaOutput struct{ w *sequence.Writer }

func newFastaOutput(c *cli.Context, w io.Writer) *fastaOutput {
	return &fastaOutput{sequence.NewWriter(w, c.Int("line-width"))}
}

func (o *fastaOutput) add(x protein.Candidate) error {
	end := "complete"
	if !x.Complete {
		end = "cut"
	}
	parts := strings.Split(x.ID, "_")
	return o.w.Write(sequence.Record{ID: x.ID, Residues: x.Residues, Description: fmt.Sprintf("perplexity=%.4f length=%d tokens=%d end=%s seed=%s",
		x.Perplexity, x.Length, x.Tokens, end, parts[len(parts)-2])})
}

func (o *fastaOutput) end() error { return o.w.Flush() }

var candidateColumns = table{columns: []string{"id", "length", "tokens", "log_likelihood", "perplexity", "perplexity_per_residue", "complete", "sequence"}}

func candidateRow(x protein.Candidate) []any {
	return []any{x.ID, x.Length, x.Tokens, x.LogLikelihood, x.Perplexity, x.ResiduePerplexity, x.Complete, string(x.Residues)}
}

type tsvOutput struct {
	w     io.Writer
	begun bool
}

func (o *tsvOutput) begin() error {
	if o.begun {
		return nil
	}
	o.begun = true
	_, err := o.w.Write(candidateColumns.tsv())
	return err
}

func (o *tsvOutput) add(x protein.Candidate) error {
	if err := o.begin(); err != nil {
		return err
	}
	_, err := io.WriteString(o.w, tsvLine(candidateRow(x)))
	return err
}

func (o *tsvOutput) end() error { return o.begin() }

type jsonOutput struct {
	w io.Writer
	n int
}

func (o *jsonOutput) add(x protein.Candidate) error {
	before := ",\n  "
	if o.n == 0 {
		before = "[\n  "
	}
	o.n++
	_, err := io.WriteString(o.w, before+candidateColumns.jsonObject(candidateRow(x)))
	return err
}

func (o *jsonOutput) end() error {
	text := "\n]\n"
	if o.n == 0 {
		text = "[]\n"
	}
	_, err := io.WriteString(o.w, text)
	return err
}

// dryGenerate checks everything and says what generation needs.
func dryGenerate(c *cli.Context, o protein.GenerateOptions, prompts []protein.Prompt) error {
	model, err := planProtein(c)
	if err != nil {
		return err
	}
	defer model.Close()
	g := protein.Generator{Scoring: model.Scoring}
	m, err := g.Memory(prompts, o)
	if err != nil {
		return err
	}
	total := 0
	for _, p := range prompts {
		total += p.N
	}
	message(c, "memory      %s: weights %s, caches %s, activations %s", size(m.Total()), size(m.Params), size(m.States), size(m.Scratch+m.IO))
	t := table{columns: []string{"parameters", "prompts", "sequences", "max_tokens", "device", "precision", "memory_bytes", "weights_bytes", "cache_bytes", "activations_bytes"}}
	t.add(model.Config.Parameters(), len(prompts), total, o.MaxTokens, model.Backend.Name(), precisionName(model.Policy), m.Total(), m.Params, m.States, m.Scratch+m.IO)
	return printTable(c, c.App.Writer, t)
}
