package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/bio/protein"
	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/dataset"
	"github.com/kiban-models/kiban/core/token"
	"github.com/kiban-models/kiban/core/train"
)

func runPretrain(c *cli.Context) error {
	opt := pretrainDefaults()
	if err := trainingOptions(c, &opt); err != nil {
		return err
	}
	data, err := dataArgument(c)
	if err != nil {
		return err
	}
	m, err := trainManifest(data)
	if err != nil {
		return err
	}
	context := opt.Context
	if context == 0 {
		context = opt.SeqLen
	}
	config := protein.NewConfig(m.VocabSize, context, opt.Layers, opt.Width, opt.Heads, m.Separator)
	config.SetDropout(float32(opt.Dropout))
	return trainProtein(c, &opt, protein.TrainingOptions{Data: data, Config: config})
}

func runFinetune(c *cli.Context) error {
	opt := finetuneDefaults()
	if err := trainingOptions(c, &opt); err != nil {
		return err
	}
	data, err := dataArgument(c)
	if err != nil {
		return err
	}
	path, err := requireModel(c)
	if err != nil {
		return err
	}
	dir, err := checkpoint.OpenDir(path)
	if err != nil {
		return err
	}
	defer dir.Close()
	config, err := protein.ParseConfig(filepath.Join(path, "config.json"), dir.Config())
	if err != nil {
		return err
	}
	if opt.Layers != 0 || opt.Heads != 0 || opt.Width != 0 {
		return usagef("layers, heads and width are those of the model %s when fine-tuning. See %s --help", path, c.Command.HelpName)
	}
	config.SetDropout(float32(opt.Dropout))
	opt.SeqLen = min(opt.SeqLen, config.Context)
	m, err := trainManifest(data)
	if err != nil {
		return err
	}
	v, err := openTokenizer(path, config)
	if err != nil {
		return err
	}
	if sum, err := tokenizerHash(v); err != nil {
		return err
	} else if sum != m.Tokenizer {
		return fmt.Errorf("%s: its tokens are not those of the model; prepare the sequences with --tokenizer %s", data, path)
	}
	if m.Separator != config.EOT() {
		return fmt.Errorf("%s: eos_token_id is %d, but %s is token %d of its tokenizer; set it right in config.json", path, config.EOT(), token.EndOfText, m.Separator)
	}
	weights, err := protein.Weights(dir)
	if err != nil {
		return err
	}
	o := protein.TrainingOptions{Data: data, Config: config, Source: weights}
	adapter, err := adapterOptions(c, &opt, weights, &o)
	if err != nil {
		return err
	}
	if adapter != nil {
		defer adapter.Close()
	}
	return trainProtein(c, &opt, o)
}

// dataArgument is the prepared directory that a training verb is given.
func dataArgument(c *cli.Context) (string, error) {
	if c.NArg() != 1 {
		return "", usagef("name one directory that kiban protein prepare made. See %s --help", c.Command.HelpName)
	}
	return c.Args().First(), nil
}

func trainManifest(data string) (*dataset.Manifest, error) {
	d, err := dataset.Open(filepath.Join(data, protein.TrainDir), dataset.OpenOptions{})
	if err != nil {
		return nil, err
	}
	defer d.Close()
	m := *d.Manifest()
	return &m, nil
}

// trainProtein is what pretraining and fine-tuning have in common.
func trainProtein(c *cli.Context, opt *trainOptions, o protein.TrainingOptions) error {
	run, err := enterTraining(c)
	if err != nil {
		return err
	}
	defer run.Close()
	if err := run.open(); err != nil {
		return err
	}
	b := run.device
	o.Dir = run.dir
	if err := fillTraining(run, opt, &o); err != nil {
		return err
	}
	o.Saved, o.Warn = run.saved, run.warn
	o.Log = func(r train.Record) {
		if r.Split == "eval" {
			detail(c, "step %d: validation loss %.4f", r.Step, r.Loss)
		}
	}
	o.Tick = run.tick(func(loss float64, p train.Progress, r train.Result) []any {
		return []any{"loss", loss, "perplexity", protein.Perplexity(loss, 1), "lr", r.LR, "tok_s", rate(p)}
	})
	t, err := protein.NewTraining(b.Limits(), o)
	if err != nil {
		return err
	}
	defer t.Close()
	banner(run, opt, o, t)
	if run.dry {
		return dryRun(c, o, t, b)
	}
	if err := t.LoadWeights(b); err != nil {
		if o.Source != nil {
			err = fmt.Errorf("%s: %w", c.String("model"), err)
		}
		return err
	}
	if err := run.start(opt, o.Seed); err != nil {
		return err
	}
	p, err := run.train(t.Steps(), t.Resumed(), t.Run)
	if err != nil {
		return run.finish(err, p, nil)
	}
	e, err := evaluateRun(c, o, b, opt.EvalTokens)
	if err == nil {
		err = writeResults(o.Dir, e, p)
	}
	if err == nil {
		err = writeReport(c, reportInput{run: o.Dir, data: o.Data})
	}
	if err != nil {
		return run.finish(err, p, nil)
	}
	if e.Sequences == 0 {
		warning(c, "%s: no sequence is set aside for validation, so that nothing says how good the model is; prepare more, or with a larger --validation", o.Data)
	} else {
		message(c, "held-out perplexity per residue %.3f (unigram %.3f, order-2 Markov %.3f, n=%s sequences) · %s tok/s · %s",
			e.Perplexity, e.Unigram, e.Markov, human(e.Sequences), human(rate(p)), time.Duration(p.Seconds*float64(time.Second)).Round(time.Second))
	}
	if o.Config.LoRA != nil && o.NoMerge {
		message(c, "next: kiban protein generate -m %s --adapter %s -n 10", o.Base, filepath.Join(o.Dir, protein.AdapterDir))
	} else {
		message(c, "next: kiban protein generate -m %s -n 10", o.Dir)
	}
	return run.finish(nil, p, e)
}

// fillTraining turns the resolved options of the command line into those of a
// run on a device.
func fillTraining(run *trainingRun, opt *trainOptions, o *protein.TrainingOptions) (err error) {
	if o.Seed, err = parseSeed(opt.Seed); err != nil {
		return err
	}
	if o.Policy, err = policy(opt.Precision, true, run.device); err != nil {
		return err
	}
	if o.Config.LoRA != nil {
		o.Policy.Params = o.Policy.Compute // what does not train needs no f32 master
	}
	o.Optimizer = train.Optimizer{
		LR: opt.LR, Schedule: train.Schedule(opt.Schedule), Steps: opt.MaxSteps, WeightDecay: opt.WeightDecay,
		Beta1: opt.Beta1, Beta2: opt.Beta2, GradClip: opt.GradClip, Accum: opt.GradAccum,
	}
	if opt.Schedule == "cosine" {
		o.Optimizer.MinLR = opt.LR / 10
	}
	if o.Epochs = opt.Epochs; opt.Warmup < 1 {
		o.WarmupShare = opt.Warmup
	} else {
		o.Optimizer.Warmup = int(opt.Warmup)
	}
	o.LayerDecay, o.Freeze = opt.LRDecay, protein.Freeze{Layers: opt.FreezeTo, Embeddings: opt.Freeze == "embeddings"}
	o.Recompute, o.BatchSize, o.SeqLen, o.Resume = opt.Recompute, opt.BatchSize, opt.SeqLen, run.c.String("resume")
	o.MaxTime, o.SaveInterval, o.Keep = opt.MaxTime, opt.SaveTime, opt.Keep
	o.LogEvery, o.EvalEvery, o.SaveEvery = opt.LogEvery, opt.EvalEvery, opt.SaveEvery
	o.Provenance = run.provenance(o.Seed)
	return nil
}

// evaluateRun scores the validation sequences with the weights on the device.
func evaluateRun(c *cli.Context, o protein.TrainingOptions, b backend.Backend, tokens int) (protein.Evaluation, error) {
	v, err := token.OpenBPE(o.Dir)
	if err != nil {
		return protein.Evaluation{}, err
	}
	s := &protein.Scoring{Tokenizer: v, Spelling: v, Config: o.Config, Policy: o.Policy, Backend: b,
		Options: protein.ScorerOptions{Context: o.SeqLen, BatchTokens: o.BatchSize * o.SeqLen}}
	defer s.Close()
	p := newProgress(c, "evaluating", 0).Unit("token")
	defer p.Done()
	return protein.Evaluate(c.Context, s, o.Data, protein.EvaluateOptions{Tokens: int64(tokens), Progress: func(done, _ int64) { p.Update(done) }})
}

// banner says before the first step what is going to happen.
func banner(run *trainingRun, opt *trainOptions, o protein.TrainingOptions, t *protein.Training) {
	c := run.c
	message(c, "model       %d layers, width %d, %d heads, vocabulary %s: %s parameters", o.Config.Layers, o.Config.Width, o.Config.Heads, human(o.Config.Vocab), human(o.Config.Parameters()))
	if l := o.Config.LoRA; l != nil {
		message(c, "adapters    LoRA of rank %d, alpha %g, on %s: %s parameters train", l.Rank, l.Alpha, strings.Join(l.Targets, ", "), human(t.Trainable()))
	}
	message(c, "data        %s: %s training tokens, %.4g steps an epoch", o.Data, human(t.Tokens()), t.StepsPerEpoch)
	message(c, "steps       %s of %s tokens (%d rows of %d, %d accumulated), %.3g epochs", human(t.Steps()), human(o.BatchSize*o.SeqLen*max(1, opt.GradAccum)), o.BatchSize, o.SeqLen, max(1, opt.GradAccum), float64(t.Steps())/t.StepsPerEpoch)
	message(c, "optimizer   AdamW, learning rate %g, %s, weight decay %g, clip %g", opt.LR, opt.Schedule, opt.WeightDecay, opt.GradClip)
	run.bannerEnd(o.Policy.Compute.String(), o.Seed, t.Memory())
}

// size is a number of bytes for people.
func size(n int64) string {
	switch {
	case n >= 10<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return strings.TrimSuffix(fmt.Sprintf("%.1f KiB", float64(n)/(1<<10)), ".0")
}

func dryRun(c *cli.Context, o protein.TrainingOptions, t *protein.Training, b backend.Backend) error {
	m := t.Memory()
	out := table{columns: []string{"parameters", "steps", "tokens_per_step", "device", "precision", "memory_bytes", "weights_bytes", "optimizer_bytes", "activations_bytes"}}
	out.add(o.Config.Parameters(), t.Steps(), o.BatchSize*o.SeqLen*max(1, o.Optimizer.Accum), b.Name(), o.Policy.Compute.String(),
		m.Total(), m.Params, m.States, m.Scratch+m.IO)
	return printTable(c, c.App.Writer, out)
}
