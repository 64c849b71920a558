package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/bio/protein"
	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/core/token"
)

func modelGroup() *cli.Command {
	return &cli.Command{
		Name:  "model",
		Usage: "look at model directories and change their form",
		Subcommands: []*cli.Command{
			verb("inspect", "say what a model directory or a file of weights holds", "PATH", []cli.Flag{
				&cli.BoolFlag{Name: "tensors", Category: catOutput, Usage: "list every tensor instead", DisableDefaultText: true},
			}, runModelInspect, "kiban model inspect run", "kiban model inspect ProtGPT2 --tensors --json"),
			verb("convert", "write weights in another form, number format or size of files", "IN", convertFlags(), runModelConvert,
				"kiban model convert ProtGPT2 -o ProtGPT2-bf16 --dtype bf16", "kiban model convert pytorch_model.bin -o weights --max-shard-size 1G"),
			verb("merge", "merge a LoRA adapter into a model", "BASE ADAPTER", []cli.Flag{
				newChoice(&cli.StringFlag{Name: "dtype", Category: catOutput, Value: "base", Usage: "number format of the weights written"}, "base", "f32", "bf16", "f16"),
			}, runModelMerge, "kiban model merge ProtGPT2 run/adapter -o merged", "kiban model merge ProtGPT2 run/adapter -o merged --dtype bf16"),
		},
	}
}

func runModelInspect(c *cli.Context) error {
	if c.NArg() != 1 {
		return usagef("name one model directory or file of weights. See %s --help", c.Command.HelpName)
	}
	path := c.Args().First()
	dir, err := checkpoint.OpenWeights(path)
	if err != nil {
		return err
	}
	defer dir.Close()
	if c.Bool("tensors") {
		t := table{columns: []string{"name", "dtype", "shape", "bytes"}}
		for _, name := range dir.Names() {
			s, err := dir.Spec(name)
			if err != nil {
				return err
			}
			t.add(name, s.DType.String(), fmt.Sprint(s.Shape), tensor.NumElements(s.Shape)*s.DType.Size())
		}
		return printTable(c, c.App.Writer, t)
	}
	t := table{columns: []string{"property", "value"}}
	st, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !st.IsDir() {
		t.add("file", path)
		if err := addWeights(&t, dir); err != nil {
			return err
		}
		return printTable(c, c.App.Writer, t)
	}
	var kind struct {
		Type string `json:"model_type"`
	}
	if len(dir.Config()) == 0 {
		return fmt.Errorf("%s: there is no config.json; a model directory must have one", path)
	}
	if err := checkpoint.DecodeConfig(dir.Config(), &kind); err != nil {
		return fmt.Errorf("%s: not a model configuration: %w", filepath.Join(path, "config.json"), err)
	}
	t.add("directory", path)
	t.add("model_type", kind.Type)
	if err := addWeights(&t, dir); err != nil {
		return err
	}
	config, err := protein.ParseConfig(filepath.Join(path, "config.json"), dir.Config())
	if err != nil {
		t.add("usable_for", "nothing yet: "+err.Error())
		return printTable(c, c.App.Writer, t)
	}
	t.add("layers", config.Layers)
	t.add("width", config.Width)
	t.add("heads", config.Heads)
	t.add("vocabulary", config.Vocab)
	t.add("context", config.Context)
	nothing := func(string, *tensor.Tensor) error { return nil }
	if err := protein.Load(dir, config, nn.Policy{}, nothing); err != nil {
		return err
	}
	t.add("usable_for", "kiban protein finetune, generate, score")
	if v, err := token.OpenBPE(path); err != nil {
		t.add("tokenizer", "none: "+err.Error())
	} else {
		t.add("tokenizer", fmt.Sprintf("byte-level BPE of %d tokens", v.VocabSize()))
	}
	return printTable(c, c.App.Writer, t)
}

// addWeights says how many weights there are and of which types.
func addWeights(t *table, dir *checkpoint.Dir) error {
	var parameters, bytes int64
	types := map[string]bool{}
	for _, name := range dir.Names() {
		s, err := dir.Spec(name)
		if err != nil {
			return err
		}
		parameters += int64(tensor.NumElements(s.Shape))
		bytes += int64(tensor.NumElements(s.Shape) * s.DType.Size())
		types[s.DType.String()] = true
	}
	t.add("tensors", len(dir.Names()))
	t.add("parameters", parameters)
	t.add("bytes", bytes)
	for _, k := range sortedKeys(toAny(types)) {
		t.add("dtype", k)
	}
	return nil
}

func toAny(m map[string]bool) map[string]any {
	out := map[string]any{}
	for k, v := range m {
		out[k] = v
	}
	return out
}
