// Package lora keeps low-rank adapters on disk as peft does, and merges them
// into the weights that they belong to.
//
// An adapter directory has adapter_config.json and adapter_model.safetensors,
// whose tensors are "base_model.model.<layer>.lora_A.weight" [rank, in] and
// "….lora_B.weight" [out, rank]. Here the prefix is taken off, so that names
// are those of package nn. Features of peft that change what is computed and
// that are not built (DoRA, biases, layers saved whole, a rank of its own for
// some layers) are refused by name.
package lora

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"path/filepath"
	"slices"

	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/nn"
)

// The files of an adapter directory.
const (
	ConfigFile  = "adapter_config.json"
	WeightsFile = "adapter_model.safetensors"
)

// Config is what adapter_config.json says of an adapter.
type Config struct {
	nn.LoRA
	Base     string // the model that it was made for: a directory or a published name
	Task     string // such as CAUSAL_LM
	FanInOut bool   // the layers store their weights [in, out], as GPT-2's do
}

// configJSON is the part of adapter_config.json that Kiban writes.
type configJSON struct {
	Type      string   `json:"peft_type"`
	Task      string   `json:"task_type,omitempty"`
	Base      string   `json:"base_model_name_or_path"`
	Rank      int      `json:"r"`
	Alpha     float64  `json:"lora_alpha"`
	Dropout   float32  `json:"lora_dropout"`
	RSLoRA    bool     `json:"use_rslora"`
	Targets   []string `json:"target_modules"`
	FanInOut  bool     `json:"fan_in_fan_out"`
	Bias      string   `json:"bias"`
	Inference bool     `json:"inference_mode"`
}

// features are settings that change what an adapter computes, with the values
// that mean "not used" besides absent, null, false, empty and 0.
var features = map[string]string{
	"alora_invocation_tokens": "", "alpha_pattern": "", "arrow_config": "", "bias": `"none"`, "kasa_config": "", "layer_replication": "",
	"layers_to_transform": "", "lora_bias": "", "modules_to_save": "", "monteclora_config": "", "rank_pattern": "", "target_parameters": "",
	"trainable_token_indices": "", "use_bdlora": "", "use_dora": "", "use_qalora": "", "velora_config": "",
}

func parseConfig(path string, text []byte) (Config, error) {
	var all map[string]json.RawMessage
	if err := checkpoint.DecodeConfig(text, &all); err != nil {
		return Config{}, fmt.Errorf("%s: not an adapter's configuration: %w", path, err)
	}
	for _, name := range slices.Sorted(maps.Keys(features)) {
		value := string(all[name])
		if !slices.Contains([]string{"", "null", "false", "{}", "[]", "0", features[name]}, value) {
			return Config{}, fmt.Errorf("%s: %s is %.60s, which is not supported; merge the adapter with peft and use the merged model", path, name, value)
		}
	}
	var c configJSON
	if err := checkpoint.DecodeConfig(text, &c); err != nil {
		return Config{}, fmt.Errorf("%s: %w; target_modules must be a list of names", path, err)
	}
	if c.Type != "LORA" {
		return Config{}, fmt.Errorf("%s: peft_type is %.40q, wanted LORA", path, c.Type)
	}
	if c.Rank <= 0 || c.Rank > 1<<16 || !(c.Alpha > 0) || math.IsInf(c.Alpha, 1) || !(c.Dropout >= 0 && c.Dropout < 1) {
		return Config{}, fmt.Errorf("%s: r %d, lora_alpha %g and lora_dropout %g are not an adapter's", path, c.Rank, c.Alpha, c.Dropout)
	}
	l := nn.LoRA{Rank: c.Rank, Alpha: c.Alpha, RSLoRA: c.RSLoRA, Targets: c.Targets, Dropout: c.Dropout}
	slices.Sort(l.Targets) // peft keeps a set
	return Config{l, c.Base, c.Task, c.FanInOut}, nil
}

func (c Config) write(dir string) error {
	b, err := json.MarshalIndent(configJSON{
		Type: "LORA", Task: c.Task, Base: c.Base, Rank: c.Rank, Alpha: c.Alpha, Dropout: c.Dropout, RSLoRA: c.RSLoRA,
		Targets: c.Targets, FanInOut: c.FanInOut, Bias: "none", Inference: true,
	}, "", "  ")
	if err != nil {
		return err
	}
	return checkpoint.WriteFile(filepath.Join(dir, ConfigFile), func(w io.Writer) error {
		_, err := w.Write(append(b, '\n'))
		return err
	})
}
