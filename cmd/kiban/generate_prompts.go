package main

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/kiban-models/kiban/bio/protein"
)

// promptEntry is one element of a prompts file. What is absent is as the flags
// say.
type promptEntry struct {
	Name        string   `yaml:"name"`
	Prompt      *string  `yaml:"prompt"`
	N           *int     `yaml:"n"`
	Fix         any      `yaml:"fix"` // {10: C, 25: HH}, or "10:C,25:HH", or a list of such
	Forbid      []string `yaml:"forbid"`
	Without     *string  `yaml:"without"`
	Ending      *string  `yaml:"ending"`
	MinLength   *int     `yaml:"min_length"`
	MaxLength   *int     `yaml:"max_length"`
	Nonstandard *bool    `yaml:"nonstandard"`
}

var promptName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._|:-]*$`)

// maxPromptsFile is far above what anyone writes.
const maxPromptsFile = 64 << 20

// readPrompts reads a YAML list of prompts; common is what the flags say.
func readPrompts(file string, common protein.Prompt) ([]protein.Prompt, error) {
	st, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if st.Size() > maxPromptsFile {
		return nil, fmt.Errorf("%s: %d bytes; a file of prompts has %d at most", file, st.Size(), maxPromptsFile)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	const want = "write a list of entries such as - {name: a, prompt: MKT, n: 20, ending: HHHHHH}"
	tree, err := parser.ParseBytes(data, 0)
	if err != nil {
		return nil, yamlProblem(file, 1, err)
	}
	if len(tree.Docs) != 1 {
		return nil, fmt.Errorf("%s: %d documents, wanted one; %s", file, len(tree.Docs), want)
	}
	list, ok := tree.Docs[0].Body.(*ast.SequenceNode)
	if !ok || len(list.Values) == 0 {
		return nil, fmt.Errorf("%s: no list of prompts; %s", file, want)
	}
	var all []protein.Prompt
	lines := map[string]int{}
	for _, node := range list.Values {
		line := node.GetToken().Position.Line
		var e promptEntry
		if err := yaml.NodeToValue(node, &e, yaml.Strict()); err != nil {
			return nil, yamlProblem(file, line, err)
		}
		p, err := e.prompt(common)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, line, err)
		}
		if before := lines[p.Name]; before > 0 {
			return nil, fmt.Errorf("%s:%d: the name %s stands in line %d already; give each prompt its own", file, line, p.Name, before)
		}
		lines[p.Name] = line
		all = append(all, p)
	}
	return all, nil
}

// yamlProblem is an error of the YAML package with its line, or another if it
// has none.
func yamlProblem(file string, line int, err error) error {
	var y yaml.Error
	if errors.As(err, &y) && y.GetToken() != nil {
		line = y.GetToken().Position.Line
	}
	return fmt.Errorf("%s:%d: %s; see the example in kiban protein generate --help", file, line, firstLine(err))
}

// prompt is the entry over what is common.
func (e promptEntry) prompt(common protein.Prompt) (protein.Prompt, error) {
	p := common
	if !promptName.MatchString(e.Name) {
		return p, fmt.Errorf("name %q; give each prompt a name of letters, digits and . _ - without blanks", e.Name)
	}
	p.Name = e.Name
	set(&p.N, e.N)
	set(&p.MinLength, e.MinLength)
	set(&p.MaxLength, e.MaxLength)
	set(&p.Nonstandard, e.Nonstandard)
	for to, from := range map[*[]byte]*string{&p.Residues: e.Prompt, &p.Without: e.Without, &p.Ending: e.Ending} {
		if from != nil {
			*to = residueLetters(*from)
		}
	}
	if p.N <= 0 || p.MinLength < 0 || p.MaxLength < 0 {
		return p, fmt.Errorf("n %d, min_length %d, max_length %d; n must be positive, the others not negative", p.N, p.MinLength, p.MaxLength)
	}
	if e.Forbid != nil {
		var err error
		if p.Forbidden, err = motifs(e.Forbid); err != nil {
			return p, err
		}
	}
	if e.Fix != nil {
		list, err := fixList(e.Fix)
		if err != nil {
			return p, err
		}
		if p.Fixed, err = fixedResidues(list); err != nil {
			return p, err
		}
	}
	return p, nil
}

func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

// fixList brings the forms of fix to POSITION:RESIDUES.
func fixList(v any) ([]string, error) {
	switch x := v.(type) {
	case string:
		return strings.Split(x, ","), nil
	case []any:
		var all []string
		for _, v := range x {
			s, ok := v.(string)
			if !ok {
				return nil, fmt.Errorf("fix: %v is not POSITION:RESIDUES such as 10:C", v)
			}
			all = append(all, s)
		}
		return all, nil
	case map[string]any:
		var all []string
		for at, v := range x {
			s, ok := v.(string)
			if !ok {
				return nil, fmt.Errorf("fix: position %s has %v; give residues such as C", at, v)
			}
			all = append(all, at+":"+s)
		}
		slices.Sort(all)
		return all, nil
	}
	return nil, fmt.Errorf("fix: %v; give {10: C, 25: HH} or a list such as [\"10:C\"]", v)
}

// fixedResidues reads POSITION:RESIDUES, positions counted from 1.
func fixedResidues(list []string) (map[int]byte, error) {
	var fixed map[int]byte
	for _, f := range list {
		at, residues, ok := strings.Cut(strings.TrimSpace(f), ":")
		pos, err := strconv.Atoi(at)
		if !ok || err != nil || pos < 1 || residues == "" {
			return nil, fmt.Errorf("%q is not POSITION:RESIDUES such as 10:C", f)
		}
		if fixed == nil {
			fixed = map[int]byte{}
		}
		for i, r := range residueLetters(residues) {
			if old, ok := fixed[pos-1+i]; ok && old != r {
				return nil, fmt.Errorf("position %d is fixed to %c and to %c", pos+i, old, r)
			}
			fixed[pos-1+i] = r
		}
	}
	return fixed, nil
}

func motifs(list []string) ([]protein.Motif, error) {
	var all []protein.Motif
	for _, text := range list {
		m, err := protein.ParseMotif(text)
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

func residueLetters(s string) []byte { return []byte(strings.ToUpper(strings.TrimSpace(s))) }
