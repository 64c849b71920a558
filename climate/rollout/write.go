package rollout

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/netcdf"
	"github.com/kiban-models/kiban/climate/verify"
)

// Paths are the files that Write makes: path, and of an ensemble, whose mean it
// has then, one beside it for each member.
func Paths(path string, members int) []string {
	out := []string{path}
	if members > 1 {
		ext := filepath.Ext(path)
		for i := range members {
			out = append(out, fmt.Sprintf("%s_m%02d%s", strings.TrimSuffix(path, ext), i+1, ext))
		}
	}
	return out
}

// Write makes files of forecasts as they come, in the memory of one batch. With
// validTime their one lead time is no dimension, and time is that which is
// forecast; so it is of what is no forecast. An error or an interruption before
// the end leaves none.
func Write(ctx context.Context, f verify.Forecasts, path string, about field.About, validTime bool, progress func(done, total int)) error {
	frame := f.Frame()
	if frame.Train.From != 0 || frame.Train.To != 0 {
		about.Extra = append(slices.Clone(about.Extra), netcdf.Text(verify.TrainAttribute, frame.Train.String()))
	}
	if frame.Region != "" {
		about.Extra = append(slices.Clone(about.Extra), netcdf.Text(verify.RegionAttribute, frame.Region))
	}
	if frame.Scenario != "" {
		about.Extra = append(slices.Clone(about.Extra), netcdf.Text(verify.ScenarioAttribute, frame.Scenario))
	}
	of := frame.Frame
	if frame.Task != "" {
		about.Extra = append(slices.Clone(about.Extra), netcdf.Text(verify.TaskAttribute, frame.Task))
		of.Leads, of.Valid = nil, nil
	} else if validTime {
		if len(of.Leads) != 1 {
			return fmt.Errorf("%s: %d lead times in a file without such a dimension; wanted one", path, len(of.Leads))
		}
		about.Extra = append(about.Extra, netcdf.Text("kiban_lead_time", frame.Ahead(0)))
		of.Times, of.Leads, of.Valid = of.Valid, nil, nil
	}
	total := len(frame.Times) * len(frame.Leads)
	var writers []*field.Writer
	abort := func(err error) error {
		for _, w := range writers {
			err = errors.Join(err, w.Abort())
		}
		return err
	}
	for i, name := range Paths(path, frame.Members) {
		a := about
		if frame.Members > 1 {
			text := netcdf.Text("kiban_ensemble", fmt.Sprintf("mean of %d members", frame.Members))
			if i > 0 {
				text = netcdf.Text("realization", fmt.Sprintf("member %d of %d", i, frame.Members))
			}
			a.Extra = append(slices.Clone(a.Extra), text)
		}
		w, err := field.Create(name, of, a)
		if err != nil {
			return abort(err)
		}
		writers = append(writers, w)
	}
	done := 0
	err := f.Each(ctx, func(at, lead int, members [][]float32) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		for i, w := range writers {
			x := members[max(0, i-1)]
			if i == 0 && len(members) > 1 {
				x = verify.Mean(members)
			}
			if err := w.Put(at, lead, x); err != nil {
				return err
			}
		}
		if done++; progress != nil {
			progress(done, total)
		}
		return nil
	})
	if err != nil {
		return abort(err)
	}
	for len(writers) > 0 {
		w := writers[0]
		writers = writers[1:]
		if err := w.Commit(); err != nil {
			return abort(err)
		}
	}
	return nil
}
