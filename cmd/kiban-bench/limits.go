package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"runtime"
	"sync"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

// limitsRow measures the machine, not the work.
const limitsRow = "limits"

// limits are what the machine has, by kind: FLOP/s and bytes/s.
type limits map[limit]float64

// measureLimits measures square products of the device's own library, which is
// what the rows use, and reading of memory by all cores.
func measureLimits(ctx context.Context, s settings) (limits, error) {
	b, err := s.open()
	if err != nil {
		return nil, err
	}
	defer b.Close()
	out := limits{}
	for l, dt := range map[limit]tensor.DType{arithmetic32: tensor.F32, arithmetic16: tensor.BF16} {
		best := 0.0
		for _, n := range []int{512, 1024, 2048} {
			if s.tiny && n > 512 {
				continue
			}
			rate, err := product(ctx, s, b, n, dt)
			if err != nil {
				return nil, err
			}
			best = max(best, rate)
		}
		out[l] = best
	}
	if s.device == "cpu" {
		out[bandwidth], err = reading(ctx, s)
	}
	return out, err
}

// product is the FLOP/s of products of n by n matrices.
func product(ctx context.Context, s settings, b backend.Backend, n int, dt tensor.DType) (float64, error) {
	g := graph.New()
	x, w := g.Input("x", dt, n, n), g.Input("w", dt, n, n)
	p, err := plan.Compile(g, b.Limits(), plan.Options{}, map[string]*graph.Node{"y": graph.MatMul(x, w, graph.MatMulOpt{})})
	if err != nil {
		return 0, err
	}
	r, err := b.Load(p)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	for _, name := range []string{"x", "w"} {
		t := tensor.New(tensor.F32, n, n)
		for i := range t.Float32() {
			t.Float32()[i] = float32(i%13) - 6
		}
		if err := r.Write(name, t.Convert(dt)); err != nil {
			return 0, err
		}
	}
	s.seconds /= 5
	m, err := clock(ctx, s, 1, func(int) error { return r.Run(ctx) })
	return 2 * float64(n) * float64(n) * float64(n) * m.Rate, err
}

// reading is the bytes a second that all cores read of memory: a search for a
// byte that is not there, vectorised in Go's library.
func reading(ctx context.Context, s settings) (float64, error) {
	size := 1 << 28
	if s.tiny {
		size = 1 << 24
	}
	cores := cmp.Or(s.threads, runtime.GOMAXPROCS(0))
	parts := make([][]byte, cores)
	for i := range parts {
		parts[i] = bytes.Repeat([]byte{1, 2, 3, 4}, size/4)
	}
	m, err := clock(ctx, s, float64(size*cores), func(int) error {
		var wait sync.WaitGroup
		found := make([]int, cores)
		for i, p := range parts {
			wait.Go(func() { found[i] = bytes.IndexByte(p, 0) })
		}
		wait.Wait()
		for _, at := range found {
			if at >= 0 {
				return fmt.Errorf("found what is not there")
			}
		}
		return nil
	})
	return m.Rate, err
}
