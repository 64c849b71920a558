package main

import (
	"bufio"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/materials/corpus"
	"github.com/kiban-models/kiban/materials/encoder"
	"github.com/kiban-models/kiban/materials/task"
	"github.com/kiban-models/kiban/materials/vector"
)

func embedFlags() []cli.Flag {
	return append([]cli.Flag{
		&cli.StringSliceFlag{Name: "pool", Category: catModel, Value: cli.NewStringSlice(string(encoder.Mean)), Usage: "make the vector of `POOLS`: mean of the tokens' states, cls for the first's, or mean,cls for both"},
		&cli.BoolFlag{Name: "normalize", Category: catModel, Usage: "make vectors of length 1, whose dot product is the cosine", DisableDefaultText: true},
		&cli.IntFlag{Name: "max-tokens", Category: catModel, DefaultText: "the model's", Usage: "give the model `N` tokens at once"},
		&cli.BoolFlag{Name: "truncate", Category: catModel, Usage: "leave out what is longer, not average over windows of it", DisableDefaultText: true},
		newChoice(&cli.StringFlag{Name: "characters", Category: catModel, DefaultText: "the model's", Usage: "how those that the vocabulary lacks are replaced"}, task.NormalizeMapping, task.NormalizeRules, task.NormalizeNone),
		dryRunFlag(),
	}, documentFlags()...)
}

// The number of texts that are in memory at a time, and about their size: many,
// so that there are enough of like lengths, but done within some seconds.
const (
	minTogether   = 256
	maxTogether   = 4096
	togetherBytes = 8 << 20
	togetherTime  = 5 * time.Second
)

func runEmbed(c *cli.Context) error {
	in, err := inputs(c)
	if err != nil {
		return err
	}
	o, err := embedOptions(c)
	if err != nil {
		return err
	}
	reading, err := documentOptions(c)
	if err != nil {
		return err
	}
	e, err := openEmbedding(c, o)
	if err != nil {
		return err
	}
	defer e.close()
	if c.Bool("dry-run") {
		return e.dryRun()
	}
	if e.out, err = createVectors(c, o, e.model.Config.Width); err != nil {
		return err
	}
	defer e.out.abort()
	if err := e.run(in, reading); err != nil {
		return err
	}
	if err := e.out.commit(); err != nil {
		return err
	}
	return e.finish()
}

func embedOptions(c *cli.Context) (vector.Options, error) {
	o := vector.Options{Normalize: c.Bool("normalize"), MaxTokens: c.Int("max-tokens"), Truncate: c.Bool("truncate")}
	for _, name := range list(c, "pool") {
		p := encoder.Pool(name)
		if p != encoder.Mean && p != encoder.CLS {
			return o, usagef("flag --pool: unknown value %q; give mean, cls or both. See %s --help", name, c.Command.HelpName)
		}
		if slices.Contains(o.Pools, p) {
			return o, usagef("flag --pool: %s is given twice. See %s --help", name, c.Command.HelpName)
		}
		o.Pools = append(o.Pools, p)
	}
	if len(o.Pools) == 0 {
		return o, usagef("flag --pool: nothing given; give mean, cls or both. See %s --help", c.Command.HelpName)
	}
	if c.IsSet("max-tokens") && o.MaxTokens < 3 {
		return o, usagef("flag --max-tokens: %d has no room for a text; give 3 or more. See %s --help", o.MaxTokens, c.Command.HelpName)
	}
	return o, nil
}

// embedding is a run of embed.
type embedding struct {
	c                     *cli.Context
	opt                   vector.Options
	backend               backend.Backend
	model                 *task.Model
	embedder              *vector.Embedder
	out                   *vectors
	began                 time.Time
	bar                   *progress
	done, skipped, warned int
	closers               []func() error
}

func openEmbedding(c *cli.Context, o vector.Options) (*embedding, error) {
	e := &embedding{c: c, opt: o, began: time.Now()}
	if err := e.open(); err != nil {
		e.close()
		return nil, err
	}
	return e, nil
}

func (e *embedding) open() error {
	path, err := requireModel(e.c)
	if err != nil {
		return err
	}
	if e.model, err = task.OpenModel(path); err != nil {
		return err
	}
	e.closers = append(e.closers, e.model.Close)
	if how := e.c.String("characters"); how != "" {
		e.model.About.Normalize = how
	}
	if e.backend, err = openBackend(e.c); err != nil {
		return err
	}
	e.closers = append(e.closers, e.backend.Close)
	p, err := policy(e.c.String("precision"), false, e.backend)
	if err != nil {
		return err
	}
	if e.embedder, err = vector.New(e.backend, e.model, p, e.opt); err != nil {
		return err
	}
	e.closers = append(e.closers, e.embedder.Close)
	if e.c.Bool("dry-run") {
		return nil
	}
	return e.model.Load(e.backend, task.Head{}, p)
}

func (e *embedding) close() {
	for _, f := range slices.Backward(e.closers) {
		f()
	}
}

// dryRun says what embedding needs.
func (e *embedding) dryRun() error {
	m, err := e.embedder.Memory(e.backend.Limits())
	if err != nil {
		return err
	}
	message(e.c, "memory      %s at most: weights %s, activations %s", size(m.Total()), size(m.Params), size(m.Scratch+m.IO))
	t := table{columns: []string{"width", "pools", "max_tokens", "device", "memory_bytes", "weights_bytes", "activations_bytes"}}
	t.add(e.model.Config.Width, poolNames(e.opt.Pools), e.embedder.MaxTokens(), e.backend.Name(), m.Total(), m.Params, m.Scratch+m.IO)
	return printTable(e.c, e.c.App.Writer, t)
}

func poolNames(pools []encoder.Pool) string {
	names := make([]string, len(pools))
	for i, p := range pools {
		names[i] = string(p)
	}
	return strings.Join(names, ",")
}

func (e *embedding) run(in []string, reading corpus.Options) error {
	e.bar = newProgress(e.c, "embedding", 0).Unit("text")
	defer e.bar.Done()
	var together []corpus.Document
	bytes, most, limit := 0, minTogether, e.c.Int("limit")
	for d, err := range corpus.Files(in, reading) {
		if err := e.c.Context.Err(); err != nil {
			return err
		}
		if err != nil {
			e.skip(err)
			continue
		}
		for _, w := range d.Warnings {
			if e.warned++; e.warned <= maxTold {
				warning(e.c, "%v", w)
			}
		}
		together, bytes = append(together, d), bytes+len(d.Text)
		if limit > 0 && e.done+len(together) == limit {
			break
		}
		if len(together) >= most || bytes > togetherBytes {
			began := time.Now()
			if err := e.flush(together); err != nil {
				return err
			}
			if took := time.Since(began); took < togetherTime/2 {
				most = min(2*most, maxTogether)
			} else if took > 2*togetherTime {
				most = max(most/2, minTogether)
			}
			clear(together)
			together, bytes = together[:0], 0
		}
	}
	return e.flush(together)
}

// skip reports what cannot be read; the others are embedded all the same.
func (e *embedding) skip(err error) {
	if e.skipped++; e.skipped <= maxTold {
		warning(e.c, "passed over: %v", err)
	} else if e.skipped == maxTold+1 {
		warning(e.c, "more documents cannot be read; their number is in the summary")
	}
}

func (e *embedding) flush(docs []corpus.Document) error {
	texts := make([]string, len(docs))
	for i, d := range docs {
		texts[i] = d.Text
	}
	all, err := e.embedder.Embed(e.c.Context, texts)
	if err != nil {
		return err
	}
	for i, d := range docs {
		if err := e.out.write(d.ID, all[i]); err != nil {
			return err
		}
	}
	e.done += len(docs)
	e.bar.Update(int64(e.done))
	return nil
}

// finish says what came of it. What could not be read makes the run fail, after
// the rest was written.
func (e *embedding) finish() error {
	if e.done == 0 && e.skipped == 0 {
		warning(e.c, "no documents in the input")
		return nil
	}
	if e.warned > maxTold {
		warning(e.c, "%s more warnings of this kind", human(e.warned-maxTold))
	}
	if n := e.embedder.Long(); n > 0 {
		how := "is the mean of windows"
		if e.opt.Truncate {
			how = "lacks the rest, by --truncate"
		}
		message(e.c, "%s of the texts are longer than %d tokens; what stands for such a one %s", human(n), e.embedder.MaxTokens(), how)
	}
	length := ""
	if e.opt.Normalize {
		length = " of length 1"
	}
	message(e.c, "%s vectors%s of %d numbers, pool %s · %s on %s", human(e.done), length, e.model.Config.Width,
		poolNames(e.opt.Pools), time.Since(e.began).Round(time.Second/10), e.backend.Name())
	if e.skipped > 0 {
		return fmt.Errorf("%s of %s documents were skipped; the vectors of the others were written", human(e.skipped), human(e.skipped+e.done))
	}
	return nil
}

// vectors is the output: a matrix for each pool with a list of IDs, a table, or
// lines of JSON.
type vectors struct {
	files    []*output // in the order in which they become visible
	matrices []*vector.NPY
	ids      *bufio.Writer
	table    *vector.Parquet
	lines    *bufio.Writer
	columns  []string
}

// createVectors opens what -o names; its suffix says the form.
func createVectors(c *cli.Context, o vector.Options, width int) (*vectors, error) {
	v := &vectors{columns: []string{"embedding"}}
	if len(o.Pools) > 1 {
		v.columns = nil
		for _, p := range o.Pools {
			v.columns = append(v.columns, "embedding_"+string(p))
		}
	}
	if err := v.open(c, o, width); err != nil {
		v.abort()
		return nil, err
	}
	return v, nil
}

func (v *vectors) open(c *cli.Context, o vector.Options, width int) error {
	name := c.String("out")
	base, isNPY := strings.CutSuffix(name, ".npy")
	if isNPY {
		return v.openNPY(c, base, o, width)
	}
	plain := strings.TrimSuffix(strings.TrimSuffix(name, ".gz"), ".zst")
	isParquet := strings.HasSuffix(name, ".parquet")
	if !isParquet && name != "" && name != "-" && !strings.HasSuffix(plain, ".jsonl") && !strings.HasPrefix(name, "/dev/") {
		return usagef("-o %s: the suffix says no form; give .npy, .parquet, .jsonl, or - for lines of JSON on stdout. See %s --help", name, c.Command.HelpName)
	}
	f, err := v.create(c, name)
	if err != nil {
		return err
	}
	if isParquet {
		v.table = vector.NewParquet(f, v.columns, width, map[string]string{
			"kiban.model": c.String("model"), "kiban.pool": poolNames(o.Pools), "kiban.normalized": fmt.Sprint(o.Normalize),
		})
		return nil
	}
	v.lines = bufio.NewWriterSize(f, 1<<16)
	return nil
}

// openNPY begins NAME.npy, or a file for each of several pools, and NAME.ids.txt.
func (v *vectors) openNPY(c *cli.Context, base string, o vector.Options, width int) error {
	f, err := v.create(c, base+".ids.txt")
	if err != nil {
		return err
	}
	v.ids = bufio.NewWriter(f)
	for _, p := range o.Pools {
		name := base + ".npy"
		if len(o.Pools) > 1 {
			name = base + "." + string(p) + ".npy"
		}
		f, err := v.create(c, name)
		if err != nil {
			return err
		}
		if f.file == nil {
			return fmt.Errorf("%s: a .npy file cannot be written to a device or pipe; give a regular file, or .jsonl", name)
		}
		n, err := vector.NewNPY(f.file, width)
		if err != nil {
			return err
		}
		v.matrices = append(v.matrices, n)
	}
	return nil
}

func (v *vectors) create(c *cli.Context, name string) (*output, error) {
	f, err := createFile(c, name)
	if err == nil {
		v.files = append(v.files, f)
	}
	return f, err
}

func (v *vectors) write(id string, all [][]float32) error {
	switch {
	case v.table != nil:
		return v.table.Write(id, all)
	case v.lines != nil:
		text := `{"id": ` + jsonValue(id)
		for i, x := range all {
			text += `, "` + v.columns[i] + `": ` + jsonValue(x)
		}
		_, err := v.lines.WriteString(text + "}\n")
		return err
	}
	if strings.ContainsAny(id, "\r\n") {
		return fmt.Errorf("the ID %q has a line break, which a list of lines cannot hold; write .parquet or .jsonl", id)
	}
	if _, err := v.ids.WriteString(id + "\n"); err != nil {
		return err
	}
	for i, n := range v.matrices {
		if err := n.Write(all[i]); err != nil {
			return err
		}
	}
	return nil
}

func (v *vectors) commit() error {
	if v.table != nil {
		if err := v.table.Close(); err != nil {
			return err
		}
	}
	for _, w := range []*bufio.Writer{v.ids, v.lines} {
		if w != nil {
			if err := w.Flush(); err != nil {
				return err
			}
		}
	}
	for _, n := range v.matrices {
		if err := n.Close(); err != nil {
			return err
		}
	}
	for _, f := range v.files {
		if err := f.Commit(); err != nil {
			return err
		}
	}
	return nil
}

func (v *vectors) abort() {
	for _, f := range v.files {
		f.Abort()
	}
}
