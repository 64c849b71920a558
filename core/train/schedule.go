package train

import (
	"fmt"
	"math"
)

// Schedule is the course of the learning rate after warm-up.
type Schedule string

// The schedules, under the names that transformers uses where it has them.
const (
	Cosine   Schedule = "cosine"
	Linear   Schedule = "linear"
	Constant Schedule = "constant"
	// Polynomial is (1-x) to Optimizer.Power, of the way x from peak to end.
	Polynomial Schedule = "polynomial"
	// SlantedTriangular is ULMFiT's (Howard & Ruder 2018, arXiv:1801.06146,
	// equation 3): up in a straight line for the tenth of the steps, down in
	// another for the rest, from and to the 32nd of the peak. Warmup, if not 0,
	// is where the peak is, and MinLR, if not 0, what both ends are.
	SlantedTriangular Schedule = "slanted_triangular"
)

// ParseSchedule reads a schedule's name.
func ParseSchedule(s string) (Schedule, error) {
	switch Schedule(s) {
	case Cosine, Linear, Constant, Polynomial, SlantedTriangular:
		return Schedule(s), nil
	}
	return "", fmt.Errorf("train: unknown schedule %q; known are cosine, linear, constant, polynomial, slanted_triangular", s)
}

// Optimizer are the settings of AdamW. The zero value of a field means what
// its comment says.
type Optimizer struct {
	LR           float64  // peak learning rate
	MinLR        float64  // where all but constant end
	Power        float64  // of polynomial; 0 means 1, which is linear
	Schedule     Schedule // "" means constant
	Warmup       int      // steps over which the rate rises linearly from 0
	Steps        int      // of the whole run: where the schedule ends
	WeightDecay  float64  // of matrices; vectors do not decay
	Beta1, Beta2 float64  // 0 means 0.9 and 0.999
	Eps          float64  // 0 means 1e-8
	GradClip     float64  // largest norm of all gradients together; 0 means any
	Accum        int      // micro-batches a step; 0 means 1
}

// Over returns the optimizer of a run of so many epochs of data: if Steps is 0,
// it is theirs, and if Warmup is 0, a share of the steps.
func (o Optimizer) Over(epochs, stepsPerEpoch, warmup float64) Optimizer {
	if o.Steps == 0 {
		o.Steps = max(1, int(math.Ceil(epochs*stepsPerEpoch)))
	}
	if o.Warmup == 0 {
		o.Warmup = int(math.Round(warmup * float64(o.Steps)))
	}
	return o
}

// Rate returns the learning rate of a step, counted from 0. The first step of
// a warm-up has rate LR/Warmup; step Warmup has LR; step Steps, which a run
// does not come to, and those after it have MinLR but for Constant. Slanted
// triangular rates have their own rise.
func (o Optimizer) Rate(step int) float64 {
	if o.Schedule == SlantedTriangular {
		return o.slanted(step)
	}
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
	case Polynomial:
		power := o.Power
		if power == 0 {
			power = 1
		}
		return o.MinLR + (o.LR-o.MinLR)*math.Pow(1-rest, power)
	}
	return o.LR
}

// slanted is equation 3, but that the way down is as long as there are steps:
// in the equation it is nine times the way up, whose length is rounded down, so
// that the rate of short runs would end below its least, or below 0.
func (o Optimizer) slanted(step int) float64 {
	const share, ratio = 0.1, 32
	cut, least := o.Warmup, o.MinLR
	if cut == 0 {
		cut = max(1, int(share*float64(o.Steps)))
	}
	if least == 0 {
		least = o.LR / ratio
	}
	p := float64(step) / float64(cut)
	if step >= cut {
		p = 1
		if n := o.Steps - cut; n > 0 {
			p = max(0, 1-float64(step-cut)/float64(n))
		}
	}
	return least + (o.LR-least)*p
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
