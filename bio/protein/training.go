package protein

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/dataset"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/run"
	"github.com/kiban-models/kiban/core/train"
)

// TrainingOptions describe a run of pretraining or fine-tuning.
type TrainingOptions struct {
	Data   string // what Prepare wrote
	Dir    string // the run directory, which exists
	Config Config
	// Source gives the weights to begin with; nil means fresh ones.
	Source checkpoint.Lister
	// With Config.LoRA, only adapters beside the weights of Source train.
	// Adapter gives those to begin with; nil means fresh ones. Base is the
	// model's name for their configuration. At the end the adapter is in
	// AdapterDir of the run and, unless NoMerge, merged into the run's model.
	Adapter checkpoint.Lister
	Base    string
	NoMerge bool
	Policy  nn.Policy
	// Optimizer's Steps, if 0, are Epochs passes over the data. Its Warmup, if
	// 0, is the share WarmupShare of the steps.
	Optimizer   train.Optimizer
	Epochs      float64
	WarmupShare float64
	Recompute   bool
	BatchSize   int // blocks a micro-batch
	SeqLen      int // tokens a block
	Seed        uint64
	Freeze      Freeze
	// LayerDecay multiplies the learning rate once for each layer below the
	// top (see Config.RateScale); 0 means 1.
	LayerDecay float64
	// Resume goes on from a checkpoint: "newest" in Dir, or a directory.
	Resume string

	MaxTime, SaveInterval          time.Duration
	LogEvery, EvalEvery, SaveEvery int
	Keep                           int // checkpoints; 0 means 3
	Log                            func(train.Record)
	Tick                           func(train.Progress, train.Result)
	Warn                           func(string)
	// Saved learns the names of the last and the best checkpoint in Dir, "" for
	// none, whenever they may have changed, and of a run that is resumed at once.
	Saved      func(last, best string) error
	Provenance map[string]any // goes into kiban.json
}

// EventsDir is the directory of a run's TensorBoard events.
const EventsDir = run.EventsDir

// Newest is the value of TrainingOptions.Resume for the newest checkpoint.
const Newest = run.Newest

// evalBlocks bounds the evaluation during a run; the last one, over whole
// sequences, is the caller's.
const evalBlocks = 256

// Training is a run that is set up: data open, programs planned, nothing
// allocated on the device yet.
type Training struct {
	opt           TrainingOptions
	Plan          *train.Plan
	Evaluation    *plan.Program
	train, valid  *dataset.Dataset
	blocks, evals *dataset.Blocks
	state         dataState
	from          string // the checkpoint to go on from; "" for none
	loaded        bool
	progress      train.Progress // of the weights that were loaded
	StepsPerEpoch float64
}

// NewTraining opens the data and plans the programs. If it is to resume, it
// finds the checkpoint and makes sure that it belongs to this run.
func NewTraining(lim plan.Limits, o TrainingOptions) (*Training, error) {
	if err := errors.Join(o.Freeze.check(o.Config), o.checkAdapter()); err != nil {
		return nil, err
	}
	if o.SeqLen > o.Config.Context {
		return nil, fmt.Errorf("protein: blocks of %d tokens for a model that sees %d; lower --seq-len", o.SeqLen, o.Config.Context)
	}
	t := &Training{opt: o}
	var err error
	if t.train, err = dataset.Open(filepath.Join(o.Data, TrainDir), dataset.OpenOptions{}); err != nil {
		return nil, err
	}
	if t.valid, err = dataset.Open(filepath.Join(o.Data, ValidationDir), dataset.OpenOptions{}); err != nil {
		t.Close()
		return nil, err
	}
	if err := t.setUp(lim); err != nil {
		t.Close()
		return nil, err
	}
	return t, nil
}

func (t *Training) setUp(lim plan.Limits) error {
	o := &t.opt
	m := t.train.Manifest()
	if m.VocabSize > o.Config.Vocab {
		return fmt.Errorf("%s: the data has a vocabulary of %d, the model one of %d; prepare it with --tokenizer of the model", o.Data, m.VocabSize, o.Config.Vocab)
	}
	var err error
	if t.blocks, err = t.train.Blocks(dataset.BlockOptions{Length: o.SeqLen, Seed: o.Seed}); err != nil {
		return fmt.Errorf("%s: %w", o.Data, err)
	}
	if t.valid.Tokens() > int64(o.SeqLen) {
		if t.evals, err = t.valid.Blocks(dataset.BlockOptions{Length: o.SeqLen, InOrder: true}); err != nil {
			return fmt.Errorf("%s: %w", o.Data, err)
		}
	}
	accum := max(1, o.Optimizer.Accum)
	t.StepsPerEpoch = float64(t.blocks.Len()) / float64(o.BatchSize*accum)
	o.Optimizer = o.Optimizer.Over(o.Epochs, t.StepsPerEpoch, o.WarmupShare)
	sum, err := dataset.HashFile(filepath.Join(o.Data, TrainDir, dataset.ManifestFile))
	if err != nil {
		return err
	}
	t.state = dataState{
		Manifest: sum, Seed: o.Seed, Rows: o.BatchSize, Length: o.SeqLen, Accum: accum, Steps: o.Optimizer.Steps,
		Frozen: o.Freeze.String(), Adapter: adapterState(o.Config.LoRA),
	}
	if o.Config.LoRA != nil {
		if t.state.Base, err = checkpoint.Hash(o.Source); err != nil {
			return err
		}
	}
	if t.Plan, err = train.Compile(lim, o.Config.Loss(o.BatchSize, o.SeqLen), o.compileOptions()); err != nil {
		return err
	}
	if t.Evaluation, err = CompileScorer(lim, o.Config, o.Policy, o.BatchSize, o.SeqLen); err != nil {
		return err
	}
	return t.findCheckpoint()
}

// Memory returns what the run needs on the device.
func (t *Training) Memory() plan.Memory {
	m, e := t.Plan.Memory(), t.Evaluation.Memory()
	m.Scratch += e.Scratch
	m.IO += e.IO
	return m
}

// Steps returns the number of optimizer steps of the whole run.
func (t *Training) Steps() int { return t.opt.Optimizer.Steps }

// Trainable returns the number of weights that train.
func (t *Training) Trainable() int { return t.Plan.Trainable() }

// Resumed returns the number of steps that the weights that were loaded had
// taken.
func (t *Training) Resumed() int { return t.progress.Step }

// Tokens returns the number of tokens in the training data.
func (t *Training) Tokens() int64 { return t.train.Tokens() }

// Run trains. It leaves checkpoints, metrics.jsonl and TensorBoard's events in
// the run directory and, when it comes to the end, the model and its tokenizer.
// When ctx ends it saves a checkpoint and returns train.ErrInterrupted.
func (t *Training) Run(ctx context.Context, b backend.Backend) (train.Progress, error) {
	o := &t.opt
	if err := t.LoadWeights(b); err != nil {
		return train.Progress{}, err
	}
	p := t.progress
	dir := t.directory()
	if t.from != "" {
		if err := dir.Tell(p); err != nil {
			return p, err
		}
	}
	trainer, err := t.Plan.Load(b)
	if err != nil {
		return p, err
	}
	defer trainer.Close()
	scorer, err := NewScorer(b, o.Config, o.Policy, o.BatchSize, o.SeqLen)
	if err != nil {
		return p, err
	}
	defer scorer.Close()
	batch := NewBatch(o.BatchSize, o.SeqLen)
	accum := max(1, o.Optimizer.Accum)
	weight := 1 / float32(o.BatchSize*o.SeqLen*accum)
	var seed train.Seed
	loop := train.Loop{
		Trainer: trainer,
		Feed: func(step, micro int, r backend.Runner) (int, error) {
			n := int64(step)*int64(accum) + int64(micro)
			if err := t.blocks.Batch(n, batch.Tokens, batch.Labels); err != nil {
				return 0, err
			}
			if o.Config.drops() {
				if err := seed.Write(r, n, o.Seed); err != nil {
					return 0, err
				}
			}
			return len(batch.Tokens), batch.Write(r, weight)
		},
		Tick: o.Tick, Steps: o.Optimizer.Steps, StepsPerEpoch: t.StepsPerEpoch, MaxTime: o.MaxTime,
		LogEvery: o.LogEvery, EvalEvery: o.EvalEvery, SaveEvery: o.SaveEvery, SaveInterval: o.SaveInterval,
	}
	if t.evals != nil {
		loop.Eval = func(ctx context.Context) (float64, error) { return t.evaluate(ctx, scorer) }
	}
	p, err = dir.Loop(ctx, b, loop, p, o.Log)
	if err != nil {
		return p, err
	}
	return p, t.finish(b)
}

// evaluate returns the mean loss a token over the first blocks of the
// validation data.
func (t *Training) evaluate(ctx context.Context, s *Scorer) (float64, error) {
	blocks := min(t.evals.Len(), evalBlocks)
	total, count := 0.0, 0
	for at := int64(0); at < blocks; at += int64(s.Batch.Batch) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if err := t.evals.Batch(at/int64(s.Batch.Batch), s.Batch.Tokens, s.Batch.Labels); err != nil {
			return 0, err
		}
		if n := int(blocks - at); n < s.Batch.Batch { // the last batch wraps around
			for i := n * s.Batch.Len; i < len(s.Batch.Labels); i++ {
				s.Batch.Labels[i] = -1
			}
		}
		losses, err := s.Losses(ctx)
		if err != nil {
			return 0, err
		}
		for _, l := range losses {
			total += float64(l)
		}
		count += s.Batch.Count()
	}
	return total / float64(count), nil
}

// Close closes the data.
func (t *Training) Close() error {
	for _, d := range []*dataset.Dataset{t.train, t.valid} {
		if d != nil {
			d.Close()
		}
	}
	return nil
}
