package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/bio/protein"
	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/token"
)

// loaded is a protein model on a device, ready to score and generate.
type loaded struct {
	protein.Scoring
	path string
}

// loadProtein opens the model that -m names on the device that --device names.
func loadProtein(c *cli.Context) (*loaded, error) { return openProtein(c, true) }

// planProtein is loadProtein without the weights.
func planProtein(c *cli.Context) (*loaded, error) { return openProtein(c, false) }

func openProtein(c *cli.Context, weights bool) (*loaded, error) {
	path, err := requireModel(c)
	if err != nil {
		return nil, err
	}
	dir, err := checkpoint.OpenDir(path)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	config, err := protein.ParseConfig(filepath.Join(path, "config.json"), dir.Config())
	if err != nil {
		return nil, err
	}
	vocabulary, err := openTokenizer(path, config)
	if err != nil {
		return nil, err
	}
	b, err := openBackend(c)
	if err != nil {
		return nil, err
	}
	p, err := policy(c.String("precision"), false, b)
	if err != nil {
		b.Close()
		return nil, err
	}
	p.Int8 = c.String("weights") == "int8"
	if weights {
		if err := loadWeights(c, dir, config, p, b); err != nil {
			b.Close()
			return nil, err
		}
		debug.FreeOSMemory() // what the tensors were read into, before the caches are made
		detail(c, "%s: %d parameters on %s", path, config.Parameters(), b.Name())
	}
	return &loaded{protein.Scoring{Tokenizer: vocabulary, Spelling: vocabulary, Config: config, Policy: p, Backend: b}, path}, nil
}

// loadWeights puts the model's weights, with the adapter that --adapter names.
func loadWeights(c *cli.Context, dir *checkpoint.Dir, config protein.Config, p nn.Policy, b backend.Backend) error {
	path := c.String("adapter")
	if path == "" {
		return protein.Load(dir, config, p, b.Put)
	}
	a, err := protein.OpenAdapter(path)
	if err != nil {
		return err
	}
	defer a.Close()
	return protein.LoadAdapted(dir, a, config, p, b.Put)
}

// openTokenizer opens the tokenizer of a model directory and checks that its
// ids fit the model.
func openTokenizer(path string, config protein.Config) (*token.BPE, error) {
	v, err := token.OpenBPE(path)
	if err != nil {
		return nil, err
	}
	return v, protein.CheckTokenizer(path, v, config)
}

// modelHash is a digest of the model that -m and --adapter name: weights,
// configuration and tokenizer.
func modelHash(c *cli.Context) (string, error) {
	path, err := requireModel(c)
	if err != nil {
		return "", err
	}
	dir, err := checkpoint.OpenDir(path)
	if err != nil {
		return "", err
	}
	defer dir.Close()
	weights, err := checkpoint.Hash(dir)
	if err != nil {
		return "", err
	}
	v, err := token.OpenBPE(path)
	if err != nil {
		return "", err
	}
	tokens, err := tokenizerHash(v)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	fmt.Fprintf(h, "%s %s %d ", weights, tokens, len(dir.Config()))
	h.Write(dir.Config())
	if adapter := c.String("adapter"); adapter != "" {
		for _, name := range []string{"adapter_config.json", "adapter_model.safetensors"} {
			if err := addFile(h, filepath.Join(adapter, name)); err != nil {
				return "", err
			}
		}
	}
	return fmt.Sprintf("%x", h.Sum(nil)), nil
}

func addFile(h io.Writer, name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(h, f)
	return err
}

func (l *loaded) Close() {
	l.Scoring.Close()
	l.Backend.Close()
}
