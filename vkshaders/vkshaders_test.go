package vkshaders

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/vkshaders/internal/manifest"
)

// TestManifest fails for every SPIR-V file that was not made from the sources
// that are there; it needs no compiler.
func TestManifest(t *testing.T) {
	lines, err := manifest.Read("spv/SUMS")
	if err != nil {
		t.Fatal(err)
	}
	names, err := manifest.Shaders(".")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(names, Names()) {
		t.Errorf("shaders are %v, but spv holds %v; run make shaders", names, Names())
	}
	if len(lines) != len(names) {
		t.Errorf("spv/SUMS lists %d shaders of %d; run make shaders", len(lines), len(names))
	}
	for _, name := range names {
		for _, problem := range stale(t, lines[name], name) {
			t.Errorf("%s.spv is stale: %s; run make shaders", name, problem)
		}
		if _, err := Code(name); err != nil {
			t.Error(err)
		}
	}
}

func stale(t *testing.T, l manifest.Line, name string) []string {
	t.Helper()
	var problems []string
	source, err := manifest.SourceSum(".", name)
	if err != nil {
		return []string{err.Error()}
	}
	if l.Source != source {
		problems = append(problems, "its source or an include has changed")
	}
	env, _, err := manifest.Target(".", name)
	if err != nil {
		return []string{err.Error()}
	}
	if l.Flags != strings.Join(manifest.Flags(env), " ") {
		problems = append(problems, "the compiler's flags have changed")
	}
	data, err := os.ReadFile(filepath.Join("spv", name+".spv"))
	if err != nil || l.SPV != manifest.Sum(data) {
		problems = append(problems, "it is not the file that was compiled")
	}
	return problems
}

// TestManifestSeesIncludes makes sure that a change in an include counts.
func TestManifestSeesIncludes(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "include"), 0o777); err != nil {
		t.Fatal(err)
	}
	write("a.comp", "#version 450\n#include \"b.glsl\"\n")
	write("include/b.glsl", "#include \"c.glsl\"\n")
	write("include/c.glsl", "// one\n")
	first, err := manifest.SourceSum(dir, "a")
	if err != nil {
		t.Fatal(err)
	}
	write("include/c.glsl", "// two\n")
	second, err := manifest.SourceSum(dir, "a")
	if err != nil {
		t.Fatal(err)
	}
	if first == second {
		t.Error("a change two includes deep went unseen")
	}
}

// TestReproducible compiles a shader of each compiler again, where the compiler
// that made the files is installed.
func TestReproducible(t *testing.T) {
	lines, err := manifest.Read("spv/SUMS")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"matmul", "matmul.coop.bf16"} {
		t.Run(name, func(t *testing.T) {
			tool, err := manifest.Compiler(".", name)
			if err != nil {
				t.Skip(err)
			}
			if lines[name].Compiler != tool.Version {
				t.Skipf("the shader was compiled by %s, and here is %s", lines[name].Compiler, tool.Version)
			}
			code, err := tool.Compile(".", name)
			if err != nil {
				t.Fatal(err)
			}
			if manifest.Sum(code) != lines[name].SPV {
				t.Errorf("%s.comp compiles to other bytes than spv/%s.spv; run make shaders", name, name)
			}
		})
	}
}

// TestCoopTypes makes sure that the shaders of bf16 and f16 are one program:
// where a device has the matrices of one type only, the other is right as well.
func TestCoopTypes(t *testing.T) {
	shape := func(name string) (ops []uint32) {
		code, err := Code(name)
		if err != nil {
			t.Fatal(err)
		}
		const extension, capability, source, sourceExtension, id, member, typeFloat = 10, 17, 3, 4, 5, 6, 22
		for at := 5; at < len(code); at += int(code[at] >> 16) {
			switch code[at] & 0xffff {
			case extension, capability, source, sourceExtension, id, member, typeFloat:
			default:
				ops = append(ops, code[at]) // the instruction and its length
			}
		}
		return ops
	}
	for _, name := range []string{"matmul.coop", "matmul.coop2", "attention.coop", "attention_grad_q.coop", "attention_grad_kv.coop"} {
		if f16, bf16 := shape(name+".f16"), shape(name+".bf16"); len(f16) < 500 || !slices.Equal(f16, bf16) {
			t.Errorf("%s: the shaders differ in more than the type: %d and %d instructions", name, len(f16), len(bf16))
		}
	}
}

func TestCodeUnknown(t *testing.T) {
	if _, err := Code("no_such_shader"); err == nil {
		t.Error("an unknown shader has code")
	}
}
