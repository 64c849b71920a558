//go:build unix

package main

import (
	"os"
	"runtime"
	"syscall"
)

// peakMemory returns the most memory that a process and its children had
// resident, in bytes.
func peakMemory(p *os.ProcessState) int64 {
	most := int64(p.SysUsage().(*syscall.Rusage).Maxrss)
	if runtime.GOOS == "darwin" {
		return most
	}
	return most << 10
}

// endAs ends this process as another one ended.
func endAs(p *os.ProcessState) {
	if status := p.Sys().(syscall.WaitStatus); status.Signaled() {
		syscall.Kill(os.Getpid(), status.Signal())
		select {}
	}
	os.Exit(p.ExitCode())
}
