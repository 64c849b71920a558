// Command gen compiles the shaders whose sources, includes, flags or compiler
// have changed, and writes spv/SUMS. Run it from the repository root, as make
// shaders does.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/kiban-models/kiban/vkshaders/internal/manifest"
)

func main() {
	if err := generate("vkshaders"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// generate does what it can and returns what it could not.
func generate(dir string) error {
	names, err := manifest.Shaders(dir)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		return fmt.Errorf("gen: there are no shaders in %s; run it from the repository root", dir)
	}
	sums := filepath.Join(dir, "spv", "SUMS")
	old, err := manifest.Read(sums)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	var lines []manifest.Line
	var failed []error
	made := map[string]bool{"SUMS": true}
	for _, name := range names {
		file := filepath.Join(dir, "spv", name+".spv")
		made[name+".spv"] = true
		source, err := manifest.SourceSum(dir, name)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		env, newer, err := manifest.Target(dir, name)
		if err != nil {
			return err
		}
		l := old[name]
		flags := strings.Join(manifest.Flags(env), " ")
		have, _ := os.ReadFile(file) // a missing one has another hash
		fresh := l.Source == source && l.Flags == flags && l.SPV == manifest.Sum(have)
		tool, err := manifest.Compiler(dir, name)
		// What only the newer compiler can make stays as long as it is fresh.
		if fresh && (newer && err != nil || err == nil && l.Compiler == tool.Version) {
			lines = append(lines, l)
			continue
		}
		if err != nil {
			failed = append(failed, err)
			if l.Name != "" {
				lines = append(lines, l) // stale, and TestManifest says so
			}
			continue
		}
		code, err := tool.Compile(dir, name)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		if err := os.WriteFile(file, code, 0o666); err != nil {
			return err
		}
		fmt.Fprintln(os.Stderr, "compiled", name)
		lines = append(lines, manifest.Line{Name: name, Source: source, SPV: manifest.Sum(code), Compiler: tool.Version, Flags: flags})
	}
	entries, err := os.ReadDir(filepath.Join(dir, "spv"))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !made[e.Name()] {
			if err := os.Remove(filepath.Join(dir, "spv", e.Name())); err != nil {
				return err
			}
		}
	}
	if err := os.WriteFile(sums, manifest.Format(lines), 0o666); err != nil {
		return err
	}
	return errors.Join(failed...)
}
