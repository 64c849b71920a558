package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/tensor"
)

func convertFlags() []cli.Flag {
	return []cli.Flag{
		newChoice(&cli.StringFlag{Name: "dtype", Category: catOutput, Value: "keep", Usage: "number format of the floating-point weights"}, "keep", "f32", "bf16", "f16"),
		newChoice(&cli.StringFlag{Name: "format", Category: catOutput, Value: "safetensors", Usage: "form of the files"}, "safetensors", "pytorch"),
		&cli.StringFlag{Name: "max-shard-size", Category: catOutput, Value: "5G", Usage: "start another file before one holds more than `SIZE` of weights"},
		dryRunFlag(),
	}
}

// conversion is what convert is asked to do.
type conversion struct {
	in      *checkpoint.Dir
	out     string
	weights *observed
	specs   []checkpoint.Spec
	bytes   int64
	dtype   *tensor.DType // nil keeps the types
	shards  checkpoint.ShardOptions
}

func runModelConvert(c *cli.Context) error {
	if c.NArg() != 1 {
		return usagef("name one model directory or file of weights. See %s --help", c.Command.HelpName)
	}
	var v conversion
	var err error
	if v.shards.MaxShard, err = sizeFlag(c, "max-shard-size"); err != nil {
		return err
	}
	if c.String("format") == "pytorch" {
		v.shards.Format = checkpoint.Torch
	}
	if v.in, err = checkpoint.OpenWeights(c.Args().First()); err != nil {
		return err
	}
	defer v.in.Close()
	v.shards.Metadata = v.in.Metadata()
	if v.shards.Metadata == nil {
		v.shards.Metadata = map[string]string{"format": "pt"} // which transformers asks for
	}
	if v.out, err = replaceableDir(c, v.in.Path()); err != nil {
		return err
	}
	if err := v.plan(c); err != nil {
		return err
	}
	n, err := checkpoint.Shards(v.specs, v.shards)
	if err != nil {
		return err
	}
	if c.Bool("dry-run") {
		message(c, "would write %s tensors of %s bytes in %d files to %s; nothing was written", human(len(v.specs)), human(v.bytes), n, v.out)
		return v.summary(c, n)
	}
	began := time.Now()
	var names []string
	err = checkpoint.WriteDir(v.out, func(dir string) error {
		names, err = v.write(c, dir)
		return err
	})
	if err != nil {
		return err
	}
	for _, name := range v.weights.nonFinite {
		warning(c, "tensor %q has numbers that are not finite, as it had before", name)
	}
	message(c, "wrote %s tensors of %s bytes in %d files to %s · %s", human(len(v.specs)), human(v.bytes), len(names), v.out, time.Since(began).Round(time.Second/10))
	return v.summary(c, len(names))
}

// plan lists what is to be written.
func (v *conversion) plan(c *cli.Context) error {
	v.weights = &observed{Lister: v.in, ctx: c.Context}
	if name := c.String("dtype"); name != "keep" {
		dt, err := tensor.ParseDType(name)
		if err != nil {
			return usagef("flag --dtype: %v", err)
		}
		v.dtype = &dt
		v.weights.Lister = checkpoint.Cast(v.in, dt)
	}
	for _, name := range v.weights.Names() {
		s, err := v.weights.Spec(name)
		if err != nil {
			return err
		}
		v.specs = append(v.specs, s)
		v.bytes += int64(tensor.NumElements(s.Shape) * s.DType.Size())
	}
	return nil
}

// write fills the new directory: weights, configuration, the small files beside
// them, and where all of it came from.
func (v *conversion) write(c *cli.Context, dir string) ([]string, error) {
	p := newProgress(c, "converting", int64(len(v.specs))).Unit("tensor")
	v.weights.read = func(n int) { p.Update(int64(n)) }
	names, err := checkpoint.WriteSharded(dir, v.specs, v.weights, v.shards)
	if err != nil {
		return nil, err
	}
	p.Done()
	if config := v.in.Config(); config != nil {
		if v.dtype != nil {
			if config, err = checkpoint.SetConfigDType(config, *v.dtype); err != nil {
				return nil, fmt.Errorf("%s: %w", filepath.Join(v.in.Path(), "config.json"), err)
			}
		}
		if err := writeWhole(filepath.Join(dir, "config.json"), config); err != nil {
			return nil, err
		}
	}
	small, leftOut, err := v.in.Others()
	if err != nil {
		return nil, err
	}
	for _, name := range small {
		data, err := v.in.ReadFile(name)
		if err == nil {
			err = writeWhole(filepath.Join(dir, name), data)
		}
		if err != nil {
			return nil, err
		}
	}
	if len(leftOut) > 0 {
		detail(c, "left out: %s", strings.Join(leftOut, ", "))
	}
	return names, v.writeOrigin(c, dir)
}

// writeOrigin adds to kiban.json where the weights came from.
func (v *conversion) writeOrigin(c *cli.Context, dir string) error {
	path := filepath.Join(dir, "kiban.json")
	about := map[string]any{"format": 1}
	if data, err := os.ReadFile(path); err == nil {
		d := json.NewDecoder(bytes.NewReader(data))
		d.UseNumber()
		if err := d.Decode(&about); err != nil {
			return fmt.Errorf("%s: %w; remove it, or mend it", filepath.Join(v.in.Path(), "kiban.json"), err)
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	p := newProgress(c, "hashing", 0).Unit("file")
	files, err := v.in.Digests(c.Context)
	if err != nil {
		return err
	}
	p.Done()
	origin := map[string]any{
		"source": v.in.Path(), "files": files, "dtype": c.String("dtype"), "kiban": readVersion().Version,
	}
	if before, ok := about["converted_from"]; ok {
		origin["converted_from"] = before
	}
	about["converted_from"] = origin
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(about); err != nil {
		return err
	}
	return writeWhole(path, b.Bytes())
}

// summary is one row, for --json and pipes that asked for a table.
func (v *conversion) summary(c *cli.Context, files int) error {
	if !c.Bool("json") && !c.Bool("tsv") {
		return nil
	}
	t := table{columns: []string{"input", "out", "format", "dtype", "tensors", "bytes", "files", "not_finite", "dry_run"}}
	t.add(v.in.Path(), v.out, c.String("format"), c.String("dtype"), len(v.specs), v.bytes, files, len(v.weights.nonFinite), c.Bool("dry-run"))
	return printTable(c, c.App.Writer, t)
}

// maxUnfreed is how many bytes of tensors that were written may lie in memory
// beside the one that is read.
const maxUnfreed = 64 << 20

// observed counts the tensors read, notes those with numbers that are not finite
// and stops between two when the program is interrupted.
type observed struct {
	checkpoint.Lister
	ctx       context.Context
	read      func(n int)
	n         int
	unfreed   int // bytes read since memory was given back
	nonFinite []string
}

func (w *observed) Tensor(name string) (*tensor.Tensor, error) {
	if err := w.ctx.Err(); err != nil {
		return nil, err
	}
	s, err := w.Lister.Spec(name)
	if err != nil {
		return nil, err
	}
	size := tensor.NumElements(s.Shape) * s.DType.Size()
	if w.unfreed += size; w.unfreed > maxUnfreed {
		debug.FreeOSMemory() // by itself it would wait until there is twice the largest
		w.unfreed = size
	}
	t, err := w.Lister.Tensor(name)
	if err != nil {
		return nil, err
	}
	if checkpoint.NonFinite(t) >= 0 {
		w.nonFinite = append(w.nonFinite, name)
	}
	w.n++
	w.read(w.n)
	return t, nil
}

// replaceableDir is the directory that -o names and that is written as a whole.
// One that holds anything is replaced with --overwrite only, and only if it is a
// model directory without directories in it, so that a slip of the hand costs no
// more than a model.
func replaceableDir(c *cli.Context, in string) (string, error) {
	dir := c.String("out")
	if dir == "" || dir == "-" {
		return "", usagef("no output directory given; name one with -o DIR. See %s --help", c.Command.HelpName)
	}
	st, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return dir, nil
	} else if err != nil {
		return "", err
	}
	if !st.IsDir() {
		return "", fmt.Errorf("%s: is a file; name a directory with -o", dir)
	}
	for _, of := range []string{in, filepath.Dir(in)} {
		if other, err := os.Stat(of); err == nil && os.SameFile(st, other) {
			return "", fmt.Errorf("%s: is where the input is; give another -o", dir)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) == 0 {
		return dir, err
	}
	if !c.Bool("overwrite") {
		return "", fmt.Errorf("%s: exists already and is not empty; give -O to replace it, or another -o", dir)
	}
	weights := false
	for _, e := range entries {
		weights = weights || strings.HasSuffix(e.Name(), ".safetensors") || strings.HasSuffix(e.Name(), ".bin")
		if e.IsDir() {
			return "", fmt.Errorf("%s: holds the directory %s, so it is no model alone and is not replaced; give another -o", dir, e.Name())
		}
	}
	if !weights {
		return "", fmt.Errorf("%s: is no model directory and is not replaced; give another -o", dir)
	}
	return dir, nil
}
