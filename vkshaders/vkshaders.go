// Package vkshaders holds the compute shaders of the Vulkan backend.
//
// Each *.comp is one shader and makes one spv/*.spv, which is checked in, so
// that building needs no shader compiler. spv/SUMS records what each was made
// from; a test compares it with the sources, and "make shaders" (go run
// ./vkshaders/gen) brings it up to date. Storage types and tile sizes are
// specialisation constants. A shader that Debian 12's glslc does not know has a
// line "// glslc: newer, vulkan1.2".
//
// The first line of a shader is its formula and the second the shapes, with
// the axis letters of package graph. Bindings are the operands of the step in
// order, then its results.
package vkshaders

import (
	"embed"
	"encoding/binary"
	"fmt"
	"path"
	"slices"
	"strings"
)

//go:embed spv
var spv embed.FS

const magic = 0x07230203 // the first word of SPIR-V

// Names returns the stems of all shaders, in order.
func Names() []string {
	entries, err := spv.ReadDir("spv")
	if err != nil {
		return nil // the folder is embedded, so this cannot happen
	}
	var names []string
	for _, e := range entries {
		if stem, ok := strings.CutSuffix(e.Name(), ".spv"); ok {
			names = append(names, stem)
		}
	}
	slices.Sort(names)
	return names
}

// Code returns the SPIR-V of the shader with that stem, such as "matmul.vec".
func Code(name string) ([]uint32, error) {
	data, err := spv.ReadFile(path.Join("spv", name+".spv"))
	if err != nil {
		return nil, fmt.Errorf("vkshaders: there is no shader %q", name)
	}
	if len(data)%4 != 0 || len(data) < 20 || binary.LittleEndian.Uint32(data) != magic {
		return nil, fmt.Errorf("vkshaders: %s.spv is not SPIR-V; run make shaders", name)
	}
	code := make([]uint32, len(data)/4)
	for i := range code {
		code[i] = binary.LittleEndian.Uint32(data[4*i:])
	}
	return code, nil
}
