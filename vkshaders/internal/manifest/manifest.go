// Package manifest says from what each SPIR-V file was made: its source with
// everything that it includes, the compiler and its flags.
package manifest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Tool is a compiler with its flags.
type Tool struct {
	Path    string
	Version string // in one line
	Flags   []string
}

// Newer names the environment variable with the folder whose bin/glslc compiles
// the shaders that Debian 12's does not know, as /usr of a later release.
const Newer = "KIBAN_NEWER_VULKAN"

// needsNewer finds the line by which a shader asks for a newer compiler, and
// for the version of Vulkan whose SPIR-V it may use.
var needsNewer = regexp.MustCompile(`(?m)^// glslc: newer, (vulkan1\.[0-9])$`)

// Target returns the version of Vulkan that a shader is compiled for, and
// whether that takes the newer compiler.
func Target(dir, name string) (env string, newer bool, err error) {
	text, err := os.ReadFile(filepath.Join(dir, name+".comp"))
	if err != nil {
		return "", false, fmt.Errorf("manifest: %w", err)
	}
	if m := needsNewer.FindSubmatch(text); m != nil {
		return string(m[1]), true, nil
	}
	return "vulkan1.1", false, nil
}

// Flags returns what the compiler is given for a target.
func Flags(env string) []string { return []string{"--target-env=" + env, "-Werror", "-Iinclude"} }

// Line describes one SPIR-V file.
type Line struct {
	Name     string // stem
	Source   string // SHA-256 of the source with its includes
	SPV      string // SHA-256 of the result
	Compiler string // its version
	Flags    string
}

// Shaders returns the stems of the *.comp files in a folder, in order.
func Shaders(dir string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.comp"))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, f := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(f), ".comp"))
	}
	slices.Sort(names)
	return names, nil
}

var include = regexp.MustCompile(`(?m)^[ \t]*#[ \t]*include[ \t]+"([^"]+)"`)

// SourceSum returns the hash of a shader's source and of all that it includes,
// in the order in which they are met. Included files lie in the folder include.
func SourceSum(dir, name string) (string, error) {
	h := sha256.New()
	seen := map[string]bool{}
	var add func(file string) error
	add = func(file string) error {
		if seen[file] {
			return nil
		}
		seen[file] = true
		text, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("manifest: %w", err)
		}
		rel, err := filepath.Rel(dir, file)
		if err != nil {
			return fmt.Errorf("manifest: %w", err)
		}
		fmt.Fprintf(h, "%s %d\n", filepath.ToSlash(rel), len(text))
		h.Write(text)
		for _, m := range include.FindAllSubmatch(text, -1) {
			if err := add(filepath.Join(dir, "include", string(m[1]))); err != nil {
				return err
			}
		}
		return nil
	}
	if err := add(filepath.Join(dir, name+".comp")); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Sum returns the SHA-256 of data.
func Sum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}

// Compiler returns the tool for a shader: glslc, or that of the newer release
// where the shader needs it.
func Compiler(dir, name string) (Tool, error) {
	env, newer, err := Target(dir, name)
	if err != nil {
		return Tool{}, err
	}
	t := Tool{Path: "glslc", Flags: Flags(env)}
	if newer {
		folder := os.Getenv(Newer)
		if folder == "" {
			return Tool{}, fmt.Errorf("manifest: %s.comp needs a glslc that knows cooperative matrices and bfloat16 (shaderc 2026.4 does); set %s to the folder that has it as bin/glslc", name, Newer)
		}
		t.Path = filepath.Join(folder, "bin", "glslc")
	}
	t.Version, err = version(t.Path)
	return t, err
}

func version(glslc string) (string, error) {
	out, err := exec.Command(glslc, "--version").Output()
	if err != nil {
		return "", fmt.Errorf("manifest: %s: %w; install the shader compiler (Debian and Ubuntu: glslc)", glslc, err)
	}
	var parts []string
	for line := range strings.Lines(string(out)) {
		if f := strings.Fields(line); len(f) == 2 {
			parts = append(parts, strings.Join(f, "-"))
		}
	}
	return strings.Join(parts, ","), nil
}

// Compile returns the SPIR-V of a shader.
func (t Tool) Compile(dir, name string) ([]byte, error) {
	var out, msg bytes.Buffer
	cmd := exec.Command(t.Path, append(slices.Clone(t.Flags), "-o", "-", name+".comp")...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &msg
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("manifest: glslc %s.comp: %w\n%s", name, err, msg.Bytes())
	}
	return out.Bytes(), nil
}

// Read returns the lines of a SUMS file by name.
func Read(file string) (map[string]Line, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	lines := map[string]Line{}
	n := 0
	for text := range strings.Lines(string(data)) {
		n++
		text = strings.TrimSuffix(text, "\n")
		if strings.HasPrefix(text, "#") {
			continue
		}
		f := strings.Split(text, "\t")
		if len(f) != 5 {
			return nil, fmt.Errorf("%s:%d: found %d fields, wanted 5; run make shaders", file, n, len(f))
		}
		lines[f[0]] = Line{f[0], f[1], f[2], f[3], f[4]}
	}
	return lines, nil
}

// Format returns the contents of a SUMS file.
func Format(lines []Line) []byte {
	var b bytes.Buffer
	b.WriteString("# shader, SHA-256 of the source with its includes, SHA-256 of the SPIR-V, compiler, flags\n")
	for _, l := range lines {
		fmt.Fprintf(&b, "%s\t%s\t%s\t%s\t%s\n", l.Name, l.Source, l.SPV, l.Compiler, l.Flags)
	}
	return b.Bytes()
}
