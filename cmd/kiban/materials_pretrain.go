package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/core/dataset"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/token"
	"github.com/kiban-models/kiban/core/train"
	"github.com/kiban-models/kiban/materials/corpus"
	"github.com/kiban-models/kiban/materials/encoder"
	"github.com/kiban-models/kiban/materials/normalize"
	"github.com/kiban-models/kiban/materials/pretrain"
	"github.com/kiban-models/kiban/materials/task"
)

// preparedDir is the folder of a run's data.
const preparedDir = "data"

// maskedRun is a run of materials pretrain.
type maskedRun struct {
	c       *cli.Context
	opt     maskedOptions
	seed    uint64
	model   *task.Model // of -m, or with only a tokenizer that of --tokenizer; nil for a new one
	weights bool        // it has them
	run     *trainingRun
	read    pretrain.Summary // of the papers that the run prepared; zero of others' data
}

func runMaterialsPretrain(c *cli.Context) (err error) {
	r := &maskedRun{c: c, opt: maskedDefaults()}
	if err := resolveMasked(c, &r.opt); err != nil {
		return err
	}
	if r.seed, err = parseSeed(r.opt.Seed); err != nil {
		return err
	}
	if err := r.openModel(); err != nil {
		return err
	}
	if r.model != nil && r.weights {
		defer r.model.Close()
	}
	if c.Bool("dry-run") {
		return r.dryRun()
	}
	in, err := r.inputs()
	if err != nil {
		return err
	}
	if r.run, err = enterTraining(c); err != nil {
		return err
	}
	defer r.run.Close()
	data, err := r.data(in)
	if err != nil {
		return err
	}
	if err := r.train(data); err != nil {
		return err
	}
	if n := r.read.Failed; n > 0 {
		s := r.read
		return fmt.Errorf("%s of %s documents were skipped; the model learnt from the others", human(n), human(n+s.Duplicates+s.Train.Documents+s.Validation.Documents))
	}
	return nil
}

// openModel opens what -m or --tokenizer name.
func (r *maskedRun) openModel() error {
	if path := r.c.String("model"); path != "" {
		m, err := task.OpenModel(path)
		if err != nil {
			return err
		}
		r.model, r.weights = m, true
		r.opt.SeqLen = min(r.opt.SeqLen, m.Config.Context)
		return nil
	}
	dir := r.c.String("tokenizer")
	if dir == "" {
		return nil
	}
	w, err := token.OpenWordPiece(dir)
	if err != nil {
		return err
	}
	r.model = &task.Model{Path: dir, WordPiece: w, About: task.About{Normalize: task.NormalizeRules}}
	if _, err := os.Lstat(filepath.Join(dir, normalize.MappingFile)); err == nil {
		r.model.About.Normalize = task.NormalizeMapping
	}
	return nil
}

// inputs are files that can be read twice: for words, and for tokens.
func (r *maskedRun) inputs() ([]string, error) {
	in := r.c.Args().Slice()
	if len(in) == 0 || slices.Contains(in, "-") {
		return nil, usagef("name files or folders of papers; standard input cannot be read twice. See %s --help", r.c.Command.HelpName)
	}
	for _, p := range in {
		if _, err := os.Stat(p); err != nil {
			return nil, err
		}
	}
	return in, nil
}

// isPrepared reports whether a path is what an earlier run prepared.
func isPrepared(path string) bool {
	_, err := os.Stat(filepath.Join(path, pretrain.SummaryFile))
	return err == nil
}

// data returns the prepared directory: the input itself, or that of the run,
// which is made if it is not there.
func (r *maskedRun) data(in []string) (string, error) {
	c := r.c
	if len(in) == 1 && isPrepared(in[0]) {
		s, err := pretrain.ReadSummary(in[0])
		if err != nil {
			return "", err
		}
		if m := r.model; m != nil && pretrain.VocabularyHash(m.WordPiece) != s.Vocabulary {
			return "", fmt.Errorf("%s: its tokens are not those of %s; name the papers themselves, to be prepared with that vocabulary", in[0], m.Path)
		}
		r.opt.SeqLen = s.Length
		return in[0], nil
	}
	reading, err := documentOptions(c)
	if err != nil {
		return "", err
	}
	fingerprint, err := inputsHash(in)
	if err != nil {
		return "", err
	}
	o := pretrain.PrepareOptions{
		Out: filepath.Join(r.run.dir, preparedDir), Model: r.model, VocabSize: r.opt.VocabSize, Cased: r.opt.Cased,
		Length: r.opt.SeqLen, CrossDocuments: r.opt.Cross, Split: dataset.SplitRule{Validation: r.opt.Validation, Seed: r.seed},
		Settings: map[string]string{
			"files (names, sizes and times)": fingerprint,
			"reading": fmt.Sprintf("%s %s %s %s %s %s %s %d", c.String("kind"), c.String("unit"), c.String("text-column"), c.String("id-column"),
				c.String("invalid"), c.String("mojibake"), c.String("max-document"), c.Int("limit")),
		},
		Threads: threads(c), Overwrite: c.Bool("overwrite"), Resume: r.run.resume,
		Warn: func(text string) { warning(c, "%s", text) },
	}
	if r.run.resume && isPrepared(o.Out) {
		s, err := pretrain.ReadSummary(o.Out)
		if err != nil {
			return "", err
		}
		r.read = s
		return o.Out, o.Same(s)
	}
	s, err := r.prepare(in, reading, o)
	if err != nil {
		return "", err
	}
	r.read = s
	message(c, "prepared    %s documents to train on and %s held out, %s sentences; dropped %s duplicates, %s empty, %s unreadable",
		human(s.Train.Documents), human(s.Validation.Documents), human(s.Train.Sentences+s.Validation.Sentences), human(s.Duplicates), human(s.Empty), human(s.Failed))
	return o.Out, nil
}

func (r *maskedRun) prepare(in []string, reading corpus.Options, o pretrain.PrepareOptions) (pretrain.Summary, error) {
	c := r.c
	limit := c.Int("limit")
	first := true // documents are read once for words and once for tokens: warnings are for once
	o.Documents = func() iter.Seq2[corpus.Document, error] {
		told := !first
		first = false
		return func(yield func(corpus.Document, error) bool) {
			n, odd := 0, 0
			for d, err := range corpus.Files(in, reading) {
				if err == nil {
					n++
					for _, w := range d.Warnings {
						if odd++; odd <= maxTold && !told {
							warning(c, "%v", w)
						}
					}
				}
				if !yield(d, err) || limit > 0 && n >= limit {
					return
				}
			}
			if odd > maxTold && !told {
				warning(c, "%s more warnings of this kind", human(odd-maxTold))
			}
		}
	}
	unread := newTold(c)
	o.Failed = func(err error) error {
		unread.skip(err)
		return nil
	}
	var bar *progress
	phase := ""
	o.Progress = func(name string, documents, bytes int64) {
		if name != phase {
			if bar != nil {
				bar.Done()
			}
			phase, bar = name, newProgress(c, name, 0).Unit("document")
		}
		bar.Update(documents, "megabytes", float64(bytes)/1e6)
	}
	s, err := pretrain.Prepare(c.Context, o)
	if bar != nil {
		bar.Done()
	}
	if errors.Is(err, pretrain.ErrUnfinished) && contextInterrupted(c) {
		message(c, "%s: what is finished is kept; go on with --resume", r.run.dir)
	}
	return s, err
}

// inputsHash is a digest of the names, sizes and times of all files.
func inputsHash(in []string) (string, error) {
	h := sha256.New()
	for _, path := range in {
		err := filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return nil // is told when it is read
			}
			st, err := os.Stat(name)
			if err != nil {
				return nil
			}
			_, err = fmt.Fprintf(h, "%q %d %d\n", name, st.Size(), st.ModTime().UnixNano())
			return err
		})
		if err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// config is that of the model, or of a new one with the data's vocabulary.
func (r *maskedRun) config(vocab int) encoder.Config {
	var m encoder.Config
	if r.weights {
		m = r.model.Config
		m.Architectures, m.ID2Label, m.Label2ID, m.ProblemType = []string{encoder.MaskedLM}, nil, nil, ""
	} else {
		m = encoder.NewConfig(vocab, r.opt.SeqLen, r.opt.Layers, r.opt.Width, r.opt.Heads)
	}
	m.Dropout, m.AttnDrop, m.ClassifierDropout = float32(r.opt.Dropout), float32(r.opt.Dropout), nil
	return m
}

// options are those of a run on a device.
func (r *maskedRun) options(config encoder.Config) (o pretrain.Options, err error) {
	c, opt := r.c, &r.opt
	o = pretrain.Options{
		Dir: r.run.dir, Config: config, BatchSize: opt.BatchSize, Seed: r.seed, Share: opt.MaskShare, Recompute: opt.Recompute, Epochs: opt.Epochs,
		Optimizer: train.Optimizer{
			LR: opt.LR, Schedule: train.Schedule(opt.Schedule), Power: opt.Power, Steps: opt.MaxSteps, WeightDecay: opt.WeightDecay,
			Beta1: opt.Beta1, Beta2: opt.Beta2, Eps: opt.Eps, GradClip: opt.GradClip, Accum: opt.GradAccum,
		},
		Resume: c.String("resume"), MaxTime: opt.MaxTime, SaveInterval: opt.SaveTime, Keep: opt.Keep,
		LogEvery: opt.LogEvery, EvalEvery: opt.EvalEvery, SaveEvery: opt.SaveEvery,
	}
	if opt.Warmup < 1 {
		o.WarmupShare = opt.Warmup
	} else {
		o.Optimizer.Warmup = int(opt.Warmup)
	}
	if o.Policy, err = policy(opt.Precision, true, r.run.device); err != nil {
		return o, err
	}
	o.Provenance = r.run.provenance(r.seed)
	if r.weights {
		hash, err := r.model.Hash()
		if err != nil {
			return o, err
		}
		o.Provenance["model"], o.Provenance["model_sha256"] = r.model.Path, hash
	}
	return o, nil
}

func (r *maskedRun) train(data string) error {
	c, run := r.c, r.run
	if err := run.open(); err != nil {
		return err
	}
	b := run.device
	sum, err := pretrain.ReadSummary(data)
	if err != nil {
		return err
	}
	o, err := r.options(r.config(sum.Vocab))
	if err != nil {
		return err
	}
	o.Data = data
	var drawn []string
	if r.weights {
		declared := o.Config.Declared(o.Policy, func(m *encoder.Model) { m.Masked() })
		if o.Source, drawn, err = r.model.Source(declared, r.seed); err != nil {
			return fmt.Errorf("%s: %w", r.model.Path, err)
		}
	}
	o.Saved, o.Warn = run.saved, run.warn
	o.Log = func(rec train.Record) {
		if rec.Split == "eval" {
			detail(c, "step %d: held-out loss %.4f, pseudo-perplexity %.2f", rec.Step, rec.Loss, rec.Perplexity)
		}
	}
	o.Tick = run.tick(func(loss float64, p train.Progress, res train.Result) []any {
		return []any{"loss", loss, "lr", res.LR, "tok_s", rate(p)}
	})
	t, err := pretrain.New(b.Limits(), o)
	if err != nil {
		return err
	}
	defer t.Close()
	needs, err := t.Memory(b.Limits())
	if err != nil {
		return err
	}
	r.banner(o, t, needs, drawn)
	if err := t.LoadWeights(b); err != nil {
		if o.Source != nil {
			err = fmt.Errorf("%s: %w", r.model.Path, err)
		}
		return err
	}
	if err := run.start(r.opt, r.seed); err != nil {
		return err
	}
	p, err := run.train(t.Steps(), t.Resumed(), t.Run)
	if err != nil {
		return run.finish(err, p, nil)
	}
	res, err := r.results(o, p, sum)
	return run.finish(err, p, res)
}

// results evaluates the weights on the device and writes results.json and the
// report.
func (r *maskedRun) results(o pretrain.Options, p train.Progress, sum pretrain.Summary) (maskedResults, error) {
	c := r.c
	bar := newProgress(c, "evaluating", 0).Unit("row")
	e, held, err := pretrain.Evaluate(c.Context, r.run.device, pretrain.EvaluateOptions{
		Data: o.Data, Config: o.Config, Policy: o.Policy, BatchSize: o.BatchSize, Seed: o.Seed, Share: o.Share, Rows: int64(r.opt.EvalRows),
		Progress: func(done, _ int64) { bar.Update(done) },
	})
	bar.Done()
	res := maskedResults{
		Runtime: p.Seconds, Steps: p.Step, Tokens: p.Tokens, TokensPerSec: rate(p), BestEvalLoss: p.Best, BestStep: p.BestAt,
	}
	if held {
		res.Evaluation = &e
	}
	if err == nil {
		err = res.write(r.run.dir)
	}
	if err == nil {
		err = writeMaskedReport(c, r.run.dir, res, sum)
	}
	if err != nil {
		return res, err
	}
	took := time.Duration(p.Seconds * float64(time.Second)).Round(time.Second)
	if held {
		message(c, "held-out pseudo-perplexity %.3f (unigram %.3f, n=%s masked tokens of %s documents) · %s tok/s · %s",
			e.Perplexity, e.Unigram, human(e.Masked), human(sum.Validation.Documents), human(res.TokensPerSec), took)
	} else {
		message(c, "trained %d steps, not evaluated: no document is held out · %s tok/s · %s", p.Step, human(res.TokensPerSec), took)
	}
	message(c, "next: kiban materials finetune ner train.conll --validation dev.conll -m %s -o ner", r.run.dir)
	return res, nil
}

// banner says before the first step what is going to happen.
func (r *maskedRun) banner(o pretrain.Options, t *pretrain.Training, m plan.Memory, drawn []string) {
	c := r.c
	if len(drawn) > 0 {
		message(c, "new         %d tensors of the head are drawn: %s has none", len(drawn), r.model.Path)
	}
	accum := max(1, r.opt.GradAccum)
	s := t.Summary
	message(c, "model       %d layers, width %d, %d heads, vocabulary %s: %s parameters", o.Config.Layers, o.Config.Width, o.Config.Heads, human(o.Config.Vocab), human(t.Parameters()))
	message(c, "data        %s: %s tokens in %s rows of up to %d to train on, %s held out, %.4g steps an epoch", o.Data, human(s.Train.Tokens), human(s.Train.Rows), s.Length, human(s.Validation.Rows), t.StepsPerEpoch)
	if s.Validation.Rows == 0 {
		warning(c, "no document is held out; nothing will be evaluated")
	}
	if n := s.Train.Unknown + s.Validation.Unknown; float64(n) > 0.01*float64(s.Train.Tokens+s.Validation.Tokens) {
		warning(c, "%.1f%% of the tokens are unknown to the vocabulary", 100*float64(n)/float64(s.Train.Tokens+s.Validation.Tokens))
	}
	message(c, "steps       %s of %d rows (%d accumulated), %.3g epochs; %.3g of the tokens are masked, whole words", human(t.Steps()), o.BatchSize*accum, accum, float64(t.Steps())/t.StepsPerEpoch, r.opt.MaskShare)
	message(c, "optimizer   AdamW, learning rate %g, %s, weight decay %g, clip %g", r.opt.LR, r.opt.Schedule, r.opt.WeightDecay, r.opt.GradClip)
	r.run.bannerEnd(o.Policy.Compute.String(), o.Seed, m)
}

// dryRun says what a run needs, of data that need not be there yet.
func (r *maskedRun) dryRun() error {
	c := r.c
	r.run = &trainingRun{c: c, dir: ".", dry: true}
	if err := r.run.open(); err != nil {
		return err
	}
	defer r.run.Close()
	b := r.run.device
	vocab := r.opt.VocabSize
	if r.model != nil {
		vocab = r.model.WordPiece.VocabSize()
	}
	config := r.config(vocab)
	o, err := r.options(config)
	if err != nil {
		return err
	}
	m, err := pretrain.Needs(b.Limits(), o, r.opt.SeqLen)
	if err != nil {
		return err
	}
	t := table{columns: []string{"parameters", "tokens_per_step", "device", "precision", "memory_bytes", "weights_bytes", "optimizer_bytes", "activations_bytes"}}
	t.add(config.Parameters(func(m *encoder.Model) { m.Masked() }), o.BatchSize*r.opt.SeqLen*max(1, r.opt.GradAccum), b.Name(), o.Policy.Compute.String(),
		m.Total(), m.Params, m.States, m.Scratch+m.IO)
	return printTable(c, c.App.Writer, t)
}
