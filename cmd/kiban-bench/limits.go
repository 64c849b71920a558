package main

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"sync"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/tensor"
)

// limitsRow measures the machine, not the work.
const limitsRow = "limits"

// limits are what the machine has, by kind: FLOP/s and bytes/s.
type limits map[limit]float64

// measureLimits measures square products of the device's own library, which is
// what the rows use, and reading of memory by all cores, or copying by a GPU.
func measureLimits(ctx context.Context, s settings) (limits, error) {
	b, err := s.open()
	if err != nil {
		return nil, err
	}
	defer b.Close()
	sizes := []int{512, 1024, 2048}
	if s.device != "cpu" {
		sizes = []int{2048, 4096, 8192}
	}
	if s.tiny {
		sizes = []int{256}
	}
	short := s
	short.seconds /= 5
	out := limits{}
	for l, dt := range map[limit]tensor.DType{arithmetic32: tensor.F32, arithmetic16: tensor.BF16} {
		for _, n := range sizes {
			p, times := product{m: n, n: n, k: n}, 1
			if s.device != "cpu" { // which is not to wait for a submission each time
				times = p.repeats(dt)
			}
			m, err := p.rate(ctx, short, b, dt, times)
			if err != nil {
				return nil, err
			}
			out[l] = max(out[l], m.Rate)
		}
	}
	if s.device == "cpu" {
		out[bandwidth], err = reading(ctx, s)
	} else {
		out[bandwidth], err = copying(ctx, short, b)
	}
	return out, err
}

// copying is the bytes a second that a GPU reads and writes: of an operation
// that is nothing else, time after time on more than its caches hold.
func copying(ctx context.Context, s settings, b backend.Backend) (float64, error) {
	n := 1 << 26
	if s.tiny {
		n = 1 << 18
	}
	g := graph.New()
	x := g.Input("x", tensor.F32, n)
	const times = 20
	for range times {
		x = graph.Scale(x, 1)
	}
	m, err := program(ctx, s, b, g, map[string]*graph.Node{"y": x}, times*2*4*float64(n))
	return m.Rate, err
}

// streams are the numbers of places that each core reads at side by side: one
// keeps fewer requests of memory under way than a core can have.
var streams = []int{1, 2, 4}

// reading is the bytes a second that all cores read of memory, at the best of
// the numbers of streams.
func reading(ctx context.Context, s settings) (float64, error) {
	size := 1 << 25 // words of a core
	if s.tiny {
		size = 1 << 21
	}
	cores := cmp.Or(s.threads, runtime.GOMAXPROCS(0))
	parts := make([][]uint64, cores)
	for i := range parts {
		parts[i] = make([]uint64, size)
		for j := range parts[i] {
			parts[i][j] = 1
		}
	}
	s.seconds /= float64(len(streams))
	best := 0.0
	for _, n := range streams {
		m, err := clock(ctx, s, float64(8*size*cores), func(int) error {
			var wait sync.WaitGroup
			sums := make([]uint64, cores)
			for i, p := range parts {
				wait.Go(func() { sums[i] = sum(p, n) })
			}
			wait.Wait()
			for _, x := range sums {
				if x != uint64(size) {
					return fmt.Errorf("%d ones add up to %d", size, x)
				}
			}
			return nil
		})
		if err != nil {
			return 0, err
		}
		best = max(best, m.Rate)
	}
	return best, nil
}

// sum adds up words, whose number is a multiple of 16, by 1, 2 or 4 streams.
func sum(x []uint64, streams int) (out uint64) {
	n := len(x) / streams
	var s [4]uint64
	switch streams {
	case 1:
		for i := 0; i+3 < n; i += 4 {
			s[0], s[1], s[2], s[3] = s[0]+x[i], s[1]+x[i+1], s[2]+x[i+2], s[3]+x[i+3]
		}
	case 2:
		a, b := x[:n], x[n:]
		for i := 0; i+1 < n; i += 2 {
			s[0], s[1], s[2], s[3] = s[0]+a[i], s[1]+a[i+1], s[2]+b[i], s[3]+b[i+1]
		}
	case 4:
		a, b, c, d := x[:n], x[n:2*n], x[2*n:3*n], x[3*n:]
		for i := range n {
			s[0], s[1], s[2], s[3] = s[0]+a[i], s[1]+b[i], s[2]+c[i], s[3]+d[i]
		}
	}
	return s[0] + s[1] + s[2] + s[3]
}
