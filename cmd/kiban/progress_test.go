package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// clock is a time that the test moves.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func TestProgressLines(t *testing.T) {
	var b bytes.Buffer
	c := &clock{time.Unix(0, 0)}
	p := startProgress(&b, "training", 5000, progressLines, c.now)
	for i := range 100 { // a step each 0.5 s
		c.t = c.t.Add(500 * time.Millisecond)
		p.Update(int64(i+1), "loss", 2.41349, "tok_s", 41200.4)
		if s := c.t.Sub(time.Unix(0, 0)); s < progressQuiet && b.Len() > 0 {
			t.Fatalf("spoke after %v", s)
		}
	}
	p.Done()
	p.Done()
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	// At 2, 12, 22, 32, 42 s and at the end.
	if len(lines) != 6 {
		t.Fatalf("%d lines, want 6:\n%s", len(lines), b.String())
	}
	if want := "phase=training step=4 total=5000 loss=2.413 tok_s=41200 eta=41m38s"; lines[0] != want {
		t.Errorf("first line\n%s\nwant\n%s", lines[0], want)
	}
	if want := "phase=training step=100 total=5000 loss=2.413 tok_s=41200 eta=40m50s"; lines[5] != want {
		t.Errorf("last line\n%s\nwant\n%s", lines[5], want)
	}
}

// ETA follows the speed of the last half minute, not the mean of all.
func TestProgressRateIsRecent(t *testing.T) {
	var b bytes.Buffer
	c := &clock{time.Unix(0, 0)}
	p := startProgress(&b, "reading", 0, progressJSON, c.now).Unit("record")
	done := int64(0)
	for i := range 2000 {
		c.t = c.t.Add(100 * time.Millisecond)
		if i < 1000 {
			done++
		} else {
			done += 10
		}
		p.Update(done)
	}
	if r := p.rate(); r < 95 || r > 105 {
		t.Errorf("rate %v, want about 100 a second", r)
	}
	if len(p.points) > 301 {
		t.Errorf("%d points kept", len(p.points))
	}
	if !strings.HasPrefix(b.String(), `{"phase": "reading", "record": 20, "per_s": 10`) {
		t.Errorf("lines are\n%s", b.String())
	}
}

func TestProgressShortOrQuietSaysNothing(t *testing.T) {
	var b bytes.Buffer
	c := &clock{time.Unix(0, 0)}
	p := startProgress(&b, "writing", 2, progressLines, c.now)
	p.Update(2)
	p.Done()
	q := startProgress(&b, "writing", 2, progressNone, c.now)
	c.t = c.t.Add(time.Hour)
	q.Update(2)
	q.Done()
	if b.Len() > 0 {
		t.Errorf("wrote %q", b.String())
	}
}

// The bar ends without waiting for ever, also when the work stopped half-way.
func TestProgressBarEnds(t *testing.T) {
	for _, done := range []int64{3, 10} {
		var b bytes.Buffer
		c := &clock{time.Unix(0, 0)}
		p := startProgress(&b, "training", 10, progressBar, c.now)
		c.t = c.t.Add(3 * time.Second)
		p.Update(1, "loss", 2.0)
		p.Update(done, "loss", 2.0)
		ended := make(chan struct{})
		go func() { p.Done(); close(ended) }()
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			t.Fatal("the bar does not end")
		}
		if !strings.HasPrefix(p.tail(), " step "+plain(done)+"/10 "+plain(done*10)+"% · loss 2") {
			t.Errorf("tail is %q", p.tail())
		}
	}
}

// What was done before the start has no part in the rate.
func TestProgressGoesOn(t *testing.T) {
	var b bytes.Buffer
	c := &clock{time.Unix(0, 0)}
	p := startProgress(&b, "training", 100, progressLines, c.now).From(50)
	c.t = c.t.Add(10 * time.Second)
	p.Update(60)
	if r := p.rate(); r != 1 {
		t.Errorf("rate %v, want 1 a second", r)
	}
	if want := "phase=training step=60 total=100 per_s=1 eta=40s\n"; b.String() != want {
		t.Errorf("line %q, want %q", b.String(), want)
	}
}
