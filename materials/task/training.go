package task

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/run"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/core/train"
	"github.com/kiban-models/kiban/materials/encoder"
)

// Options describe a run of fine-tuning.
type Options struct {
	Dir    string // the run directory, which exists
	Config encoder.Config
	Head   Head
	// Source gives the weights to begin with, as encoder.Weights shows them;
	// nil means fresh ones.
	Source checkpoint.Lister
	Train  []Row
	Policy nn.Policy
	// Optimizer's Steps, if 0, are Epochs passes over the rows. Its Warmup, if
	// 0, is the share WarmupShare of the steps.
	Optimizer   train.Optimizer
	Epochs      float64
	WarmupShare float64
	BatchSize   int // rows of a micro-batch
	Seed        uint64
	// HeadLR is the peak learning rate of the head; 0 means the encoder's.
	HeadLR float64
	// LayerDecay multiplies the rate once for each layer below the top
	// (Howard & Ruder 2018 divide by 2.6); 0 means 1.
	LayerDecay float64
	// Freeze is the number of layers, from below, that do not train, with the
	// embeddings; -1 freezes nothing, all layers are frozen by their number.
	Freeze int
	// Unfreeze, if not 0, lets only the heads learn at first, and the next layer
	// below join in after every so many epochs, the embeddings last: gradual
	// unfreezing (Howard & Ruder 2018, arXiv:1801.06146, section 3.3). What the
	// run ends before never trains.
	Unfreeze float64
	// Patience ends the run after so many evaluations in a row that were not the
	// best so far; 0 means never.
	Patience int
	// Score evaluates the model on held-out data, by a session over the
	// weights as they are; nil means never.
	Score func(ctx context.Context, s *Session) (train.Evaluation, error)
	// Files writes what makes a checkpoint a model directory beside config and
	// weights: the tokenizer and kiban.json.
	Files func(dir string) error
	// Data is a digest of what the rows were made from: a run goes on with the
	// same.
	Data   string
	Resume string // run.Newest, or a checkpoint

	MaxTime, SaveInterval time.Duration
	LogEvery              int
	Keep                  int // checkpoints; 0 means 3
	Log                   func(train.Record)
	Tick                  func(train.Progress, train.Result)
	Warn                  func(string)
	Saved                 func(last, best string) error
}

// state is what decides which rows a step sees.
type state struct {
	Data    string  `json:"data_sha256"`
	Labels  string  `json:"labels"`
	Kind    Kind    `json:"head"`
	Seed    uint64  `json:"seed"`
	Rows    int     `json:"batch_size"`
	Accum   int     `json:"grad_accum"`
	Steps   int     `json:"steps"`
	Freeze  int     `json:"frozen_layers"`
	Decay   float64 `json:"layer_decay"`
	LR      float64 `json:"lr"`
	HeadLR  float64 `json:"head_lr"`
	Dropout float32 `json:"dropout"`
	Thaw    float64 `json:"unfreeze,omitempty"`
}

func (s state) fields() []run.Field {
	return []run.Field{
		{Name: "training data (its hash)", Value: s.Data}, {Name: "labels", Value: s.Labels}, {Name: "head", Value: s.Kind}, {Name: "seed", Value: s.Seed},
		{Name: "batch size", Value: s.Rows}, {Name: "accumulation", Value: s.Accum}, {Name: "steps", Value: s.Steps},
		{Name: "frozen layers", Value: s.Freeze}, {Name: "layer decay", Value: s.Decay},
		{Name: "learning rate", Value: s.LR}, {Name: "learning rate of the head", Value: s.HeadLR}, {Name: "dropout", Value: s.Dropout},
		{Name: "epochs to unfreeze a layer", Value: s.Thaw},
	}
}

// Training is a run that is set up: programs planned, nothing allocated on the
// device yet.
type Training struct {
	opt      Options
	Plan     *train.Plan
	batches  batches
	lengths  []int // the padded lengths that occur, ascending
	state    state
	dir      *run.Directory
	from     string
	declared []nn.Declared
	session  []*plan.Program // of the evaluation, to know its memory
}

// New plans a run. If it is to resume, it finds the checkpoint and makes sure
// that it belongs to this run.
func New(lim plan.Limits, o Options) (*Training, error) {
	if len(o.Train) == 0 {
		return nil, fmt.Errorf("task: there is nothing to learn from")
	}
	if !(o.Unfreeze >= 0) || o.Patience < 0 {
		return nil, fmt.Errorf("task: a layer every %g epochs, a patience of %d evaluations; wanted 0 or more", o.Unfreeze, o.Patience)
	}
	for i, r := range o.Train {
		if err := o.Head.Check(r, true); err != nil {
			return nil, fmt.Errorf("row %d: %w", i, err)
		}
		if len(r.IDs) > o.Config.Context {
			return nil, fmt.Errorf("task: row %d has %d tokens, the model sees %d", i, len(r.IDs), o.Config.Context)
		}
	}
	t := &Training{opt: o, batches: batches{o.Train, o.BatchSize, o.Seed}}
	opt := &t.opt.Optimizer
	accum := max(1, opt.Accum)
	*opt = opt.Over(o.Epochs, t.StepsPerEpoch(), o.WarmupShare)
	// Which lengths there will be is known, since the order is.
	for n := range opt.Steps * accum {
		if l := t.length(n); !slices.Contains(t.lengths, l) {
			t.lengths = append(t.lengths, l)
		}
		if len(t.lengths) == len(steps) {
			break
		}
	}
	slices.Sort(t.lengths)
	t.declared = o.Config.Declared(o.Policy, o.Head.Declare)
	t.state = state{
		Data: o.Data, Labels: strings.Join(o.Head.Labels, " "), Kind: o.Head.Kind, Seed: o.Seed, Rows: o.BatchSize, Accum: accum,
		Steps: opt.Steps, Freeze: o.Freeze, Decay: o.LayerDecay, LR: opt.LR, HeadLR: o.HeadLR, Dropout: o.Config.Dropout, Thaw: o.Unfreeze,
	}
	var losses []train.Loss
	for _, l := range t.lengths {
		losses = append(losses, o.Head.Loss(o.Config, o.BatchSize, l))
	}
	var err error
	t.Plan, err = train.CompileShapes(lim, losses, train.Options{
		Optimizer: t.opt.Optimizer, Policy: o.Policy, Trainable: t.trainable, LRScale: t.scale, Begin: t.begin(),
		NoDecay: func(name string) bool { return strings.HasPrefix(name, "crf.") },
		Shape: func(step, micro int) int {
			i, _ := slices.BinarySearch(t.lengths, t.length(step*accum+micro))
			return i
		},
	})
	if err != nil {
		return nil, err
	}
	t.dir = &run.Directory{
		Path: o.Dir, Keep: o.Keep, State: t.state, Moments: t.Plan.Moments(), Warn: o.Warn, Saved: o.Saved,
		Model: t.save,
	}
	if o.Score != nil {
		p, err := NewSession(nil, o.Head, o.Config, o.Policy).Compile(lim, 1, t.lengths[len(t.lengths)-1])
		if err != nil {
			return nil, err
		}
		t.session = append(t.session, p)
	}
	t.from, err = run.GoOn(t.dir, o.Resume, t.state, state.fields)
	return t, err
}

// length is that of micro-batch n.
func (t *Training) length(n int) int {
	return min(padded(longest(t.batches.at(n))), t.opt.Config.Context)
}

// StepsPerEpoch returns the number of optimizer steps of a pass over the rows.
func (t *Training) StepsPerEpoch() float64 {
	return float64(t.batches.perEpoch()) / float64(max(1, t.opt.Optimizer.Accum))
}

// Steps returns the number of optimizer steps of the whole run.
func (t *Training) Steps() int { return t.opt.Optimizer.Steps }

// Declared returns the parameters.
func (t *Training) Declared() []nn.Declared { return t.declared }

// Resumed returns the step of the checkpoint that the run goes on from, 0 for
// none.
func (t *Training) Resumed() int {
	if t.from == "" {
		return 0
	}
	step, _ := checkpoint.Step(t.from) // Find has read it
	return step
}

// Trainable returns the number of weights that train.
func (t *Training) Trainable() int { return t.Plan.Trainable() }

// Memory returns what the run needs on the device.
func (t *Training) Memory() plan.Memory {
	m := t.Plan.Memory()
	for _, p := range t.session {
		e := p.Memory()
		m.Scratch += e.Scratch
		m.IO += e.IO
	}
	return m
}

// layer returns the number of a parameter's layer, counted from 1: 0 for the
// embeddings, and one more than there are layers for the pooler and the heads.
func layer(name string, layers int) int {
	if rest, ok := strings.CutPrefix(name, "bert.encoder.layer."); ok {
		n, _, _ := strings.Cut(rest, ".")
		i, err := strconv.Atoi(n)
		if err == nil {
			return i + 1
		}
	}
	if strings.HasPrefix(name, "bert.embeddings.") {
		return 0
	}
	return layers + 1
}

func (t *Training) trainable(name string) bool {
	return t.opt.Freeze < 0 || layer(name, t.opt.Config.Layers) > t.opt.Freeze
}

// begin says from which step a parameter trains.
func (t *Training) begin() func(name string) int {
	if t.opt.Unfreeze == 0 {
		return nil
	}
	layers := t.opt.Config.Layers
	every := max(1, int(math.Round(t.opt.Unfreeze*t.StepsPerEpoch())))
	return train.Unfreezing(func(name string) int { return layer(name, layers) }, layers+1, every)
}

func (t *Training) scale(name string) float64 {
	o := &t.opt
	if IsHead(name) && !strings.HasPrefix(name, "bert.") {
		if o.HeadLR > 0 {
			return o.HeadLR / o.Optimizer.LR
		}
		return 1
	}
	if o.LayerDecay == 0 {
		return 1
	}
	return math.Pow(o.LayerDecay, float64(max(0, o.Config.Layers-layer(name, o.Config.Layers))))
}

// save writes a model directory.
func (t *Training) save(dir string, weights checkpoint.Source) error {
	c := t.opt.Config.WithLabels(t.opt.Head.Architecture(), t.opt.Head.Labels)
	return errors.Join(encoder.Save(dir, c, t.declared, weights), t.opt.Files(dir))
}

// LoadWeights puts the weights, fresh, given or of a checkpoint.
func (t *Training) LoadWeights(b backend.Backend) (train.Progress, error) {
	var p train.Progress
	o := &t.opt
	if t.from != "" {
		return t.dir.Restore(b, t.from, o.Optimizer.Steps, func(dir string) error { return LoadDir(b, t.declared, dir) })
	}
	src := o.Source
	if src == nil {
		src = Fresh{nn.Fresh{Seed: o.Seed, Params: t.declared}}
	}
	if err := Load(b, t.declared, src); err != nil {
		return p, err
	}
	if o.Head.Kind == Chain {
		return p, forbid(b, o.Head.Labels)
	}
	return p, nil
}

// Fresh is a Lister of initial weights.
type Fresh struct{ nn.Fresh }

// Names returns the parameters, sorted.
func (f Fresh) Names() []string {
	var names []string
	for _, d := range f.Params {
		names = append(names, d.Name)
	}
	slices.Sort(names)
	return names
}

// Spec describes a parameter.
func (f Fresh) Spec(name string) (checkpoint.Spec, error) {
	for _, d := range f.Params {
		if d.Name == name {
			return checkpoint.Spec{Name: name, DType: tensor.F32, Shape: d.Shape}, nil
		}
	}
	return checkpoint.Spec{}, fmt.Errorf("task: no parameter %q", name)
}

// Load puts weights.
func Load(b backend.Backend, declared []nn.Declared, from checkpoint.Lister) error {
	var specs []checkpoint.Spec
	for _, d := range declared {
		specs = append(specs, checkpoint.Spec{Name: d.Name, DType: d.DType, Shape: d.Shape})
	}
	return checkpoint.Fill(b.Put, specs, from, checkpoint.FillOptions{})
}

// LoadDir puts the weights of a model directory.
func LoadDir(b backend.Backend, declared []nn.Declared, path string) error {
	dir, err := checkpoint.OpenDir(path)
	if err != nil {
		return err
	}
	defer dir.Close()
	return Load(b, declared, dir)
}

// Run trains. When ctx ends it saves a checkpoint and returns
// train.ErrInterrupted. At the end the run directory is a model directory: of
// the best evaluation if there was any, else of the last step.
func (t *Training) Run(ctx context.Context, b backend.Backend) (train.Progress, error) {
	o := &t.opt
	p, err := t.LoadWeights(b)
	if err != nil {
		return p, err
	}
	if t.from != "" {
		if err := t.dir.Tell(p); err != nil {
			return p, err
		}
	}
	steps, err := t.Stepper(b)
	if err != nil {
		return p, err
	}
	defer steps.Close()
	epoch := max(1, int(math.Round(t.StepsPerEpoch())))
	loop := train.Loop{
		Trainer: steps.trainer, Feed: steps.feed,
		Tick: o.Tick, Steps: o.Optimizer.Steps, StepsPerEpoch: t.StepsPerEpoch(), MaxTime: o.MaxTime,
		LogEvery: o.LogEvery, EvalEvery: epoch, SaveEvery: epoch, SaveInterval: o.SaveInterval, Patience: o.Patience,
	}
	if o.Score != nil {
		session := NewSession(b, o.Head, o.Config, o.Policy)
		defer session.Close()
		loop.Score = func(ctx context.Context) (train.Evaluation, error) { return o.Score(ctx, session) }
	}
	if p, err = t.dir.Loop(ctx, b, loop, p, o.Log); err != nil {
		return p, err
	}
	if best := t.dir.Best(p); best != "" && p.BestAt != p.Step {
		if err := LoadDir(b, t.declared, best); err != nil {
			return p, err
		}
	}
	return p, t.save(o.Dir, run.Weights(b))
}
