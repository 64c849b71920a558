package task

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/kiban-models/kiban/climate/baseline"
	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/forecast"
	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/run"
	"github.com/kiban-models/kiban/core/tensor"
)

// Model is an open model: a directory, or a checkpoint of the published code.
type Model struct {
	Path   string
	Config forecast.Config
	// About is nil of a model that others wrote, whose numbers nobody describes:
	// it can be trained further, not run.
	About       *About
	Climatology *baseline.Climatology // of an About with one
	Static      []float32             // fields of the channels that are the model's own
	damping     map[int][]float32     // of one of Damped
	regress     *baseline.Regression  // of a downscaler's
	dir         *checkpoint.Dir
}

// OpenOptions say of a checkpoint without a configuration what its tensors do
// not.
type OpenOptions struct {
	Heads int // attention heads; 0 means 16, the published number
	Rows  int // of its grid; 0 for a grid twice as wide as high
}

// OpenModel opens a model directory, or a Lightning checkpoint as a file.
func OpenModel(path string, o OpenOptions) (*Model, error) {
	dir, err := checkpoint.OpenWeights(path)
	if err != nil {
		return nil, err
	}
	m := &Model{Path: path, dir: dir}
	if err := m.open(o); err != nil {
		dir.Close()
		return nil, err
	}
	return m, nil
}

func (m *Model) open(o OpenOptions) error {
	st, err := os.Stat(m.Path)
	if err != nil {
		return err
	}
	if !st.IsDir() {
		if o.Heads == 0 {
			o.Heads = forecast.Published().Heads
		}
		if m.Config, err = forecast.StoredConfig(m.dir, nil, o.Rows, o.Heads); err != nil {
			return fmt.Errorf("%s: %w", m.Path, err)
		}
		return nil
	}
	if m.Config, err = forecast.ParseConfig(filepath.Join(m.Path, "config.json"), m.dir.Config()); err != nil {
		return err
	}
	var a About
	path := filepath.Join(m.Path, AboutFile)
	if err := run.ReadJSON(path, &a); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	if err := m.agrees(&a); err != nil {
		return fmt.Errorf("%s: %w; the directory is not as training left it", path, err)
	}
	m.About = &a
	if len(a.own()) > 0 {
		if m.Static, err = readStatic(filepath.Join(m.Path, StaticFile), &a); err != nil {
			return err
		}
	}
	if a.Climatology == "" || a.Climatologies > 1 {
		return nil
	}
	if m.Climatology, err = readClimatology(filepath.Join(m.Path, ClimatologyFile), &a); err != nil || a.Target != Damped {
		return err
	}
	if a.Task == Downscale {
		m.regress, err = readRegression(filepath.Join(m.Path, RegressionFile), &a, m.Climatology)
		return err
	}
	m.damping, err = readDamping(filepath.Join(m.Path, DampingFile), &a)
	return err
}

// agrees checks what kiban.json says against config.json.
func (m *Model) agrees(a *About) error {
	if err := a.check(); err != nil {
		return err
	}
	if m.Config.IsProjector() != (a.Task == Project) || m.Config.History != a.History || a.Task == Project && m.Config.Out != a.Made[0].Key {
		return fmt.Errorf("task %s from %d records of a model with the configuration of a %s of %d", a.Task, a.years(), m.Config.Architectures, max(1, m.Config.History))
	}
	if _, err := m.Config.IDs(a.known()); err != nil {
		return err
	}
	_, err := a.patches(m.Config)
	return err
}

// grid is that of the model.
func (a *About) grid() (*field.Grid, error) { return a.Grid.Field() }

// patches are those of the region, or all.
func (a *About) patches(c forecast.Config) ([]int32, error) {
	g, err := a.grid()
	if err != nil {
		return nil, err
	}
	if g.Rows() != c.Grid[0] || g.Columns() != c.Grid[1] {
		return nil, fmt.Errorf("a grid of %dx%d for a model of %dx%d", g.Rows(), g.Columns(), c.Grid[0], c.Grid[1])
	}
	if len(a.Boxes) == 0 {
		return c.All(), nil
	}
	return c.Region(g, a.Where(), a.Mirrored)
}

// Runs is an error if the model cannot forecast: nobody says what its numbers
// are, or what they are departures from.
func (m *Model) Runs() error {
	if m.About == nil {
		return fmt.Errorf("%s: has no %s, which says how its numbers are normalised; fine-tune it first: kiban climate finetune DATA -m %s -o DIR", m.Path, AboutFile, m.Path)
	}
	if n := m.About.Climatologies; n > 1 {
		return fmt.Errorf("%s: learnt the departures of %d data sets from a climatology of each, and has none of its own; fine-tune it on one first: kiban climate finetune DATA -m %s -o DIR", m.Path, n, m.Path)
	}
	return nil
}

// Load puts the weights of the model on a backend.
func (m *Model) Load(b backend.Backend, p nn.Policy) error {
	view, _, err := forecast.Weights(m.dir, m.Config, m.Config, nil)
	if err == nil {
		err = load(b, m.Config.Declared(p), view)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", m.Path, err)
	}
	return nil
}

// load puts weights.
func load(b backend.Backend, declared []nn.Declared, from checkpoint.Lister) error {
	var specs []checkpoint.Spec
	for _, d := range declared {
		specs = append(specs, checkpoint.Spec{Name: d.Name, DType: d.DType, Shape: d.Shape})
	}
	return checkpoint.Fill(b.Put, specs, from, checkpoint.FillOptions{})
}

// Hash is a digest of the weights.
func (m *Model) Hash() (string, error) { return checkpoint.Hash(m.dir) }

// Close closes the weights.
func (m *Model) Close() error { return m.dir.Close() }

// WriteModel writes a model directory into dir, which exists. climatology is
// that of an About with one, else nil.
func WriteModel(dir string, c forecast.Config, weights checkpoint.Source, a About, climatology *baseline.Climatology) error {
	if a.Format = 1; a.Task == "" {
		a.Task = Forecast
	}
	if err := a.check(); err != nil {
		return fmt.Errorf("task: %w", err)
	}
	if err := forecast.Save(dir, c, weights); err != nil {
		return err
	}
	if climatology != nil {
		if err := writeClimatology(filepath.Join(dir, ClimatologyFile), &a, climatology); err != nil {
			return err
		}
	}
	return run.WriteJSON(filepath.Join(dir, AboutFile), a)
}

// climatologyTensor holds the mean fields, [slots, channels, rows, columns] in
// the channels' units, with the rows in the order of the data's grid that
// About.Grid has; NaN where there is none.
const climatologyTensor = "climatology"

func writeClimatology(path string, a *About, c *baseline.Climatology) error {
	return writeFields(path, climatologyTensor, a, len(a.Out()), c.Fields())
}

// writeFields writes some fields of so many channels, nil ones as NaN.
func writeFields(path, name string, a *About, channels int, fields [][]float32) error {
	size := channels * len(a.Grid.Lat) * len(a.Grid.Lon)
	t := tensor.New(tensor.F32, len(fields), channels, len(a.Grid.Lat), len(a.Grid.Lon))
	for i, f := range fields {
		to := t.Float32()[i*size:][:size]
		if f == nil {
			fill(to, nan)
			continue
		}
		if len(f) != size {
			return fmt.Errorf("task: %s of %d values, wanted %d", name, len(f), size)
		}
		copy(to, f)
	}
	all := checkpoint.Tensors{name: t}
	return checkpoint.Write(path, all.Specs(), all, nil)
}

// regressionTensor holds the climatology of the interpolated fields and, behind it,
// the slopes, [slots + places, channels, rows, columns].
const regressionTensor = "regression"

func writeRegression(path string, a *About, r *baseline.Regression) error {
	f := r.Fields()
	return writeFields(path, regressionTensor, a, len(a.Made), slices.Concat(f.Coarse.Fields(), f.Slopes))
}

func readRegression(path string, a *About, departure *baseline.Climatology) (*baseline.Regression, error) {
	fields, err := readFields(path, regressionTensor, a, len(a.Made))
	if err != nil {
		return nil, err
	}
	f := baseline.RegressionFields{Departure: departure}
	slots := min(len(fields), len(departure.Fields()))
	if f.Coarse, err = baseline.FromFields(a.Calendar, a.Climatology, a.Step(), fields[:slots]); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	f.Slopes = fields[slots:]
	fine, err := a.grid()
	if err != nil {
		return nil, err
	}
	coarse, err := a.Coarse.Field()
	if err != nil {
		return nil, err
	}
	r, err := baseline.NewRegression(f, baseline.Around(fine, coarse))
	if err != nil {
		return nil, fmt.Errorf("%s: %w; the directory is not as training left it", path, err)
	}
	return r, nil
}

func readClimatology(path string, a *About) (*baseline.Climatology, error) {
	fields, err := readFields(path, climatologyTensor, a, len(a.Out()))
	if err != nil {
		return nil, err
	}
	c, err := baseline.FromFields(a.Calendar, a.Climatology, a.Step(), fields)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// dampingTensor holds correlations, [lead times of About.Damping, channels, rows,
// columns].
const dampingTensor = "correlation"

func writeDamping(path string, a *About, of map[int][]float32) error {
	var fields [][]float32
	for _, l := range a.Damping {
		fields = append(fields, of[l])
	}
	return writeFields(path, dampingTensor, a, len(a.Out()), fields)
}

func readDamping(path string, a *About) (map[int][]float32, error) {
	fields, err := readFields(path, dampingTensor, a, len(a.Out()))
	if err != nil {
		return nil, err
	}
	if len(fields) != len(a.Damping) {
		return nil, fmt.Errorf("%s: correlations of %d lead times, wanted %d; the directory is not as training left it", path, len(fields), len(a.Damping))
	}
	of := map[int][]float32{}
	for i, l := range a.Damping {
		of[l] = fields[i]
	}
	return of, nil
}

// staticTensor holds the fields that are a downscaler's own, [1, channels, rows,
// columns].
const staticTensor = "static"

func writeStatic(path string, a *About, x []float32) error {
	return writeFields(path, staticTensor, a, len(a.own()), [][]float32{x})
}

func readStatic(path string, a *About) ([]float32, error) {
	fields, err := readFields(path, staticTensor, a, len(a.own()))
	if err != nil {
		return nil, err
	}
	if len(fields) != 1 || fields[0] == nil {
		return nil, fmt.Errorf("%s: no fields of %d channels; the directory is not as training left it", path, len(a.own()))
	}
	return fields[0], nil
}

// readFields reads what writeFields wrote.
func readFields(path, name string, a *About, channels int) ([][]float32, error) {
	f, err := checkpoint.OpenIn(filepath.Dir(path), filepath.Base(path))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	t, err := f.Tensor(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	want := []int{channels, len(a.Grid.Lat), len(a.Grid.Lon)}
	s := t.Shape()
	if t.DType() != tensor.F32 || len(s) != 4 || s[1] != want[0] || s[2] != want[1] || s[3] != want[2] {
		return nil, fmt.Errorf("%s: %s of shape %v, wanted %v for each; the directory is not as training left it", path, name, s, want)
	}
	size := want[0] * want[1] * want[2]
	var fields [][]float32
	for i := range s[0] {
		x := t.Float32()[i*size:][:size]
		if allNaN(x) {
			x = nil
		}
		fields = append(fields, x)
	}
	return fields, nil
}
