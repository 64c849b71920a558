//go:build cgo && !nonetcdf

package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/netcdf"
	"github.com/kiban-models/kiban/climate/store"
)

// The work of the NetCDF rows: a series of 1,460 times of 16 variables on 32x64
// cells, 191 MB of values, as CMIP6 has it: NetCDF-4, deflate 1 with shuffle, a
// chunk a time. It is read in order, 8 times at once; and, prepared as a store,
// in batches of 8 random times, normalised. The check is the sum of the values of
// the first 8 times in hundredths, as many as they are rounded to.
const (
	seriesTimes     = 1460
	seriesVariables = 16
	seriesRows      = 32
	seriesColumns   = 64
	seriesBatch     = 8
	seriesMean      = 280
	seriesStd       = 10
)

func netcdfRows() []row {
	megabytes := func(task string) peer { return peer{task, "netcdf_batches.py", []string{task}, []string{task}} }
	return []row{
		{
			name: "NetCDF: random batches of a store", unit: "MB", ours: randomBatches,
			prepare: func(dir string, s settings) error {
				if err := writeSeries(dir, s); err != nil {
					return err
				}
				return storeSeries(dir)
			},
			peers: []peer{megabytes("xarray"), megabytes("xarray, loaded"), megabytes("numpy, mapped")},
		},
		{
			name: "NetCDF: a file in order", unit: "MB", ours: seriesInOrder, prepare: writeSeries,
			peers: []peer{megabytes("xarray in order"), megabytes("netCDF4 in order")},
		},
	}
}

func seriesFile(dir string) string { return filepath.Join(dir, "series.nc") }

// writeSeries writes random walks.
func writeSeries(dir string, s settings) error {
	times := seriesTimes
	if s.tiny {
		times = 24
	}
	dims := []string{"time", "lat", "lon"}
	schema := netcdf.Schema{
		Dimensions: []netcdf.Dimension{{Name: "time", Unlimited: true}, {Name: "lat", Size: seriesRows}, {Name: "lon", Size: seriesColumns}},
		Variables: []netcdf.NewVariable{
			{Name: "time", Type: "double", Dimensions: dims[:1], Attributes: []netcdf.Attribute{
				netcdf.Text("units", "hours since 2000-01-01"), netcdf.Text("standard_name", "time"), netcdf.Text("calendar", "noleap")}},
			{Name: "lat", Type: "double", Dimensions: dims[1:2], Attributes: []netcdf.Attribute{
				netcdf.Text("units", "degrees_north"), netcdf.Text("standard_name", "latitude")}},
			{Name: "lon", Type: "double", Dimensions: dims[2:], Attributes: []netcdf.Attribute{
				netcdf.Text("units", "degrees_east"), netcdf.Text("standard_name", "longitude")}},
		},
	}
	for i := range seriesVariables {
		schema.Variables = append(schema.Variables, netcdf.NewVariable{
			Name: variableName(i), Type: "float", Dimensions: dims, Chunks: []int{1, seriesRows, seriesColumns}, Deflate: 1,
			Attributes: []netcdf.Attribute{netcdf.Text("units", "K"), {Name: "_FillValue", Value: []float32{1e20}}},
		})
	}
	w, err := netcdf.Create(seriesFile(dir), schema)
	if err != nil {
		return err
	}
	defer w.Abort()
	even := func(n int, first, step float64) []float64 {
		x := make([]float64, n)
		for i := range x {
			x[i] = first + float64(i)*step
		}
		return x
	}
	for _, x := range []struct {
		name   string
		values []float64
	}{{"time", even(times, 0, 6)}, {"lat", even(seriesRows, -87.1875, 5.625)}, {"lon", even(seriesColumns, 0, 5.625)}} {
		if err := w.Put(x.name, []int{0}, []int{len(x.values)}, x.values); err != nil {
			return err
		}
	}
	r := rand.New(rand.NewPCG(1, 1))
	walk, values := make([]float64, seriesVariables*seriesRows*seriesColumns), make([]float32, seriesRows*seriesColumns)
	for t := range times {
		for v := range seriesVariables {
			for i := range values {
				at := &walk[v*len(values)+i]
				*at += 0.1 * r.NormFloat64()
				values[i] = float32(math.Round(100*(*at+float64(seriesMean+v))) / 100)
			}
			if err := w.Put(variableName(v), []int{t, 0, 0}, []int{1, seriesRows, seriesColumns}, values); err != nil {
				return err
			}
		}
	}
	return w.Commit()
}

func variableName(i int) string { return fmt.Sprintf("v%02d", i) }

func openSeries(dir string) (*field.Series, error) {
	return field.Open([]string{seriesFile(dir)}, field.Options{})
}

func storeDir(dir string) string { return filepath.Join(dir, "store") }

func storeSeries(dir string) error {
	series, err := openSeries(dir)
	if err != nil {
		return err
	}
	defer series.Close()
	p, err := store.NewPlan(store.Options{Inputs: []store.Input{{Series: series}}, Out: storeDir(dir)})
	if err != nil {
		return err
	}
	_, err = p.Write(context.Background())
	return err
}

func randomBatches(ctx context.Context, s settings) (m measured, err error) {
	x, err := store.Open(storeDir(s.data), store.OpenOptions{})
	if err != nil {
		return m, err
	}
	defer x.Close()
	names, norm := make([]string, seriesVariables), make([]store.Norm, seriesVariables)
	for i := range names {
		names[i], norm[i] = variableName(i), store.Norm{Mean: seriesMean, Std: seriesStd}
	}
	sel, err := x.Select(names, norm)
	if err != nil {
		return m, err
	}
	r := rand.New(rand.NewPCG(2, 2))
	batch, records := make([]float32, seriesBatch*sel.Size()), make([]int, seriesBatch)
	m, err = clock(ctx, s, float64(4*len(batch))/1e6, func(int) error {
		for i := range records {
			records[i] = r.IntN(x.Len())
		}
		return sel.Read(batch, records)
	})
	if err != nil {
		return m, err
	}
	for i := range records {
		records[i] = i
	}
	err = sel.Read(batch, records)
	m.Check = hundredths(batch, seriesMean, seriesStd)
	return m, err
}

func seriesInOrder(ctx context.Context, s settings) (m measured, err error) {
	series, err := openSeries(s.data)
	if err != nil {
		return m, err
	}
	defer series.Close()
	batch := make([]float32, seriesBatch*series.Size())
	at := 0
	m, err = clock(ctx, s, float64(4*len(batch))/1e6, func(int) error {
		err := series.ReadTimes(ctx, at, seriesBatch, batch)
		at = (at + seriesBatch) % (len(series.Times) - seriesBatch)
		return err
	})
	if err != nil {
		return m, err
	}
	err = series.ReadTimes(ctx, 0, seriesBatch, batch)
	m.Check = hundredths(batch, 0, 1)
	return m, err
}

// hundredths is the sum of values that were normalised, in whole hundredths.
func hundredths(values []float32, mean, std float64) (sum int64) {
	for _, v := range values {
		sum += int64(math.Round(100 * (float64(v)*std + mean)))
	}
	return sum
}
