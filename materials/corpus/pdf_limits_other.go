//go:build !linux

package corpus

// limitMemory does nothing: other systems cannot limit a process that runs.
func limitMemory(pid int, bytes uint64) {}
