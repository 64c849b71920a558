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
	args := p.args
	if s.tiny {
		args = p.tiny
	}
	device := "cpu"
	if s.device != "cpu" {
		device = "cuda"
	}
	args = append([]string{filepath.Join(dir, "peers", p.script), device, fmt.Sprint(s.seconds)}, args...)
	c := exec.CommandContext(ctx, python, args...)
	c.Env = append(os.Environ(), "KIBAN_BENCH_DATA="+s.data)
	return printed(c)
}

// printed runs a command and reads what was measured, its last line.
func printed(c *exec.Cmd) (m measured, err error) {
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
