package train

import (
	"errors"
	"fmt"
	"slices"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

// stage is a stretch of a run in which the same parameters train. Without
// Options.Begin there is one.
type stage struct {
	from      int // the step that it begins with
	trainable []nn.Declared
	micro     []*plan.Program // of each shape: forward and backward; and the update, without accumulation
	apply     *plan.Program   // the update, with accumulation
}

// begin returns the step from which a parameter trains.
func (p *Plan) begin(name string) int {
	if p.opt.Begin == nil {
		return 0
	}
	return p.opt.Begin(name)
}

// never reports whether the run ends before a parameter begins to train.
func (p *Plan) never(name string) bool {
	return p.opt.Optimizer.Steps > 0 && p.begin(name) >= p.opt.Optimizer.Steps
}

// setStages divides the run where parameters begin to train.
func (p *Plan) setStages() error {
	for _, d := range p.trainable {
		from := p.begin(d.Name)
		if from < 0 {
			return fmt.Errorf("train: %s is to train from step %d on; it must be 0 or more", d.Name, from)
		}
		if !slices.ContainsFunc(p.stages, func(s stage) bool { return s.from == from }) {
			p.stages = append(p.stages, stage{from: from})
		}
	}
	slices.SortFunc(p.stages, func(a, b stage) int { return a.from - b.from })
	if p.stages[0].from > 0 {
		return fmt.Errorf("train: none of the %d parameters is to be trained before step %d", len(p.declared), p.stages[0].from)
	}
	for i := range p.stages {
		for _, d := range p.trainable {
			if p.begin(d.Name) <= p.stages[i].from {
				p.stages[i].trainable = append(p.stages[i].trainable, d)
			}
		}
	}
	return nil
}

// stageAt returns the number of the stage that a step is in.
func (p *Plan) stageAt(step int) int {
	i := 0
	for i+1 < len(p.stages) && p.stages[i+1].from <= step {
		i++
	}
	return i
}

// compile plans the programs of a stage, once.
func (s *stage) compile(p *Plan) error {
	if len(s.micro) > 0 {
		return nil
	}
	for _, loss := range p.losses {
		if err := s.addShape(p, loss); err != nil {
			return err
		}
	}
	if p.opt.Optimizer.Accum <= 1 {
		return nil
	}
	g := graph.New()
	sums := make([]*graph.Node, len(s.trainable))
	for i, d := range s.trainable {
		sums[i] = g.State("grad."+d.Name, tensor.F32, d.Shape...)
	}
	norm := p.update(g, s.trainable, sums)
	for _, sum := range sums {
		g.Store(sum, graph.Fill(g, 0, tensor.F32, sum.Shape()...))
	}
	var err error
	s.apply, err = plan.Compile(g, p.lim, plan.Options{}, map[string]*graph.Node{"norm": norm})
	return err
}

// addShape plans the program of a micro-batch.
func (s *stage) addShape(p *Plan, loss Loss) error {
	g := graph.New()
	l := loss(nn.NewScope(g, p.opt.Policy))
	var params []*graph.Node
	for _, d := range s.trainable {
		params = append(params, g.Param(d.Name, d.DType, d.Shape...))
	}
	grads := graph.Grad(p.scaledLoss(l), params...)
	out := map[string]*graph.Node{"loss": l}
	if p.opt.Optimizer.Accum <= 1 {
		out["norm"] = p.update(g, s.trainable, grads)
	} else {
		for i, d := range s.trainable {
			sum := g.State("grad."+d.Name, tensor.F32, d.Shape...)
			g.Store(sum, graph.Add(grads[i], sum))
		}
	}
	micro, err := plan.Compile(g, p.lim, plan.Options{Recompute: p.opt.Recompute}, out)
	if err != nil {
		return err
	}
	s.micro = append(s.micro, micro)
	return nil
}

// update appends the optimizer of some parameters and returns the norm.
func (p *Plan) update(g *graph.Graph, params []nn.Declared, grads []*graph.Node) *graph.Node {
	hyper := make([]*graph.Node, len(p.rates))
	for _, d := range params {
		if i := slices.Index(p.rates, p.rate(d.Name)); hyper[i] == nil {
			hyper[i] = g.Input(hyperName(i), tensor.F32, graph.HyperLen)
		}
	}
	norm := graph.GradNorm(float32(p.opt.Optimizer.GradClip), p.lossScale(g), grads...)
	for i, d := range params {
		graph.AdamW(g.Param(d.Name, d.DType, d.Shape...), grads[i],
			g.State("adam.m."+d.Name, tensor.F32, d.Shape...), g.State("adam.v."+d.Name, tensor.F32, d.Shape...),
			hyper[slices.Index(p.rates, p.rate(d.Name))], norm, len(d.Shape) > 1 && (p.opt.NoDecay == nil || !p.opt.NoDecay(d.Name)))
	}
	return norm
}

// programs returns all of a stage.
func (s *stage) programs() []*plan.Program {
	if s.apply == nil {
		return s.micro
	}
	return append(slices.Clone(s.micro), s.apply)
}

func (s *stage) memory() plan.Memory {
	all := s.programs()
	m := all[0].Memory()
	for i, q := range all[1:] {
		a := q.Memory()
		m.Scratch += a.Scratch
		m.IO += a.IO
		m.Params += further(all[:i+1], q, func(q *plan.Program) []plan.Named { return q.Params })
		m.States += further(all[:i+1], q, func(q *plan.Program) []plan.Named { return q.States })
	}
	return m
}

// further returns the bytes of what a program has that those before it lack.
func further(before []*plan.Program, q *plan.Program, of func(*plan.Program) []plan.Named) int64 {
	have := map[string]bool{}
	for _, b := range before {
		for _, n := range of(b) {
			have[n.Name] = true
		}
	}
	var bytes int64
	for _, n := range of(q) {
		if !have[n.Name] {
			bytes += n.Bytes()
		}
	}
	return bytes
}

// load loads a stage in place of the one that is loaded.
func (t *Trainer) load(i int) error {
	if err := t.Close(); err != nil {
		return err
	}
	t.stage = i
	s := &t.plan.stages[i]
	if err := s.compile(t.plan); err != nil {
		return err
	}
	for _, q := range s.programs() {
		r, err := t.backend.Load(q)
		if err != nil {
			return errors.Join(err, t.Close())
		}
		if q == s.apply {
			t.apply = r
		} else {
			t.micro = append(t.micro, r)
		}
	}
	return nil
}

// enter loads the stage of a step, if it is another, and notes how many steps
// had been skipped before each.
func (t *Trainer) enter(step int) error {
	i := t.plan.stageAt(step)
	if len(t.skipped) == 0 {
		t.skipped = []int{0}
	}
	for len(t.skipped) <= i {
		t.skipped = append(t.skipped, t.scaling.Skipped)
	}
	if i == t.stage && len(t.micro) > 0 {
		return nil
	}
	return t.load(i)
}

// Skipped returns how many steps had been skipped when each stage that has
// begun did: what a run goes on from, beside Scaling. It is nil without
// Options.Begin.
func (t *Trainer) Skipped() []int {
	if len(t.plan.stages) == 1 {
		return nil
	}
	return slices.Clone(t.skipped)
}

// SetSkipped goes on with what Skipped returned in an earlier run.
func (t *Trainer) SetSkipped(n []int) { t.skipped = slices.Clone(n) }
