package forecast

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/core/transformer"
)

// The architectures that a directory may be of: classes of the published code.
const (
	Forecaster = "ClimaX"
	Projector  = "ClimaXClimateBench"
)

// Config is config.json of a model; the names are those of the arguments of the
// published classes.
type Config struct {
	Architectures []string `json:"architectures"`
	ModelType     string   `json:"model_type"`   // climax
	Variables     []string `json:"default_vars"` // their order is that of the weights
	Grid          [2]int   `json:"img_size"`     // rows (latitudes) and columns (longitudes) of cells
	Patch         int      `json:"patch_size"`   // rows and columns of a patch
	Width         int      `json:"embed_dim"`
	Depth         int      `json:"depth"`
	DecoderDepth  int      `json:"decoder_depth"` // hidden layers of the head
	Heads         int      `json:"num_heads"`
	MLPRatio      float64  `json:"mlp_ratio"`
	DropPath      float32  `json:"drop_path"` // of the last block
	Dropout       float32  `json:"drop_rate"`
	// Stacked says that the file has the embeddings of all variables as one
	// tensor; a file of either kind is read.
	Stacked bool `json:"parallel_patch_embed"`

	// Of a Projector: the years that it reads, the one variable that it makes,
	// and whether in its blocks only norms are trained.
	History int    `json:"time_history,omitempty"`
	Out     string `json:"out_vars,omitempty"`
	Frozen  bool   `json:"freeze_encoder,omitempty"`
}

// NewConfig returns the configuration of a forecaster of the given shape,
// published values in all else.
func NewConfig(variables []string, rows, columns, patch, width, depth, heads int) Config {
	return Config{
		Architectures: []string{Forecaster}, ModelType: "climax", Variables: variables, Grid: [2]int{rows, columns}, Patch: patch,
		Width: width, Depth: depth, DecoderDepth: 2, Heads: heads, MLPRatio: 4, DropPath: 0.1, Dropout: 0.1,
	}
}

// Published returns the configuration of the published checkpoint of 5.625
// degrees (configs/global_forecast_climax.yaml).
func Published() Config { return NewConfig(PublishedVariables(), 32, 64, 2, 1024, 8, 16) }

// PublishedVariables are the 48 variables of the published checkpoints, in
// their order and with their spelling of latitude.
func PublishedVariables() []string {
	v := []string{"land_sea_mask", "orography", "lattitude", "2m_temperature", "10m_u_component_of_wind", "10m_v_component_of_wind"}
	for _, name := range []string{"geopotential", "u_component_of_wind", "v_component_of_wind", "temperature", "relative_humidity", "specific_humidity"} {
		for _, level := range []string{"50", "250", "500", "600", "700", "850", "925"} {
			v = append(v, name+"_"+level)
		}
	}
	return v
}

// ParseConfig reads config.json; path is named in errors.
func ParseConfig(path string, data []byte) (Config, error) {
	c := Config{DecoderDepth: 2, MLPRatio: 4, DropPath: 0.1, Dropout: 0.1}
	if len(data) == 0 {
		return c, fmt.Errorf("%s: is not there; a model directory must have one", path)
	}
	if err := checkpoint.DecodeConfig(data, &c); err != nil {
		return c, fmt.Errorf("%s: not a model configuration: %w", path, err)
	}
	var sizes struct { // an array takes no notice of what is beyond it
		Grid []json.RawMessage `json:"img_size"`
	}
	if err := checkpoint.DecodeConfig(data, &sizes); err != nil || len(sizes.Grid) != len(c.Grid) {
		return c, fmt.Errorf("%s: img_size has %d numbers; wanted rows and columns", path, len(sizes.Grid))
	}
	if err := c.Validate(); err != nil {
		return c, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// Validate reports what cannot be built.
func (c Config) Validate() error {
	if c.ModelType != "climax" {
		return fmt.Errorf("model_type is %q; this needs a climax model", c.ModelType)
	}
	if len(c.Architectures) != 1 || c.Architectures[0] != Forecaster && c.Architectures[0] != Projector {
		return fmt.Errorf("architectures are %q; wanted [%q] or [%q]", c.Architectures, Forecaster, Projector)
	}
	rows, columns, p := c.Grid[0], c.Grid[1], c.Patch
	switch {
	case len(c.Variables) == 0 || len(c.Variables) > 1<<12:
		return fmt.Errorf("default_vars has %d variables; wanted 1 to %d", len(c.Variables), 1<<12)
	case rows <= 0 || columns <= 0 || p <= 0 || rows > 1<<14 || columns > 1<<14 || rows%p != 0 || columns%p != 0:
		return fmt.Errorf("img_size %dx%d is not a grid of whole patches of patch_size %d; choose another patch, or regrid", rows, columns, p)
	case c.Width <= 0 || c.Width > 1<<16 || c.Width%4 != 0:
		return fmt.Errorf("embed_dim %d; wanted a multiple of 4", c.Width)
	case c.Depth <= 0 || c.Depth > 1<<12 || c.DecoderDepth < 0 || c.DecoderDepth > 1<<8:
		return fmt.Errorf("depth %d and decoder_depth %d are not a model's", c.Depth, c.DecoderDepth)
	case !(c.MLPRatio > 0 && c.MLPRatio <= 256) || int(c.MLPRatio*float64(c.Width)) < 1:
		return fmt.Errorf("mlp_ratio %g; wanted above 0 and at most 256", c.MLPRatio)
	case c.IsProjector() != (c.History > 0) || c.History < 0 || c.History > 1<<12:
		return fmt.Errorf("time_history is %d for a %s; wanted the years that a %s reads, and 0 for a %s", c.History, c.Architectures[0], Projector, Forecaster)
	}
	for i, v := range c.Variables {
		if v == "" || slices.Contains(c.Variables[:i], v) {
			return fmt.Errorf("default_vars has %q twice, or a variable without a name", v)
		}
	}
	return c.stack().Validate()
}

// IsProjector tells the two architectures apart.
func (c Config) IsProjector() bool { return slices.Equal(c.Architectures, []string{Projector}) }

// Projecting returns the configuration of a projector with the body of c:
// of other variables, that makes out from so many years.
func (c Config) Projecting(variables []string, out string, history int) Config {
	c.Architectures, c.Variables, c.Out, c.History = []string{Projector}, variables, out, history
	return c
}

// WithoutDropout returns the configuration with no dropout anywhere.
func (c Config) WithoutDropout() Config {
	c.Dropout, c.DropPath = 0, 0
	return c
}

// Drops reports whether training has dropout, and so the input "dropout_seed".
func (c Config) Drops() bool { return c.Dropout > 0 || c.DropPath > 0 }

// patchRows, patchColumns are the grid in patches; cells those of a patch.
func (c Config) patchRows() int    { return c.Grid[0] / c.Patch }
func (c Config) patchColumns() int { return c.Grid[1] / c.Patch }
func (c Config) cells() int        { return c.Patch * c.Patch }

// Patches returns the number of patches of the grid. They are numbered along
// the rows, from the first latitude on.
func (c Config) Patches() int { return c.patchRows() * c.patchColumns() }

// All returns the numbers of all patches.
func (c Config) All() []int32 {
	all := make([]int32, c.Patches())
	for i := range all {
		all[i] = int32(i)
	}
	return all
}

// IDs returns the numbers of variables; an unknown one is an error.
func (c Config) IDs(variables []string) ([]int32, error) {
	if len(variables) == 0 {
		return nil, fmt.Errorf("forecast: no variables are chosen; the model has %s", strings.Join(c.Variables, ", "))
	}
	ids := make([]int32, len(variables))
	for i, v := range variables {
		id := slices.Index(c.Variables, v)
		if id < 0 || slices.Contains(variables[:i], v) {
			return nil, fmt.Errorf("forecast: variable %q is unknown to the model, or chosen twice; it has %s", v, strings.Join(c.Variables, ", "))
		}
		ids[i] = int32(id)
	}
	return ids, nil
}

// normEps is that of torch's LayerNorm; timm would have 1e-6.
const normEps = 1e-5

// initStd is that of fresh matrices. timm cuts the normal distribution off at
// ±2, a hundred deviations.
const initStd = 0.02

func (c Config) stack() transformer.Config {
	return transformer.Config{
		Layers: c.Depth, Width: c.Width, Heads: c.Heads, FFN: int(c.MLPRatio * float64(c.Width)), NormEps: normEps,
		InitStd: initStd, EvenInit: true, Act: graph.GeluErf,
		Dropout: c.Dropout, FFNDropout: c.Dropout, DropPath: c.DropPath, Names: transformer.ViT,
	}
}

// Declared lists the parameters as programs have them; see Weights for how
// files do.
func (c Config) Declared(p nn.Policy) []nn.Declared {
	s := nn.NewScope(graph.New(), p)
	if c.IsProjector() {
		NewProjection(s, c)
	} else {
		New(s, c)
	}
	return s.Declared()
}

// Parameters returns the number of weights.
func (c Config) Parameters() int {
	n := 0
	for _, d := range c.Declared(nn.Policy{}) {
		n += tensor.NumElements(d.Shape)
	}
	return n
}

// Trains reports whether fine-tuning moves a parameter: all but, with Frozen,
// those of the blocks that are no norm (Lu et al. 2021, arXiv:2103.05247).
func (c Config) Trains(name string) bool {
	return !c.Frozen || !strings.HasPrefix(name, "net.blocks.") || strings.Contains(name, "norm")
}

// Decays reports whether AdamW shrinks a parameter: all but the embeddings of
// variables, places and years.
func Decays(name string) bool {
	return !strings.Contains(name, "var_embed") && !strings.Contains(name, "pos_embed")
}
