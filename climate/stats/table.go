package stats

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"

	"github.com/kiban-models/kiban/core/checkpoint"
)

// FileName is what a Table is called in a model's directory.
const FileName = "normalization.json"

// Table says how each channel is normalised.
type Table struct {
	Mode     Mode      `json:"mode"`
	Channels []Channel `json:"channels"`
}

// Channel is a variable at a level. Mean, Std, Min and Max are in its units.
type Channel struct {
	Key     string  `json:"key"` // geopotential_500, 2m_temperature
	Units   string  `json:"units"`
	Level   float64 `json:"level_pa,omitempty"`
	Mean    float64 `json:"mean"`
	Std     float64 `json:"std"` // divided by Count, as numpy.std
	Min     float64 `json:"min"`
	Max     float64 `json:"max"`
	Count   int64   `json:"count"` // of values that are not missing
	Missing int64   `json:"missing"`
}

// Find is the channel with that key.
func (t *Table) Find(key string) (Channel, error) {
	for _, c := range t.Channels {
		if c.Key == key {
			return c, nil
		}
	}
	return Channel{}, fmt.Errorf("stats: no statistics of %s; it was none of the training data's variables", key)
}

// scale is 1 for what never changes, so that it normalises to 0.
func (c Channel) scale() float64 {
	if c.Std == 0 {
		return 1
	}
	return c.Std
}

// Normalize makes (x - mean) / std of values; missing ones stay so. dst may be x.
func (c Channel) Normalize(dst, x []float32) {
	mean, scale := c.Mean, 1/c.scale()
	for i, v := range x {
		dst[i] = float32((float64(v) - mean) * scale)
	}
}

// Restore undoes Normalize. dst may be x.
func (c Channel) Restore(dst, x []float32) {
	scale := c.scale()
	for i, v := range x {
		dst[i] = float32(float64(v)*scale + c.Mean)
	}
}

// Write makes a file of the table, in one step.
func (t *Table) Write(path string) error {
	b, err := json.MarshalIndent(t, "", "  ")
	if err != nil {
		return fmt.Errorf("stats: %w", err)
	}
	return checkpoint.WriteFile(path, func(w io.Writer) error {
		_, err := w.Write(append(b, '\n'))
		return err
	})
}

// maxFile is more than a hundred thousand channels take.
const maxFile = 32 << 20

// Read opens what Write has made.
func Read(path string) (*Table, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("stats: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("stats: %w", err)
	}
	if len(b) > maxFile {
		return nil, fmt.Errorf("%s: larger than %d bytes; it is no table of statistics", path, maxFile)
	}
	t, err := parse(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; fit the statistics again", path, err)
	}
	return t, nil
}

func parse(text []byte) (*Table, error) {
	var t Table
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&t); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("something follows the table")
	}
	return &t, t.check()
}

func (t *Table) check() error {
	if t.Mode != Right && t.Mode != AsPublished {
		return fmt.Errorf("mode %q; wanted %s or %s", t.Mode, Right, AsPublished)
	}
	if len(t.Channels) == 0 {
		return fmt.Errorf("no channels")
	}
	seen := map[string]bool{}
	for i, c := range t.Channels {
		switch {
		case c.Key == "" || seen[c.Key]:
			return fmt.Errorf("channel %d: %q is there twice or has no name", i, c.Key)
		case math.IsNaN(c.Mean) || math.IsInf(c.Mean, 0) || !(c.Std >= 0) || math.IsInf(c.Std, 0):
			return fmt.Errorf("%s: mean %v and deviation %v", c.Key, c.Mean, c.Std)
		}
		seen[c.Key] = true
	}
	return nil
}
