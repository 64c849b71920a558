//go:build cgo && !nonetcdf

package netcdf

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// onlyReads has the kernel refuse all threads of the process what reading a file
// never needs: programs, the network, other processes, and any change to files.
// A kernel without filters of system calls refuses nothing.
func onlyReads() error {
	arch, ok := map[string]uint32{"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64, "riscv64": unix.AUDIT_ARCH_RISCV64}[runtime.GOARCH]
	if !ok {
		return nil
	}
	const (
		load   = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		equal  = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		least  = unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K
		anyBit = unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K
		give   = unix.BPF_RET | unix.BPF_K

		number, architecture, thirdArgument = 0, 4, 16 + 2*8 // in struct seccomp_data; little-endian

		allow = 0x7fff0000
		deny  = 0x00050000 | uint32(unix.EPERM)
		kill  = 0x80000000
		x32   = 0x40000000 // numbers of another table
	)
	p := []unix.SockFilter{
		{Code: load, K: architecture},
		{Code: equal, Jt: 1, K: arch},
		{Code: give, K: kill},
		{Code: load, K: number},
		{Code: least, Jf: 1, K: x32},
		{Code: give, K: deny},
	}
	for _, n := range deniedCalls {
		p = append(p, unix.SockFilter{Code: equal, Jf: 1, K: uint32(n)}, unix.SockFilter{Code: give, K: deny})
	}
	p = append(p,
		unix.SockFilter{Code: equal, Jf: 3, K: unix.SYS_OPENAT},
		unix.SockFilter{Code: load, K: thirdArgument},
		unix.SockFilter{Code: anyBit, Jf: 1, K: unix.O_WRONLY | unix.O_RDWR | unix.O_CREAT | unix.O_TRUNC | unix.O_APPEND},
		unix.SockFilter{Code: give, K: deny},
		unix.SockFilter{Code: give, K: allow})
	program := unix.SockFprog{Len: uint16(len(p)), Filter: &p[0]}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program)))
	runtime.KeepAlive(p)
	if errno != 0 && errno != unix.ENOSYS && errno != unix.EINVAL {
		return errno
	}
	return nil
}

var deniedCalls = append([]uintptr{
	unix.SYS_EXECVE, unix.SYS_EXECVEAT,
	unix.SYS_SOCKET, unix.SYS_SOCKETPAIR, unix.SYS_CONNECT, unix.SYS_BIND, unix.SYS_LISTEN, unix.SYS_ACCEPT4,
	unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_KILL, unix.SYS_PIDFD_SEND_SIGNAL, unix.SYS_PIDFD_OPEN, unix.SYS_PIDFD_GETFD,
	unix.SYS_UNLINKAT, unix.SYS_RENAMEAT2, unix.SYS_MKDIRAT, unix.SYS_MKNODAT, unix.SYS_LINKAT, unix.SYS_SYMLINKAT,
	unix.SYS_TRUNCATE, unix.SYS_FTRUNCATE, unix.SYS_FALLOCATE, unix.SYS_FCHMOD, unix.SYS_FCHMODAT, unix.SYS_FCHOWN, unix.SYS_FCHOWNAT, unix.SYS_UTIMENSAT,
	unix.SYS_SETXATTR, unix.SYS_FSETXATTR, unix.SYS_REMOVEXATTR, unix.SYS_FREMOVEXATTR,
	unix.SYS_OPENAT2, unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_CHROOT, unix.SYS_BPF, unix.SYS_USERFAULTFD, unix.SYS_PERF_EVENT_OPEN,
	unix.SYS_IO_URING_SETUP, unix.SYS_KEYCTL, unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY,
}, olderCalls...)
