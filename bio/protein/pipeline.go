package protein

import (
	"context"
	"runtime"
	"sync"
)

// inOrder runs work on all that produce sends, on several threads (0 means all
// processors), and hands it to take in the order of sending. What produce sent
// before it failed is still taken. produce runs on a goroutine of its own, take
// on the caller's.
func inOrder[T any](ctx context.Context, threads int, produce func(ctx context.Context, send func(T) error) error, work, take func(T) error) error {
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type job struct {
		item T
		done chan error
	}
	todo, order := make(chan job), make(chan job, 2*threads)
	var workers sync.WaitGroup
	for range threads {
		workers.Go(func() {
			for j := range todo {
				j.done <- work(j.item)
			}
		})
	}
	var produced error
	workers.Go(func() {
		defer close(order)
		defer close(todo)
		produced = produce(ctx, func(item T) error {
			j := job{item, make(chan error, 1)}
			select {
			case order <- j:
			case <-ctx.Done():
				return ctx.Err()
			}
			// Once in order it must be worked on, or the reader of order waits
			// for ever; workers always come back for more.
			todo <- j
			return nil
		})
	})
	var failed error
	for j := range order {
		err := <-j.done
		if failed == nil && err == nil {
			err = take(j.item)
		}
		if failed == nil && err != nil {
			failed = err
			cancel()
		}
	}
	workers.Wait()
	if failed != nil {
		return failed
	}
	return produced
}
