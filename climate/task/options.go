package task

import (
	"fmt"
	"slices"
	"time"

	"github.com/kiban-models/kiban/climate/forecast"
	"github.com/kiban-models/kiban/climate/pair"
	"github.com/kiban-models/kiban/climate/store"
	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/run"
	"github.com/kiban-models/kiban/core/train"
)

// Freeze says what of a model does not train.
type Freeze string

const (
	FreezeNothing Freeze = ""
	FreezeBody    Freeze = "body" // the blocks, but for their norms
)

// Options describe a run.
type Options struct {
	Dir    string // the run directory, which exists
	Config forecast.Config
	About  About // see Describe
	Stores []*store.Store
	// Pairs are what a downscaler or a projector learns from, in place of Stores; see
	// DescribeDownscaling and DescribeProjection.
	Pairs *pair.Pairs
	// Source gives the weights to begin with, as Model.Begin shows them; nil means
	// fresh ones.
	Source checkpoint.Lister
	Policy nn.Policy
	// Optimizer's Steps, if 0, are Epochs passes over the examples. Its Warmup, if
	// 0, is the share WarmupShare of the steps.
	Optimizer   train.Optimizer
	Epochs      float64
	WarmupShare float64
	BatchSize   int // examples of a micro-batch
	Seed        uint64
	// Reach is the longest lead time, in steps, that every example must have a
	// truth for; 0 means the longest of About.Leads.
	Reach     int
	Freeze    Freeze
	LoRA      *nn.LoRA // adapters beside the weights of Source, which then are frozen but for variables and head
	Base      string   // the model that adapters say they are of
	Recompute bool
	// EvalLeads are the lead times of evaluations, in steps; nil means About.Leads,
	// or four spread over them. With About.Iterations they are multiples of the
	// first of About.Leads.
	EvalLeads    []int
	EvalExamples int // of each lead time and store at most; 0 is all
	// Patience ends the run after so many evaluations in a row that were not the
	// best so far; 0 means never.
	Patience int
	Resume   string // run.Newest, or a checkpoint

	MaxTime, SaveInterval time.Duration
	LogEvery              int
	Keep                  int // checkpoints; 0 means 3
	Log                   func(train.Record)
	Tick                  func(train.Progress, train.Result)
	Warn                  func(string)
	Saved                 func(last, best string) error
	// Fitting, if not nil, is told how many readings of the training records the
	// baselines of a store have taken.
	Fitting func(done, total int)
}

// state is what decides what a step sees.
type state struct {
	Data      string  `json:"data_sha256"`
	Variables string  `json:"variables"`
	Target    Target  `json:"target"`
	Leads     string  `json:"lead_steps"`
	Patches   int     `json:"patches"`
	Region    string  `json:"region"`
	Seed      uint64  `json:"seed"`
	Batch     int     `json:"batch_size"`
	Accum     int     `json:"grad_accum"`
	Steps     int     `json:"steps"`
	LR        float64 `json:"lr"`
	Freeze    Freeze  `json:"freeze"`
	Adapter   string  `json:"adapter"`
	Dropout   float32 `json:"dropout"`
	DropPath  float32 `json:"drop_path"`
}

func (s state) fields() []run.Field {
	return []run.Field{
		{Name: "data (the hash of their manifests)", Value: s.Data}, {Name: "variables", Value: s.Variables}, {Name: "target", Value: s.Target},
		{Name: "lead times", Value: s.Leads}, {Name: "patches", Value: s.Patches}, {Name: "region", Value: s.Region}, {Name: "seed", Value: s.Seed},
		{Name: "batch size", Value: s.Batch}, {Name: "accumulation", Value: s.Accum}, {Name: "steps", Value: s.Steps}, {Name: "learning rate", Value: s.LR},
		{Name: "what is frozen", Value: s.Freeze}, {Name: "adapter", Value: s.Adapter}, {Name: "dropout", Value: s.Dropout}, {Name: "drop path", Value: s.DropPath},
	}
}

func (o *Options) check() error {
	switch {
	case (len(o.Stores) == 0) == (o.Pairs == nil):
		return fmt.Errorf("task: no store to learn from, or both stores and pairs of them")
	case (o.Pairs != nil) != (o.About.Task == Downscale || o.About.Task == Project):
		return fmt.Errorf("task: a model to %s does not learn from this: pairs of stores are for a downscaler or a projector", o.About.Task)
	case o.Config.IsProjector() != (o.About.Task == Project) || o.Config.History != o.About.History:
		return fmt.Errorf("task: a model to %s from %d records with the configuration of a %s of %d", o.About.Task, o.About.History, o.Config.Architectures, o.Config.History)
	case o.About.Task == Downscale && o.About.Iterations > 1:
		return fmt.Errorf("task: what is downscaled is not downscaled again; wanted no iterations")
	case o.BatchSize < 1 || o.Patience < 0 || o.EvalExamples < 0:
		return fmt.Errorf("task: batches of %d examples, a patience of %d and %d examples to evaluate; wanted at least 1, 0 and 0", o.BatchSize, o.Patience, o.EvalExamples)
	case o.Freeze != FreezeNothing && o.Freeze != FreezeBody:
		return fmt.Errorf("task: %.40q to freeze; wanted %s or nothing", string(o.Freeze), FreezeBody)
	case o.LoRA != nil && (o.Source == nil || o.Freeze != FreezeNothing):
		return fmt.Errorf("task: adapters are trained beside the weights of a model, with all of its body frozen; name a model, and nothing else to freeze")
	case o.About.Iterations > 1 && len(o.About.Leads) > 1:
		return fmt.Errorf("task: forecasts made of one another have one lead time, not %v steps", o.About.Leads)
	case o.EvalLeads != nil && (len(o.EvalLeads) == 0 || o.EvalLeads[0] < 1 || !slices.IsSorted(o.EvalLeads)):
		return fmt.Errorf("task: lead times of %v steps to evaluate; wanted at least 1, ascending", o.EvalLeads)
	}
	return nil
}

// evalLeads are the lead times of evaluations, in steps.
func (o *Options) evalLeads() []int {
	a := &o.About
	if a.Iterations > 1 {
		var all []int
		for i := 1; i <= a.Iterations; i++ {
			all = append(all, i*a.Leads[0])
		}
		return all
	}
	if o.EvalLeads != nil && a.Task == Forecast {
		return o.EvalLeads
	}
	if len(a.Leads) <= 4 {
		return a.Leads
	}
	var some []int
	for i := range 4 {
		some = append(some, a.Leads[i*(len(a.Leads)-1)/3])
	}
	return some
}

// data are the stores that are learnt from.
func (o *Options) data() []*store.Store {
	if o.Pairs != nil {
		return []*store.Store{o.Pairs.Input, o.Pairs.Target}
	}
	return o.Stores
}

// fitLeads are the lead times that baselines are fitted for.
func (o *Options) fitLeads() []int {
	leads := slices.Clone(o.evalLeads())
	if o.About.Target == Damped && o.About.Task == Forecast {
		leads = append(leads, o.About.Leads...)
	}
	slices.Sort(leads)
	return slices.Compact(leads)
}
