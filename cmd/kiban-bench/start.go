package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// startRows time whole processes: what a user waits for before anything is
// computed. The program kiban is looked for beside this one, and in PATH.
func startRows() []row {
	return []row{{
		name: "start: kiban --help", unit: "starts",
		ours:  func(ctx context.Context, s settings) (measured, error) { return processes(ctx, s, "--help") },
		peers: []peer{{"import torch, transformers", "start.py", []string{"import"}, []string{"import"}}},
	}}
}

// processes runs kiban again and again.
func processes(ctx context.Context, s settings, args ...string) (m measured, err error) {
	path, err := kiban()
	if err != nil {
		return m, err
	}
	m, err = clock(ctx, s, 1, func(int) error {
		out, err := exec.CommandContext(ctx, path, args...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%s: %w: %s", path, err, out)
		}
		return nil
	})
	m.Allocs = nil // those of starting a process
	return m, err
}

func kiban() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	if path := filepath.Join(filepath.Dir(self), "kiban"); exists(path) {
		return path, nil
	}
	path, err := exec.LookPath("kiban")
	if err != nil {
		return "", fmt.Errorf("kiban is neither beside %s nor in PATH; build it there", self)
	}
	return path, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
