package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/urfave/cli/v2"
)

// layers are where the options of a run come from, weakest first: the defaults
// already in the struct, then a preset, a file, the environment, --set and
// flags.
type layers struct {
	preset  []byte            // YAML of --preset, may be nil
	file    string            // path of --config, may be ""
	environ []string          // NAME=value; only KIBAN_<KEY> of known keys count
	set     []string          // key=value of --set
	flags   map[string]any    // values of the flags that were given, by key
	aliases map[string]string // other names of keys
	help    string            // whose --help an error points to
}

// resolve fills opt, a pointer to a flat struct with yaml tags and defaults
// set, from the layers. Every unknown key and every value of the wrong kind is
// a usageError that names its layer. It returns for each key the layer that set
// it last; keys that kept their default are absent.
func resolve(opt any, l layers) (map[string]string, error) {
	known, err := optionKeys(opt)
	if err != nil {
		return nil, err
	}
	origin := map[string]string{}
	apply := func(values map[string]any, layer string) error {
		for _, given := range sortedKeys(values) {
			key := strings.ReplaceAll(given, "-", "_")
			if a := l.aliases[key]; a != "" {
				key = a
			}
			if !slices.Contains(known, key) {
				return usagef("%s: unknown option %s%s See %s --help", layer, given, orStop(didYouMean(key, known, "")), l.help)
			}
			// One key at a time, so that an error says which.
			b, err := yaml.Marshal(map[string]any{key: values[given]})
			if err != nil {
				return fmt.Errorf("%s: option %s: %w", layer, key, err)
			}
			if err := yaml.UnmarshalWithOptions(b, opt, yaml.Strict()); err != nil {
				return usagef("%s: option %s: %v is no value for it: %s. See %s --help", layer, key, values[given], firstLine(err), l.help)
			}
			if err := unchanged(opt, key, values[given]); err != nil {
				return usagef("%s: option %s: %v. See %s --help", layer, key, err, l.help)
			}
			origin[key] = layer
		}
		return nil
	}

	if l.preset != nil {
		values, err := yamlMap(l.preset)
		if err != nil {
			return nil, fmt.Errorf("preset: %w", err)
		}
		if err := apply(values, "preset"); err != nil {
			return nil, err
		}
	}
	if l.file != "" {
		b, err := os.ReadFile(l.file)
		if err != nil {
			return nil, err
		}
		values, err := yamlMap(b)
		if err != nil {
			return nil, usagef("%s: no YAML of options: %s. See %s --help", l.file, firstLine(err), l.help)
		}
		if err := apply(values, l.file); err != nil {
			return nil, err
		}
	}
	env := map[string]any{}
	for _, e := range l.environ {
		name, v, _ := strings.Cut(e, "=")
		key, ok := strings.CutPrefix(name, "KIBAN_")
		// Other KIBAN_ names belong to shared flags or to nobody.
		if key = strings.ToLower(key); ok && slices.Contains(known, key) {
			env[key] = scalar(v)
		}
	}
	if err := apply(env, "environment"); err != nil {
		return nil, err
	}
	for _, s := range l.set {
		key, v, ok := strings.Cut(s, "=")
		if !ok || key == "" {
			return nil, usagef("--set %s: wanted key=value. See %s --help", s, l.help)
		}
		if err := apply(map[string]any{key: scalar(v)}, "--set"); err != nil {
			return nil, err
		}
	}
	if err := apply(l.flags, "flag"); err != nil {
		return nil, err
	}
	return origin, nil
}

// unchanged refuses a number that lost its fraction or range on the way into a
// whole number: the YAML package rounds without a word.
func unchanged(opt any, key string, given any) error {
	f, ok := given.(float64)
	if !ok {
		return nil
	}
	b, err := yaml.Marshal(opt)
	if err != nil {
		return err
	}
	m, err := yamlMap(b)
	if err != nil {
		return err
	}
	got := f
	switch x := m[key].(type) {
	case int64:
		got = float64(x)
	case uint64:
		got = float64(x)
	}
	if got != f {
		return fmt.Errorf("%v is no value for it: wanted a whole number", given)
	}
	return nil
}

// givenFlags are the values of those flags of a verb that were set and that are
// options: their keys are the flag's name with _ for -.
func givenFlags(c *cli.Context, opt any) (map[string]any, error) {
	known, err := optionKeys(opt)
	if err != nil {
		return nil, err
	}
	out := map[string]any{}
	for _, f := range c.Command.Flags {
		name := f.Names()[0]
		key := strings.ReplaceAll(name, "-", "_")
		if slices.Contains(known, key) && c.IsSet(name) {
			out[key] = flagValue(c, f, name)
		}
	}
	return out, nil
}

func flagValue(c *cli.Context, f cli.Flag, name string) any {
	switch f.(type) {
	case *cli.DurationFlag:
		return c.Duration(name).String()
	case *cli.StringSliceFlag:
		return list(c, name)
	}
	return c.Value(name)
}

// optionKeys are the yaml keys of a flat options struct.
func optionKeys(opt any) ([]string, error) {
	b, err := yaml.Marshal(opt)
	if err != nil {
		return nil, fmt.Errorf("options: %w", err)
	}
	m, err := yamlMap(b)
	if err != nil {
		return nil, fmt.Errorf("options: %w", err)
	}
	return sortedKeys(m), nil
}

func yamlMap(b []byte) (map[string]any, error) {
	var m map[string]any
	if err := yaml.Unmarshal(b, &m); err != nil {
		return nil, err
	}
	return m, nil
}

// scalar reads a value as YAML would, text where it is nothing else.
func scalar(s string) any {
	var v any
	if err := yaml.Unmarshal([]byte(s), &v); err != nil || v == nil {
		return s
	}
	if _, isMap := v.(map[string]any); isMap {
		return s // "a: b" is text here
	}
	return v
}

func sortedKeys(m map[string]any) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// firstLine is an error of the YAML package without its drawing of the source.
func firstLine(err error) string {
	var y yaml.Error
	if errors.As(err, &y) {
		return y.GetMessage()
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
