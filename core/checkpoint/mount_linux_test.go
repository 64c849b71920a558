package checkpoint

import "syscall"

func mountTmpfs(dir, opt string) error { return syscall.Mount("tmpfs", dir, "tmpfs", 0, opt) }
func unmount(dir string)               { syscall.Unmount(dir, 0) }
