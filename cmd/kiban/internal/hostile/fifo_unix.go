//go:build unix

package hostile

import "syscall"

// fifo makes a named pipe: whoever opens it waits for a writer.
func fifo(path string) error { return syscall.Mkfifo(path, 0o666) }
