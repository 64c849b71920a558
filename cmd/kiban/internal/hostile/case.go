package hostile

import (
	"io"
	"os"
	"path/filepath"
	"slices"
)

// Case is one attack.
type Case struct {
	Name string
	// Make makes the files in an empty folder, in which kiban runs then.
	Make func(f Folder) error
	Args []string // of kiban
	// Input, if not nil, writes what kiban reads on its standard input. An
	// error of w means that kiban no longer reads.
	Input func(w io.Writer) error

	// Accept says that the files must be taken; else they must be refused with
	// one line on stderr and exit code 1.
	Accept bool
	Says   []string // what stderr must hold
	// Misuse says that the arguments are at fault: exit code 2. Any says that
	// either answer is right, as long as kiban behaves.
	Misuse, Any bool
	// Clean says that a refusal must leave no file behind.
	Clean bool
	// Twin, if not nil, makes harmless files, which must give the same
	// standard output and the same Files as the hostile ones.
	Twin func(f Folder) error
	// TwinArgs are the arguments for the twin; nil means Args.
	TwinArgs []string
	// Files are patterns of files that kiban writes, for comparison.
	Files []string
	// Runs names a program that kiban may run, once, as it reads the files; ""
	// is none.
	Runs string
}

// Cases returns the collection. base has a run that kiban made: the folders
// data and run, of the arguments that [Prepare] and [Pretrain] name; climate has
// what [ClimateBase] says. Without one, "", the attacks on it are left out.
func Cases(base, climate Folder) []Case {
	all := slices.Concat(safetensorsCases(), fastaCases(), compressedCases(), pickleCases(), torchCases(), tokenizerCases(), deviceCases(),
		encoderCases(), documentCases(), markedCases(), climateCases(climate))
	if base != "" {
		all = append(all, runCases(base)...)
	}
	return all
}

// Folder is where a case puts its files.
type Folder string

// Path returns the path of a file in the folder.
func (f Folder) Path(name string) string { return filepath.Join(string(f), filepath.FromSlash(name)) }

// Write writes a file, and makes the folders that it lies in.
func (f Folder) Write(name string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(f.Path(name)), 0o777); err != nil {
		return err
	}
	return os.WriteFile(f.Path(name), data, 0o666)
}

// Sparse writes a file that begins with head and reads as zeros up to size.
func (f Folder) Sparse(name string, head []byte, size int64) error {
	if err := f.Write(name, head); err != nil {
		return err
	}
	return os.Truncate(f.Path(name), size)
}

// file makes one file of given contents.
func file(name string, data func() []byte) func(Folder) error {
	return func(f Folder) error { return f.Write(name, data()) }
}

func text(s string) func() []byte { return func() []byte { return []byte(s) } }

// chunks writes the same bytes n times.
func chunks(chunk []byte, n int) func(w io.Writer) error {
	return func(w io.Writer) error {
		for range n {
			if _, err := w.Write(chunk); err != nil {
				return err
			}
		}
		return nil
	}
}
