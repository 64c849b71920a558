package core_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/kiban-models/kiban/"

// mayImport lists, for each package below core, which others of ours it may
// import. Tests may import more. docs/DESIGN.md draws the picture.
var mayImport = map[string][]string{
	"core/tensor":                        {},
	"core/metric":                        {},
	"core/graph":                         {"core/tensor"},
	"core/plan":                          {"core/graph", "core/tensor"},
	"core/backend":                       {"core/plan", "core/tensor"},
	"core/backend/reference":             {"core/backend", "core/plan", "core/graph", "core/tensor"},
	"core/backend/cpu":                   {"core/backend", "core/plan", "core/graph", "core/tensor"},
	"core/backend/vulkan":                {"core/backend", "core/plan", "core/graph", "core/tensor", "core/backend/vulkan/internal/vkshim", "core/internal/strictjson", "vkshaders"},
	"core/backend/backendtest":           {"core/backend", "core/backend/reference", "core/plan", "core/graph", "core/tensor"},
	"core/nn":                            {"core/graph", "core/tensor"},
	"core/transformer":                   {"core/nn", "core/graph", "core/tensor"},
	"core/crf":                           {"core/graph", "core/nn", "core/tensor"},
	"core/checkpoint":                    {"core/tensor", "core/internal/strictjson", "core/checkpoint/internal/pickle", "core/checkpoint/internal/storedzip"},
	"core/checkpoint/internal/pickle":    {},
	"core/checkpoint/internal/storedzip": {},
	"core/lora":                          {"core/checkpoint", "core/nn", "core/tensor"},
	"core/token":                         {"core/checkpoint", "core/tensor", "core/internal/strictjson"},
	"core/mask":                          {"core/graph"},
	"core/packed":                        {},
	"materials/corpus":                   {"core/packed", "core/dataset"},
	"materials/formula":                  {},
	"materials/embedding":                {"core/graph", "materials/corpus", "materials/formula"},
	"materials/pretrain":                 {"core/backend", "core/checkpoint", "core/dataset", "core/graph", "core/mask", "core/nn", "core/plan", "core/run", "core/tensor", "core/token", "core/train", "materials/corpus", "materials/encoder", "materials/task"},
	"materials/example":                  {"core/checkpoint", "materials/corpus", "materials/corpus/brat"},
	"materials/figure":                   {"core/figure", "core/metric"},
	"materials/page":                     {"core/checkpoint", "materials/corpus"},
	"materials/baseline":                 {"core/metric", "materials/corpus"},
	"materials/corpus/brat":              {"core/checkpoint", "materials/corpus"},
	"materials/normalize":                {"core/checkpoint", "core/token"},
	"materials/encoder":                  {"core/backend", "core/checkpoint", "core/graph", "core/nn", "core/plan", "core/tensor", "core/transformer"},
	"materials/vector":                   {"core/backend", "core/checkpoint", "core/nn", "core/plan", "core/token", "materials/encoder", "materials/task"},
	"materials/extract":                  {"core/checkpoint", "materials/corpus", "materials/corpus/brat", "materials/ner"},
	"materials/abstract":                 {"core/backend", "core/nn", "core/train", "materials/task"},
	"materials/relation":                 {"core/backend", "core/checkpoint", "core/graph", "core/nn", "core/tensor", "core/train", "materials/corpus", "materials/task"},
	"materials/ner":                      {"core/backend", "core/checkpoint", "core/crf", "core/metric", "core/nn", "core/run", "core/token", "core/train", "materials/corpus", "materials/encoder", "materials/task"},
	"materials/task":                     {"core/backend", "core/checkpoint", "core/crf", "core/dataset", "core/graph", "core/metric", "core/nn", "core/plan", "core/run", "core/tensor", "core/token", "core/train", "materials/encoder", "materials/normalize"},
	"climate/netcdf":                     {},
	"climate/field":                      {"climate/netcdf"},
	"climate/skill":                      {"climate/field"},
	"climate/window":                     {"climate/field", "climate/netcdf", "core/graph"},
	"climate/stats":                      {"climate/field", "core/checkpoint"},
	"climate/baseline":                   {"climate/field", "climate/netcdf", "climate/window"},
	"climate/regrid":                     {"climate/field"},
	"climate/store":                      {"climate/field", "climate/netcdf", "climate/regrid", "climate/stats", "climate/window", "core/dataset"},
	"climate/pair":                       {"climate/field", "climate/netcdf", "climate/store", "climate/window"},
	"climate/example":                    {"climate/netcdf", "core/graph"},
	"climate/forecast":                   {"climate/field", "core/backend", "core/checkpoint", "core/graph", "core/nn", "core/plan", "core/tensor", "core/transformer"},
	"climate/task":                       {"climate/baseline", "climate/field", "climate/forecast", "climate/netcdf", "climate/pair", "climate/regrid", "climate/skill", "climate/store", "climate/window", "core/backend", "core/checkpoint", "core/dataset", "core/graph", "core/lora", "core/nn", "core/plan", "core/run", "core/tensor", "core/train"},
	"climate/verify":                     {"climate/baseline", "climate/field", "climate/netcdf", "climate/pair", "climate/regrid", "climate/skill", "climate/store", "climate/window"},
	"climate/rollout":                    {"climate/field", "climate/netcdf", "climate/store", "climate/task", "climate/verify"},
	"climate/figure":                     {"core/checkpoint", "core/figure", "climate/figure/coast"},
	"climate/figure/coast":               {},
	"climate/figure/coast/gen":           {"climate/figure/coast"},
	"core/token/tokentest":               {},
	"core/dataset":                       {"core/checkpoint"},
	"core/group":                         {},
	"core/train":                         {"core/backend", "core/plan", "core/graph", "core/nn", "core/tensor", "core/checkpoint", "core/internal/tfevents"},
	"core/run":                           {"core/train", "core/backend", "core/plan", "core/tensor", "core/checkpoint"},
	"core/internal/tfevents":             {},
	"core/decode":                        {"core/backend", "core/plan", "core/graph", "core/nn", "core/transformer", "core/tensor"},
	"core/figure":                        {"core/metric", "core/checkpoint"},
	"vkshaders":                          {"vkshaders/internal/manifest"},
}

// onlyIn lists third-party modules that only some folders may see, so that
// changing a library changes one folder.
var onlyIn = map[string][]string{
	"github.com/biogo/biogo":      {"bio/sequence", "bio/align"},
	"github.com/fhs/go-netcdf":    {"climate/netcdf"},
	"github.com/vulkan-go/vulkan": {"core/backend/vulkan"},
	"gonum.org/v1/plot":           {"core/figure", "bio/figure", "materials/figure", "climate/figure"},
	"github.com/urfave/cli":       {"cmd"},
	"github.com/parquet-go":       {"materials/vector"},
	"golang.org/x/text":           {"materials/normalize"},
	"google.golang.org/protobuf":  {"core/internal/tfevents"},
}

type listed struct {
	ImportPath string
	Imports    []string
}

func TestImports(t *testing.T) {
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for d := json.NewDecoder(out); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		seen++
		check(t, strings.TrimPrefix(p.ImportPath, module), p.Imports)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err, stderr.String())
	}
	if seen < 15 {
		t.Errorf("only %d packages were listed; is the test run in the module?", seen)
	}
}

func check(t *testing.T, pkg string, imports []string) {
	t.Helper()
	for _, path := range imports {
		for lib, folders := range onlyIn {
			if path == lib || strings.HasPrefix(path, lib+"/") {
				if !slices.ContainsFunc(folders, func(f string) bool { return pkg == f || strings.HasPrefix(pkg, f+"/") }) {
					t.Errorf("%s imports %s: only %s may, so that the library can be exchanged in one place", pkg, path, strings.Join(folders, ", "))
				}
			}
		}
		ours, ok := strings.CutPrefix(path, module)
		if !ok {
			continue
		}
		if allowed, listed := mayImport[pkg]; listed && !slices.Contains(allowed, ours) {
			t.Errorf("%s imports %s: imports point downwards; see docs/DESIGN.md, or move the code", pkg, ours)
		}
		if reason := forbidden(pkg, ours); reason != "" {
			t.Errorf("%s imports %s: %s", pkg, ours, reason)
		}
	}
}

var domains = []string{"bio", "materials", "climate"}

// forbidden gives the reason for an edge that no package of a kind may have.
func forbidden(from, to string) string {
	domain, _, _ := strings.Cut(from, "/")
	target, _, _ := strings.Cut(to, "/")
	switch {
	case target == "cmd" && domain != "cmd":
		return "nothing imports the program"
	case to == "vkshaders" && from != "core/backend/vulkan" && domain != "vkshaders":
		return "only the Vulkan backend knows shaders"
	case slices.Contains(domains, domain) && strings.HasPrefix(to, "core/backend/"):
		return "a model never knows which machine runs it; take a backend.Backend"
	case slices.Contains(domains, domain) && slices.Contains(domains, target) && domain != target:
		return "domains do not know one another; share through core"
	case domain == "core" && slices.Contains(domains, target):
		return "core knows no science"
	case strings.HasSuffix(from, "/figure") && to == "core/tensor":
		return "a figure sees plain values, never a tensor"
	case domain == "core" && strings.HasPrefix(to, "core/backend/") && !strings.HasPrefix(from, "core/backend/"):
		return "only programs choose a machine; take a backend.Backend"
	}
	return ""
}
