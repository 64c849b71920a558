package train_test

import (
	"context"
	"math"
	"testing"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/core/train"
)

// TestShapes trains on batches of 3 and 8 rows in turn: as two shapes, and as
// one in which the rows that are not there have no weight.
func TestShapes(t *testing.T) {
	onBackends(t, func(t *testing.T, open func() backend.Backend) {
		for _, accum := range []int{1, 3} {
			rows := []int{3, 8}
			shape := func(step, micro int) int { return (step*accum + micro) % 2 }
			o := train.Options{Optimizer: train.Optimizer{LR: 0.05, Accum: accum, GradClip: 1}, Shape: shape}
			run := func(losses []train.Loss, shape func(step, micro int) int) map[string][]float32 {
				o, b := o, open()
				o.Shape = shape
				p, err := train.CompileShapes(b.Limits(), losses, o)
				if err != nil {
					t.Fatal(err)
				}
				fresh := nn.Fresh{Seed: 11, Params: p.Declared()}
				for _, d := range fresh.Params {
					x, err := fresh.Tensor(d.Name)
					if err == nil {
						err = b.Put(d.Name, x)
					}
					if err != nil {
						t.Fatal(err)
					}
				}
				trainer, err := p.Load(b)
				if err != nil {
					t.Fatal(err)
				}
				defer trainer.Close()
				for step := range 6 {
					_, err := trainer.Step(context.Background(), step, func(micro int, r backend.Runner) error {
						n := rows[(step*accum+micro)%2]
						have := n
						if len(losses) == 1 {
							have = rows[1]
						}
						ids, labels, weights := tensor.New(tensor.I32, have), tensor.New(tensor.I32, have), tensor.New(tensor.F32, have)
						for i := range n {
							ids.Int32()[i], labels.Int32()[i] = int32((step+micro+i)%vocab), int32((2*step+i)%vocab)
							weights.Float32()[i] = 1 / float32(n*accum)
						}
						for name, x := range map[string]*tensor.Tensor{"ids": ids, "labels": labels, "weights": weights} {
							if err := r.Write(name, x); err != nil {
								return err
							}
						}
						return nil
					})
					if err != nil {
						t.Fatal(err)
					}
				}
				all := map[string][]float32{}
				for _, d := range p.Declared() {
					x, err := b.Get(d.Name)
					if err != nil {
						t.Fatal(err)
					}
					all[d.Name] = x.Float32()
				}
				return all
			}
			one := run([]train.Loss{network(8)}, nil)
			two := run([]train.Loss{network(3), network(8)}, shape)
			for name, want := range one {
				for i, w := range want {
					if got := two[name][i]; math.Abs(float64(got-w)) > 1e-5 {
						t.Fatalf("accumulating %d: %s[%d] is %g, wanted %g", accum, name, i, got, w)
					}
				}
			}
		}
	})
}

func TestShapesOfOtherParameters(t *testing.T) {
	other := func(s nn.Scope) *graph.Node {
		s.Vector("more", 1, nn.Init{})
		return network(3)(s)
	}
	if _, err := train.CompileShapes(plan.Limits{}, []train.Loss{network(3), other}, train.Options{}); err == nil {
		t.Error("losses of different parameters were compiled")
	}
}
