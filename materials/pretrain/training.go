package pretrain

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/dataset"
	"github.com/kiban-models/kiban/core/mask"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/run"
	"github.com/kiban-models/kiban/core/train"
	"github.com/kiban-models/kiban/materials/encoder"
	"github.com/kiban-models/kiban/materials/task"
)

// Options describe a run.
type Options struct {
	Data   string // what Prepare wrote
	Dir    string // the run directory, which exists
	Config encoder.Config
	// Source gives the weights to begin with, as encoder.Weights shows them;
	// nil means fresh ones.
	Source checkpoint.Lister
	Policy nn.Policy
	// Optimizer's Steps, if 0, are Epochs passes over the rows. Its Warmup, if
	// 0, is the share WarmupShare of the steps.
	Optimizer   train.Optimizer
	Epochs      float64
	WarmupShare float64
	Recompute   bool
	BatchSize   int // rows of a micro-batch
	Seed        uint64
	Share       float64 // of tokens that are masked; 0 means 0.15
	Resume      string  // run.Newest, or a checkpoint

	MaxTime, SaveInterval          time.Duration
	LogEvery, EvalEvery, SaveEvery int
	Keep                           int // checkpoints; 0 means 3
	Log                            func(train.Record)
	Tick                           func(train.Progress, train.Result)
	Warn                           func(string)
	Saved                          func(last, best string) error
	Provenance                     map[string]any // goes into kiban.json
}

// evalRows bounds the evaluation during a run; that at the end is Evaluate.
const evalRows = 256

// state decides which rows and masks a step sees.
type state struct {
	Data   string  `json:"manifest_sha256"`
	Seed   uint64  `json:"seed"`
	Rows   int     `json:"batch_size"`
	Accum  int     `json:"grad_accum"`
	Steps  int     `json:"steps"`
	Share  float64 `json:"masked_share"`
	Vocab  string  `json:"vocabulary_sha256"`
	Length int     `json:"length"`
}

func (s state) fields() []run.Field {
	return []run.Field{
		{Name: "training data (its hash)", Value: s.Data}, {Name: "seed", Value: s.Seed}, {Name: "batch size", Value: s.Rows}, {Name: "accumulation", Value: s.Accum},
		{Name: "steps", Value: s.Steps}, {Name: "masked share", Value: s.Share}, {Name: "vocabulary (its hash)", Value: s.Vocab}, {Name: "length", Value: s.Length},
	}
}

// Training is a run that is set up: data open, programs planned, nothing
// allocated on the device yet.
type Training struct {
	opt           Options
	Plan          *train.Plan
	Summary       Summary
	StepsPerEpoch float64
	train, valid  *dataset.Dataset
	tokenizer     *task.Model
	words         words
	mask          *mask.Masker
	lengths       []int
	stream        stream
	state         state
	dir           *run.Directory
	from          string // the checkpoint to go on from; "" for none
	progress      train.Progress
	loaded        bool
}

// New opens the data and plans the programs. If it is to resume, it finds the
// checkpoint and makes sure that it belongs to this run.
func New(lim plan.Limits, o Options) (*Training, error) {
	t := &Training{opt: o}
	if err := t.setUp(lim); err != nil {
		t.Close()
		return nil, err
	}
	return t, nil
}

func (t *Training) setUp(lim plan.Limits) error {
	o := &t.opt
	var err error
	if t.Summary, err = ReadSummary(o.Data); err != nil {
		return err
	}
	if t.tokenizer, err = OpenTokenizer(o.Data); err != nil {
		return err
	}
	if h := VocabularyHash(t.tokenizer.WordPiece); h != t.Summary.Vocabulary {
		return fmt.Errorf("%s: the vocabulary has SHA-256 %s, the data was made with %s; prepare it again", t.tokenizer.Path, h, t.Summary.Vocabulary)
	}
	if t.words, err = wordsOf(t.tokenizer.WordPiece); err != nil {
		return fmt.Errorf("%s: %w", t.tokenizer.Path, err)
	}
	if t.Summary.Vocab > o.Config.Vocab {
		return fmt.Errorf("%s: the data has a vocabulary of %d, the model one of %d; prepare it with the model's", o.Data, t.Summary.Vocab, o.Config.Vocab)
	}
	if t.Summary.Train.Longest > o.Config.Context {
		return fmt.Errorf("%s: rows of %d tokens for a model that sees %d; prepare shorter ones", o.Data, t.Summary.Train.Longest, o.Config.Context)
	}
	if t.mask, err = t.words.masker(o.Seed, o.Share); err != nil {
		return err
	}
	if t.train, err = dataset.Open(filepath.Join(o.Data, TrainDir), dataset.OpenOptions{}); err != nil {
		return err
	}
	if t.Summary.Validation.Rows > 0 {
		if t.valid, err = dataset.Open(filepath.Join(o.Data, ValidationDir), dataset.OpenOptions{}); err != nil {
			return err
		}
	}
	accum := max(1, o.Optimizer.Accum)
	t.stream = stream{t.train, o.BatchSize, o.Seed}
	t.StepsPerEpoch = float64(t.train.Len()) / float64(o.BatchSize*accum)
	o.Optimizer = o.Optimizer.Over(o.Epochs, t.StepsPerEpoch, o.WarmupShare)
	sum, err := dataset.HashFile(filepath.Join(o.Data, TrainDir, dataset.ManifestFile))
	if err != nil {
		return err
	}
	share := o.Share
	if share == 0 {
		share = mask.Share
	}
	t.state = state{sum, o.Seed, o.BatchSize, accum, o.Optimizer.Steps, share, t.Summary.Vocabulary, t.Summary.Length}
	t.lengths = lengthsOf(t.Summary.Train.Longest, o.Config.Context)
	t.Plan, err = compile(lim, o, t.lengths, t.mask, func(step, micro int) int {
		return shapeOf(t.lengths, longestOf(t.train, t.stream.at(int64(step)*int64(accum)+int64(micro))))
	})
	if err != nil {
		return err
	}
	t.dir = &run.Directory{
		Path: o.Dir, Keep: o.Keep, State: t.state, Moments: t.Plan.Moments(), Warn: o.Warn, Saved: o.Saved,
		Model: func(dir string, weights checkpoint.Source) error { return t.save(dir, weights, nil) },
	}
	t.from, err = run.GoOn(t.dir, o.Resume, t.state, state.fields)
	return err
}

func compile(lim plan.Limits, o *Options, lengths []int, m *mask.Masker, shape func(step, micro int) int) (*train.Plan, error) {
	var losses []train.Loss
	for _, n := range lengths {
		losses = append(losses, lossOf(o.Config, o.BatchSize, n, m.Predictions(n)))
	}
	return train.CompileShapes(lim, losses, train.Options{Optimizer: o.Optimizer, Policy: o.Policy, Recompute: o.Recompute, Shape: shape})
}

// Needs returns the memory of a run over rows of up to length tokens, of which
// nothing is prepared yet.
func Needs(lim plan.Limits, o Options, length int) (plan.Memory, error) {
	var needs plan.Memory
	m, err := mask.New(mask.Options{Share: o.Share, Vocab: o.Config.Vocab})
	if err != nil {
		return needs, err
	}
	lengths := lengthsOf(length, o.Config.Context)
	p, err := compile(lim, &o, lengths, m, nil)
	if err != nil {
		return needs, err
	}
	needs = p.Memory()
	s := &scorer{config: o.Config.WithoutDropout(), policy: o.Policy, rows: o.BatchSize, lengths: lengths, mask: m}
	e, err := s.memory(lim)
	needs.Scratch += e.Scratch
	needs.IO += e.IO
	return needs, err
}

// save writes a model directory.
func (t *Training) save(dir string, weights checkpoint.Source, provenance map[string]any) error {
	about := t.tokenizer.About
	about.Provenance = provenance
	return errors.Join(
		encoder.Save(dir, t.opt.Config, t.Plan.Declared(), weights),
		task.WriteFiles(dir, t.tokenizer.WordPiece, t.tokenizer.Path, about))
}

// Memory returns what the run needs on the device.
func (t *Training) Memory(lim plan.Limits) (plan.Memory, error) {
	m := t.Plan.Memory()
	if t.valid == nil {
		return m, nil
	}
	s, err := t.scorer(nil)
	if err != nil {
		return m, err
	}
	e, err := s.memory(lim)
	m.Scratch += e.Scratch
	m.IO += e.IO
	return m, err
}

func (t *Training) scorer(b backend.Backend) (*scorer, error) {
	o := &t.opt
	longest := min(t.Summary.Validation.Longest, o.Config.Context)
	return newScorer(b, o.Config, o.Policy, o.BatchSize, lengthsOf(longest, o.Config.Context), t.words, o.Seed, o.Share)
}

// Steps returns the number of optimizer steps of the whole run.
func (t *Training) Steps() int { return t.opt.Optimizer.Steps }

// Parameters returns the number of weights, all of which train.
func (t *Training) Parameters() int {
	return t.opt.Config.Parameters(func(m *encoder.Model) { m.Masked() })
}

// Resumed returns the number of steps that the weights that were loaded had
// taken.
func (t *Training) Resumed() int { return t.progress.Step }

// LoadWeights puts the weights, fresh, given or of a checkpoint, once.
func (t *Training) LoadWeights(b backend.Backend) error {
	if t.loaded {
		return nil
	}
	declared := t.Plan.Declared()
	if t.from != "" {
		p, err := t.dir.Restore(b, t.from, t.opt.Optimizer.Steps, func(dir string) error { return task.LoadDir(b, declared, dir) })
		t.progress, t.loaded = p, err == nil
		return err
	}
	src := t.opt.Source
	if src == nil {
		src = task.Fresh{Fresh: nn.Fresh{Seed: t.opt.Seed, Params: declared}}
	}
	err := task.Load(b, declared, src)
	t.loaded = err == nil
	return err
}

// Run trains. It leaves checkpoints, metrics.jsonl and TensorBoard's events in
// the run directory and, when it comes to the end, the model and its
// tokenizer. When ctx ends it saves a checkpoint and returns
// train.ErrInterrupted.
func (t *Training) Run(ctx context.Context, b backend.Backend) (train.Progress, error) {
	o := &t.opt
	if err := t.LoadWeights(b); err != nil {
		return train.Progress{}, err
	}
	p := t.progress
	if t.from != "" {
		if err := t.dir.Tell(p); err != nil {
			return p, err
		}
	}
	trainer, err := t.Plan.Load(b)
	if err != nil {
		return p, err
	}
	defer trainer.Close()
	loop := train.Loop{
		Trainer: trainer, Feed: t.feeder(),
		Tick: o.Tick, Steps: o.Optimizer.Steps, StepsPerEpoch: t.StepsPerEpoch, MaxTime: o.MaxTime,
		LogEvery: o.LogEvery, EvalEvery: o.EvalEvery, SaveEvery: o.SaveEvery, SaveInterval: o.SaveInterval,
	}
	if t.valid != nil {
		s, err := t.scorer(b)
		if err != nil {
			return p, err
		}
		defer s.programs.Close()
		loop.Eval = func(ctx context.Context) (float64, error) { return t.evaluate(ctx, s) }
	}
	if p, err = t.dir.Loop(ctx, b, loop, p, o.Log); err != nil {
		return p, err
	}
	about := map[string]any{"objective": "masked-lm", "data": t.state, "prepared": t.Summary}
	for k, v := range o.Provenance {
		about[k] = v
	}
	return p, t.save(o.Dir, run.Weights(b), about)
}

// feeder writes micro-batches. Each is masked by its place alone, and its loss
// is the mean over what is masked, as transformers has it, divided by their
// number in a step.
func (t *Training) feeder() func(step, micro int, r backend.Runner) (int, error) {
	o := &t.opt
	accum := max(1, o.Optimizer.Accum)
	room := map[int]*batch{}
	var seed train.Seed
	return func(step, micro int, r backend.Runner) (int, error) {
		n := int64(step)*int64(accum) + int64(micro)
		rows := t.stream.at(n)
		i := shapeOf(t.lengths, longestOf(t.train, rows))
		if room[i] == nil {
			room[i] = newBatch(o.BatchSize, t.lengths[i], t.mask.Predictions(t.lengths[i]), t.words.pad)
		}
		x := room[i]
		tokens, guesses, err := x.fill(t.train, rows, t.words, t.mask, uint64(n)*uint64(o.BatchSize))
		if err != nil {
			return 0, err
		}
		x.weigh(guesses, 1/float32(accum))
		if o.Config.Drops() {
			if err := seed.Write(r, n, o.Seed); err != nil {
				return 0, err
			}
		}
		return tokens, x.write(r, true)
	}
}

// evaluate returns the mean loss of a masked token of the first held-out rows.
func (t *Training) evaluate(ctx context.Context, s *scorer) (float64, error) {
	total, count := 0.0, 0
	err := s.run(ctx, t.valid, min(evalRows, t.valid.Len()), func(_ int32, loss float32) {
		total += float64(loss)
		count++
	}, nil)
	if err == nil && count == 0 {
		err = fmt.Errorf("pretrain: no token of the held-out rows can be masked; hold more out")
	}
	return total / float64(max(1, count)), err
}

// Close closes the data.
func (t *Training) Close() error {
	var errs []error
	for _, d := range []*dataset.Dataset{t.train, t.valid} {
		if d != nil {
			errs = append(errs, d.Close())
		}
	}
	return errors.Join(errs...)
}
