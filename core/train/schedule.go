package train

import (
	"fmt"
	"math"
)

// Schedule is the course of the learning rate after warm-up.
type Schedule string

// The schedules, under the names that transformers uses.
const (
	Cosine   Schedule = "cosine"
	Linear   Schedule = "linear"
	Constant Schedule = "constant"
)

// ParseSchedule reads a schedule's name.
func ParseSchedule(s string) (Schedule, error) {
	switch Schedule(s) {
	case Cosine, Linear, Constant:
		return Schedule(s), nil
	}
	return "", fmt.Errorf("train: unknown schedule %q; known are cosine, linear, constant", s)
}

// Optimizer are the settings of AdamW. The zero value of a field means what
// its comment says.
type Optimizer struct {
	LR           float64  // peak learning rate
	MinLR        float64  // where cosine and linear end
	Schedule     Schedule // "" means constant
	Warmup       int      // steps over which the rate rises linearly from 0
	Steps        int      // of the whole run: where the schedule ends
	WeightDecay  float64  // of matrices; vectors do not decay
	Beta1, Beta2 float64  // 0 means 0.9 and 0.999
	Eps          float64  // 0 means 1e-8
	GradClip     float64  // largest norm of all gradients together; 0 means any
	Accum        int      // micro-batches a step; 0 means 1
}

// Rate returns the learning rate of a step, counted from 0. The first step of
// a warm-up has rate LR/Warmup; step Warmup has LR; step Steps, which a run
// does not come to, and those after it have MinLR but for Constant.
func (o Optimizer) Rate(step int) float64 {
	if step < o.Warmup {
		return o.LR * float64(step+1) / float64(o.Warmup)
	}
	rest := 0.0 // of the way from peak to end
	if n := o.Steps - o.Warmup; n > 0 {
		rest = min(1, float64(step-o.Warmup)/float64(n))
	}
	switch o.Schedule {
	case Cosine:
		return o.MinLR + (o.LR-o.MinLR)*0.5*(1+math.Cos(math.Pi*rest))
	case Linear:
		return o.LR + (o.MinLR-o.LR)*rest
	}
	return o.LR
}

// hyper fills the operand of graph.AdamW for a step, counted from 0, that is
// the taken-th one to be taken, and for parameters whose learning rate is
// multiplied by scale.
func (o Optimizer) hyper(step, taken int, scale float64, out []float32) {
	b1, b2, eps := o.betas()
	t := float64(taken)
	for i, v := range []float64{o.Rate(step) * scale, b1, b2, eps, 1 - math.Pow(b1, t), 1 - math.Pow(b2, t), o.WeightDecay, 0} {
		out[i] = float32(v)
	}
}

func (o Optimizer) betas() (b1, b2, eps float64) {
	b1, b2, eps = o.Beta1, o.Beta2, o.Eps
	if b1 == 0 {
		b1 = 0.9
	}
	if b2 == 0 {
		b2 = 0.999
	}
	if eps == 0 {
		eps = 1e-8
	}
	return b1, b2, eps
}
