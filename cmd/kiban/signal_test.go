package main

import (
	"bytes"
	"context"
	"syscall"
	"testing"
	"time"
)

// A scheduler's USR1, like Ctrl-C, cancels the context and does not kill.
func TestSignalsCancel(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGUSR1, syscall.SIGTERM, syscall.SIGINT} {
		var b bytes.Buffer
		ctx, stop := withSignals(context.Background(), &b)
		if err := syscall.Kill(syscall.Getpid(), s); err != nil {
			t.Fatal(err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(5 * time.Second):
			t.Fatalf("%v does not cancel", s)
		}
		if context.Cause(ctx) != errInterrupted {
			t.Errorf("%v: cause is %v", s, context.Cause(ctx))
		}
		stop()
		if !bytes.Contains(b.Bytes(), []byte("interrupted; finishing")) {
			t.Errorf("%v: message is %q", s, b.String())
		}
	}
}
