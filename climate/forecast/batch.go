package forecast

import (
	"fmt"
	"math"
	"slices"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/tensor"
)

// Batch holds the inputs of a program between fields on a grid and its patches.
// Fields are [variables][rows][columns] of the whole grid, normalised, rows in
// the order that the model knows.
type Batch struct {
	config           Config
	samples          int
	variables        []int32
	patches          []int32
	inputs           map[string]*tensor.Tensor
	targets, weights *tensor.Tensor // nil until Target
	lat              []float64      // by row: its weight over the patches
	variable         []float32      // of each of the model's: its weight; nil means 1
}

// NewBatch returns the inputs for so many samples (years, of a projector) of
// the variables and patches with these numbers, of a valid configuration.
func NewBatch(c Config, samples int, variables, patches []int32) (*Batch, error) {
	b := &Batch{config: c, samples: samples, variables: slices.Clone(variables), patches: slices.Clone(patches), inputs: map[string]*tensor.Tensor{}}
	for _, v := range variables {
		if v < 0 || int(v) >= len(c.Variables) {
			return nil, fmt.Errorf("forecast: variable %d of a model that has %d", v, len(c.Variables))
		}
	}
	for _, p := range patches {
		if p < 0 || int(p) >= c.Patches() {
			return nil, fmt.Errorf("forecast: patch %d of a grid that has %d", p, c.Patches())
		}
	}
	if samples <= 0 || len(variables) == 0 || len(patches) == 0 || c.IsProjector() && samples%c.History != 0 {
		return nil, fmt.Errorf("forecast: a batch of %d samples, %d variables, %d patches", samples, len(variables), len(patches))
	}
	n, cells := samples*len(patches), c.cells()
	b.inputs["fields"] = tensor.New(tensor.F32, n, len(variables)*cells)
	b.inputs["lead"] = tensor.New(tensor.F32, samples, 1)
	b.inputs["variables"] = tensor.Of(b.variables, len(variables))
	rows, places, of := tensor.New(tensor.I32, len(variables)*cells), tensor.New(tensor.I32, n), tensor.New(tensor.I32, n)
	for i := range rows.Int32() {
		rows.Int32()[i] = variables[i/cells]*int32(cells) + int32(i%cells)
	}
	for i := range n {
		places.Int32()[i], of.Int32()[i] = patches[i%len(patches)], int32(i/len(patches))
	}
	b.inputs["variable_rows"], b.inputs["places"], b.inputs["samples"] = rows, places, of
	if c.IsProjector() {
		years := tensor.New(tensor.I32, samples)
		for i := range years.Int32() {
			years.Int32()[i] = int32(i % c.History)
		}
		b.inputs["years"], b.inputs["queries"] = years, tensor.New(tensor.I32, samples/c.History)
	}
	return b, nil
}

// each calls f with the cells of the batch's patches: the number of the patch
// in the batch, the cell within it, and the cell on the grid.
func (b *Batch) each(f func(patch, cell, at int)) {
	c := b.config
	for i, p := range b.patches {
		row, column := int(p)/c.patchColumns()*c.Patch, int(p)%c.patchColumns()*c.Patch
		for k := range c.cells() {
			f(i, k, (row+k/c.Patch)*c.Grid[1]+column+k%c.Patch)
		}
	}
}

func (b *Batch) area() int { return b.config.Grid[0] * b.config.Grid[1] }

// SetField gives sample i its fields and its lead time. What is missing (NaN or
// infinite) is taken as 0, the mean of a normalised variable; their number is
// returned.
func (b *Batch) SetField(i int, fields []float32, leadHours float64) (missing int, err error) {
	if i < 0 || i >= b.samples || len(fields) != len(b.variables)*b.area() {
		return 0, fmt.Errorf("forecast: sample %d of %d with %d numbers, wanted %d variables of %d cells", i, b.samples, len(fields), len(b.variables), b.area())
	}
	cells := b.config.cells()
	to := b.inputs["fields"].Float32()
	for v := range b.variables {
		from := fields[v*b.area():][:b.area()]
		b.each(func(patch, cell, at int) {
			x := from[at]
			if !finite(x) {
				x = 0
				missing++
			}
			to[((i*len(b.patches)+patch)*len(b.variables)+v)*cells+cell] = x
		})
	}
	b.inputs["lead"].Float32()[i] = float32(leadHours / 100)
	return missing, nil
}

func finite(x float32) bool { return math.Float32bits(x)&0x7f800000 != 0x7f800000 }

// Weigh sets the weights of latitudes, in degrees by row of the grid: their
// cosine over its mean in the batch's patches. Without it, or with nil, all
// cells count alike, as in the published training of projections.
func (b *Batch) Weigh(latitudes []float64) error {
	if latitudes == nil {
		b.lat = nil
		return nil
	}
	if len(latitudes) != b.config.Grid[0] {
		return fmt.Errorf("forecast: %d latitudes for a grid of %d rows", len(latitudes), b.config.Grid[0])
	}
	cos := make([]float64, len(latitudes))
	for i, l := range latitudes {
		cos[i] = math.Cos(l * math.Pi / 180)
	}
	return b.WeighRows(cos)
}

// WeighRows sets the weights of rows, such as the areas of their cells: as Weigh
// does, but a row at a pole, whose cosine is 0, counts what it covers.
func (b *Batch) WeighRows(rows []float64) error {
	if len(rows) != b.config.Grid[0] {
		return fmt.Errorf("forecast: weights of %d rows for a grid of %d", len(rows), b.config.Grid[0])
	}
	b.lat = slices.Clone(rows)
	sum, n := 0.0, 0
	b.each(func(_, _, at int) {
		sum += b.lat[at/b.config.Grid[1]]
		n++
	})
	for i := range b.lat {
		b.lat[i] /= sum / float64(n)
	}
	return nil
}

// WeighVariables multiplies what the variables with these numbers count in the
// loss. Without it, or with nil weights, all count alike.
func (b *Batch) WeighVariables(variables []int32, weights []float64) {
	b.variable = nil
	if weights == nil {
		return
	}
	b.variable = make([]float32, len(b.config.Variables))
	for i := range b.variable {
		b.variable[i] = 1
	}
	for i, v := range variables {
		b.variable[v] = float32(weights[i])
	}
}

// SetTargets gives the loss what is to be forecast: for each sample the fields
// [variables][rows][columns] of the variables with these numbers; of a
// projector the one field of each history. A number that is missing counts
// nothing, in the weights nor in their mean. The count of those that do is
// returned; with none the loss is 0.
func (b *Batch) SetTargets(variables []int32, fields [][]float32) (count int, err error) {
	c := b.config
	rows, columns, results := b.samples*len(b.patches), c.cells()*len(c.Variables), b.samples
	if c.IsProjector() {
		rows, columns, results = b.samples/c.History, b.area(), b.samples/c.History
		variables = []int32{0}
	}
	if len(fields) != results {
		return 0, fmt.Errorf("forecast: targets of %d samples, wanted %d", len(fields), results)
	}
	if b.targets == nil || b.targets.Len() != rows*columns {
		b.targets, b.weights = tensor.New(tensor.F32, rows, columns), tensor.New(tensor.F32, rows, columns)
	}
	y, w := b.targets.Float32(), b.weights.Float32()
	clear(y)
	clear(w)
	put := func(to, at int, variable int32, x float32) {
		if !finite(x) {
			return
		}
		y[to], w[to] = x, 1
		if b.lat != nil {
			w[to] = float32(b.lat[at/c.Grid[1]])
		}
		if b.variable != nil {
			w[to] *= b.variable[variable]
		}
		count++
	}
	for i, all := range fields {
		if len(all) != len(variables)*b.area() {
			return 0, fmt.Errorf("forecast: targets of %d numbers, wanted %d variables of %d cells", len(all), len(variables), b.area())
		}
		for j, v := range variables {
			if v < 0 || int(v) >= len(c.Variables) {
				return 0, fmt.Errorf("forecast: variable %d of a model that has %d", v, len(c.Variables))
			}
			field := all[j*b.area():][:b.area()]
			if c.IsProjector() {
				for at, x := range field {
					put(i*columns+at, at, v, x)
				}
				continue
			}
			b.each(func(patch, cell, at int) {
				put((i*len(b.patches)+patch)*columns+cell*len(c.Variables)+int(v), at, v, field[at])
			})
		}
	}
	if count > 0 {
		for i := range w {
			w[i] /= float32(count)
		}
	}
	return count, nil
}

// Write gives a program its inputs, with the targets if there are any. The seed
// of dropout is the caller's.
func (b *Batch) Write(r backend.Runner) error {
	for name, x := range b.inputs {
		if err := r.Write(name, x); err != nil {
			return err
		}
	}
	if b.targets == nil {
		return nil
	}
	if err := r.Write("targets", b.targets); err != nil {
		return err
	}
	return r.Write("weights", b.weights)
}

// Field returns the forecast of sample i, [variables][rows][columns] of those
// with these numbers, out of what the program made. Outside the batch's patches
// it is NaN.
func (b *Batch) Field(i int, made []float32, variables []int32) []float32 {
	c := b.config
	if c.IsProjector() {
		return slices.Clone(made[i*b.area():][:b.area()])
	}
	out := make([]float32, len(variables)*b.area())
	for j := range out {
		out[j] = float32(math.NaN())
	}
	columns := c.cells() * len(c.Variables)
	for j, v := range variables {
		to := out[j*b.area():][:b.area()]
		b.each(func(patch, cell, at int) {
			to[at] = made[(i*len(b.patches)+patch)*columns+cell*len(c.Variables)+int(v)]
		})
	}
	return out
}

// ByVariable sums what Losses returns for each of the variables with these
// numbers. With Batch.SetTargets their sum is the loss; the mean over the cells
// of one variable is its share times the number of variables, if none misses
// cells that others have.
func (c Config) ByVariable(losses []float32, variables []int32) []float64 {
	out := make([]float64, len(variables))
	for j, v := range variables {
		for k := range c.cells() {
			out[j] += float64(losses[k*len(c.Variables)+int(v)])
		}
	}
	return out
}
