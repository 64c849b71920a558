package main

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

//go:embed peers/*.py
var scripts embed.FS

// unpackPeers writes the peers' programs to a new folder.
func unpackPeers() (dir string, err error) {
	if dir, err = os.MkdirTemp("", "kiban-bench-peers-"); err != nil {
		return "", err
	}
	return dir, os.CopyFS(dir, scripts)
}

// run measures a peer.
func (p peer) run(ctx context.Context, python, dir string, s settings) (measured, error) {
	return printed[measured](p.command(ctx, python, dir, s))
}

// command runs a peer on the CPU, or on the first GPU; if that is only a trial,
// on the CPU where torch finds no GPU.
func (p peer) command(ctx context.Context, python, dir string, s settings) *exec.Cmd {
	args, device := p.args, "cpu"
	if s.tiny {
		args = p.tiny
	}
	switch {
	case s.device != "cpu" && s.tiny:
		device = "any"
	case s.device != "cpu":
		device = "cuda"
	}
	args = append([]string{filepath.Join(dir, "peers", p.script), device, fmt.Sprint(s.seconds)}, args...)
	c := exec.CommandContext(ctx, python, args...)
	c.Env = append(os.Environ(), "KIBAN_BENCH_DATA="+s.data)
	c.WaitDelay = 5 * time.Second // for what it started
	return c
}

// peerLimits are what torch's own libraries reach on a GPU.
func peerLimits(ctx context.Context, python, dir string, s settings) (limits, error) {
	p := peer{script: "limits.py", args: []string{"8192", fmt.Sprint(1 << 28)}, tiny: []string{"256", fmt.Sprint(1 << 20)}}
	return printed[limits](p.command(ctx, python, dir, s))
}

// printed runs a command and reads what was measured, its last line.
func printed[T any](c *exec.Cmd) (m T, err error) {
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		tail := strings.TrimSpace(stderr.String())
		return m, fmt.Errorf("%w: %s", err, tail[max(0, len(tail)-300):])
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &m); err != nil {
		return m, fmt.Errorf("printed %q: %w", lines[len(lines)-1], err)
	}
	return m, nil
}
