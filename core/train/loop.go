package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/kiban-models/kiban/core/backend"
)

// ErrInterrupted says that a loop ended early because its context did, after
// saving.
var ErrInterrupted = errors.New("interrupted")

// Record is one line of a run's history.
type Record struct {
	Step         int     `json:"step"` // optimizer steps done
	Epoch        float64 `json:"epoch"`
	Time         float64 `json:"time"`       // seconds of training, earlier parts of a resumed run included
	Split        string  `json:"split"`      // train or eval
	Loss         float64 `json:"loss"`       // nats a token; of train, the mean since the last line
	Perplexity   float64 `json:"perplexity"` // exp(Loss), of a loss of 700 at most
	LR           float64 `json:"learning_rate,omitempty"`
	GradNorm     float64 `json:"grad_norm,omitempty"`
	Tokens       int64   `json:"tokens"`                      // trained on so far
	TokensPerSec float64 `json:"tokens_per_second,omitempty"` // while training, since the last line
	LossScale    float64 `json:"loss_scale,omitempty"`        // of training in f16, and
	Skipped      int     `json:"skipped_steps,omitempty"`     // the steps so far that were not taken
	Scores       Scores  `json:"scores,omitempty"`            // of an evaluation, beside the loss
}

// Scores are what a task is judged by, by name: f1, accuracy.
type Scores map[string]float64

// Evaluation is what a model comes to on held-out data.
type Evaluation struct {
	Loss   float64 // nats
	Scores Scores
	// By is the score that the best model has the most of; "" means that it
	// has the smallest loss.
	By string
}

// Progress is where a run stands; a checkpoint stores it.
type Progress struct {
	Step    int     `json:"global_step"`
	Tokens  int64   `json:"tokens"`
	Seconds float64 `json:"seconds"`
	Best    float64 `json:"best_eval_loss"` // the loss of the best evaluation; 0 before the first
	BestAt  int     `json:"best_step"`
	EvalAt  int     `json:"last_eval_step"`
	// LossSum and LossSteps are of the steps since the last line of the
	// history, so that a run that is resumed goes on with the same lines.
	LossSum   float64 `json:"loss_sum"`
	LossSteps int     `json:"loss_steps"`
	Scaling   Scaling `json:"loss_scaling,omitzero"`
	BestScore float64 `json:"best_eval_score,omitempty"` // of the best evaluation, if one decides
	// Worse are the evaluations since the best one, of a run with patience.
	Worse int `json:"evaluations_since_best,omitempty"`
	// Skipped is Trainer.Skipped.
	Skipped []int `json:"skipped_before_stages,omitempty"`
}

// Loop drives a Trainer. Feed, Eval and Save are the caller's; an error of
// theirs, or of Log, ends the run without saving.
type Loop struct {
	Trainer *Trainer
	// Feed writes the inputs of a micro-batch and returns the number of
	// tokens that count in it. It is a function of its arguments, and is called
	// ahead of time, while the device is at work: for the first micro-batch of a
	// step already in the one before, and in vain if the run ends with that.
	Feed func(step, micro int, r backend.Runner) (tokens int, err error)
	// Eval, if not nil, returns the loss on held-out data in nats a token. It
	// should end early with ctx: the evaluation is then made when the run is
	// resumed.
	Eval func(ctx context.Context) (loss float64, err error)
	// Score takes the place of Eval for tasks that have scores.
	Score func(ctx context.Context) (Evaluation, error)
	// Save makes a checkpoint: of p, the parameters and the moments. It
	// replaces one of the same step.
	Save func(p Progress) error
	// Log receives the history; Tick, if not nil, every step.
	Log  func(Record) error
	Tick func(p Progress, r Result)

	Steps         int           // where the run ends
	StepsPerEpoch float64       // for the records
	MaxTime       time.Duration // ends this part of the run, after evaluating and saving; 0 means never
	LogEvery      int           // steps; 0 means 10
	EvalEvery     int           // steps; 0 means at the end only
	SaveEvery     int           // steps; 0 means never
	SaveInterval  time.Duration // 0 means never
	// EpochEnds adds an evaluation, and a save after it, to the step that
	// comes to the end of each epoch.
	EpochEnds bool
	// Patience ends the run after so many evaluations in a row that were not
	// the best so far; 0 means never.
	Patience int
}

// Run trains from p on, zero for a new run, and returns where the run stands
// then. It evaluates and saves at the end, and saves when ctx ends, returning
// ErrInterrupted then. A step that has begun is finished first. No step is
// saved twice, but for one whose evaluation was interrupted and made up for.
func (l *Loop) Run(ctx context.Context, p Progress) (Progress, error) {
	every := l.LogEvery
	if every <= 0 {
		every = 10
	}
	began, before := time.Now(), p.Seconds
	l.Trainer.SetScaling(p.Scaling)
	l.Trainer.SetSkipped(p.Skipped)
	saved, savedAt := p.Step, time.Now()
	save := func() error {
		if saved == p.Step {
			return nil
		}
		saved, savedAt = p.Step, time.Now()
		return l.Save(p)
	}
	// evaluate puts off an error that is the context's to the end of the loop.
	evaluate := func() error {
		err := l.evaluate(ctx, &p)
		if err != nil && ctx.Err() == nil {
			return err
		}
		if saved == p.Step && p.Step > 0 && p.EvalAt == p.Step {
			saved = -1 // that checkpoint does not know of the evaluation
		}
		return nil
	}
	if p.Step < l.Steps && l.evalDue(p) { // the evaluation was interrupted
		if err := evaluate(); err != nil {
			return p, err
		}
		if p.EvalAt == p.Step {
			if err := save(); err != nil {
				return p, err
			}
		}
	}
	var tokens int64        // since the last line of the history,
	var spent time.Duration // and the time that training them took
	// The step whose first micro-batch has been written ahead of time, and its
	// tokens.
	fed, fedTokens := -1, 0
	for p.Step < l.Steps {
		if ctx.Err() != nil {
			if err := save(); err != nil {
				return p, err
			}
			return p, ErrInterrupted
		}
		if l.MaxTime > 0 && time.Since(began) >= l.MaxTime || l.Patience > 0 && p.Worse >= l.Patience {
			break
		}
		var ahead func(r backend.Runner)
		if next := p.Step + 1; next < l.Steps {
			ahead = func(r backend.Runner) {
				if k, err := l.Feed(next, 0, r); err == nil { // else that step fails, in its turn
					fed, fedTokens = next, k
				}
			}
		}
		count, start := 0, time.Now()
		r, err := l.Trainer.step(p.Step, func(micro int, r backend.Runner) (err error) {
			k := fedTokens
			if micro > 0 || fed != p.Step {
				k, err = l.Feed(p.Step, micro, r)
			}
			count += k
			return err
		}, ahead)
		if err != nil {
			return p, err
		}
		p.Step++
		p.Tokens += int64(count)
		p.Seconds = before + time.Since(began).Seconds()
		p.Scaling, p.Skipped = l.Trainer.Scaling(), l.Trainer.Skipped()
		if !r.Skipped { // what overflowed may have been the loss
			p.LossSum, p.LossSteps = p.LossSum+r.Loss, p.LossSteps+1
		}
		tokens, spent = tokens+int64(count), spent+time.Since(start)
		if l.Tick != nil {
			l.Tick(p, r)
		}
		if (p.Step%every == 0 || p.Step == l.Steps) && p.LossSteps > 0 {
			rec := l.record(p, "train", p.LossSum/float64(p.LossSteps))
			rec.LR, rec.GradNorm, rec.LossScale, rec.Skipped = r.LR, r.GradNorm, r.LossScale, p.Scaling.Skipped
			if spent > 0 {
				rec.TokensPerSec = float64(tokens) / spent.Seconds()
			}
			if err := l.Log(rec); err != nil {
				return p, err
			}
			p.LossSum, p.LossSteps = 0, 0
			tokens, spent = 0, 0
		}
		if p.Step < l.Steps && l.evalDue(p) {
			if err := evaluate(); err != nil {
				return p, err
			}
		}
		due := l.EpochEnds && l.endsEpoch(p.Step) || l.SaveEvery > 0 && p.Step%l.SaveEvery == 0 || l.SaveInterval > 0 && time.Since(savedAt) >= l.SaveInterval
		if due && p.Step < l.Steps { // the last step is saved with its evaluation, below
			if err := save(); err != nil {
				return p, err
			}
		}
	}
	if p.Step == 0 || p.EvalAt != p.Step { // not done before it was killed
		if err := evaluate(); err != nil {
			return p, err
		}
	}
	if err := save(); err != nil {
		return p, err
	}
	if ctx.Err() != nil {
		return p, ErrInterrupted
	}
	return p, nil
}

func (l *Loop) evalDue(p Progress) bool {
	return p.Step > 0 && p.EvalAt != p.Step && (l.EvalEvery > 0 && p.Step%l.EvalEvery == 0 || l.EpochEnds && l.endsEpoch(p.Step))
}

// endsEpoch reports whether an epoch ended in the last of so many steps.
func (l *Loop) endsEpoch(steps int) bool {
	if steps == 0 || l.StepsPerEpoch <= 0 {
		return false
	}
	// What is not a whole number of steps may be a little off one.
	epochs := func(n int) int { return int(math.Floor(float64(n)/l.StepsPerEpoch + 1e-9)) }
	return epochs(steps) > epochs(steps-1)
}

func (l *Loop) evaluate(ctx context.Context, p *Progress) error {
	var e Evaluation
	var err error
	switch {
	case l.Score != nil:
		e, err = l.Score(ctx)
	case l.Eval != nil:
		e.Loss, err = l.Eval(ctx)
	default:
		return nil
	}
	if err != nil {
		return err
	}
	loss, score := e.Loss, e.Scores[e.By]
	if math.IsNaN(loss) || math.IsInf(loss, 0) {
		return fmt.Errorf("train: after step %d: the loss on held-out data, %g, is not finite; lower the learning rate, or use --precision f32", p.Step, loss)
	}
	better := loss < p.Best
	if e.By != "" { // of equal scores the smaller loss
		better = score > p.BestScore || score == p.BestScore && better
	}
	if p.Best == 0 && p.BestAt == 0 || better {
		p.Best, p.BestScore, p.BestAt, p.Worse = loss, score, p.Step, 0
	} else if l.Patience > 0 {
		p.Worse++
	}
	p.EvalAt = p.Step
	r := l.record(*p, "eval", loss)
	r.Scores = e.Scores
	return l.Log(r)
}

func (l *Loop) record(p Progress, split string, loss float64) Record {
	r := Record{Step: p.Step, Time: p.Seconds, Split: split, Loss: loss, Perplexity: perplexity(loss), Tokens: p.Tokens}
	if l.StepsPerEpoch > 0 {
		r.Epoch = float64(p.Step) / l.StepsPerEpoch
	}
	return r
}
