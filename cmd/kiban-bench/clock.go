package main

import (
	"context"
	"runtime"
	"slices"
	"time"
)

// clock times steps of so many units for a while, after two that are not
// counted: they touch all memory and compile what is compiled late.
func clock(ctx context.Context, s settings, units float64, step func(i int) error) (m measured, err error) {
	const before = 2
	for i := range before {
		if err := step(i); err != nil {
			return m, err
		}
	}
	times := make([]float64, 0, 1<<16)
	var from, to runtime.MemStats
	runtime.ReadMemStats(&from)
	for began := time.Now(); time.Since(began).Seconds() < s.seconds || len(times) < 3; {
		if err := ctx.Err(); err != nil {
			return m, err
		}
		t := time.Now()
		if err := step(before + len(times)); err != nil {
			return m, err
		}
		times = append(times, time.Since(t).Seconds())
	}
	runtime.ReadMemStats(&to)
	allocs := float64(to.Mallocs-from.Mallocs) / float64(len(times))
	m.Step, m.Steps, m.Allocs = median(times), len(times), &allocs
	m.Rate = units / m.Step
	return m, nil
}

func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	return (x[(len(x)-1)/2] + x[len(x)/2]) / 2
}
