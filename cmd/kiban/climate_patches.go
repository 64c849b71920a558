package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/forecast"
	stores "github.com/kiban-models/kiban/climate/store"
)

// manyPatches are more than a model on a laptop should see: the time of
// attention grows with their square.
const manyPatches = 1024

// fittingPatch is the largest patch of at most so many cells a side that
// divides a grid into whole ones, but for larger ones where those are many. ok
// is false where no patch of up to 16 makes few.
func fittingPatch(rows, columns, most int) (patch int, ok bool) {
	fits := func(p int) bool { return rows%p == 0 && columns%p == 0 }
	for p := most; p > 0; p-- {
		if fits(p) {
			patch = p
			break
		}
	}
	for p := patch; p <= max(most, 16); p++ {
		if fits(p) && rows/p*(columns/p) <= manyPatches {
			return p, true
		}
	}
	return patch, false
}

// wholePatches refuses a grid that a patch does not divide, and says which
// does. The patch of a model that is trained further is given.
func wholePatches(data string, rows, columns, patch int, given bool) error {
	if patch < 1 || rows%patch == 0 && columns%patch == 0 {
		return nil
	}
	err := fmt.Errorf("%s: a grid of %dx%d cells is not one of whole patches of %dx%d", data, rows, columns, patch, patch)
	fit, few := fittingPatch(rows, columns, patch)
	switch number := human(rows / fit * (columns / fit)); {
	case given:
		return fmt.Errorf("%w, which the model has; prepare the data with another --grid, or with a --region of so many rows and columns", err)
	case few:
		return fmt.Errorf("%w; give --patch %d, which makes %s of them", err, fit, number)
	default:
		return fmt.Errorf("%w; prepare the data with another --grid, such as 5.625, or with a --region of so many rows and columns: with --patch %d there are %s of them", err, fit, number)
	}
}

// nextOfPrepare is what can be done with a store that was just written. The
// command repeats how it was, with another grid, where the grid has too many
// patches to train on.
func nextOfPrepare(c *cli.Context, out string, m stores.Manifest) (string, error) {
	if m.Records == 1 { // from which nothing can be forecast
		return fmt.Sprintf("kiban climate plot %s --var %s -o %s.png", out, m.Channels[0].Key, m.Channels[0].Key), nil
	}
	if hasScenarios(m) {
		return "kiban climate pretrain FORCINGS --to RESPONSE --history 10 -o projector, with " + out + " for one of them", nil
	}
	rows, columns := len(m.Grid.Lat), len(m.Grid.Lon)
	usual := climateDefaults(false)
	text, err := climatePresets.read(climatePresets.names[0])
	if err == nil {
		_, err = resolve(&usual, layers{preset: text, help: c.Command.HelpName})
	}
	if err != nil {
		return "", err
	}
	patch, ok := fittingPatch(rows, columns, usual.Patch)
	switch {
	case !ok && !c.IsSet("grid"):
		message(c, "a grid of %dx%d is divided by patches of %dx%d, which are %s: many for a model to see", rows, columns, patch, patch, human(rows/patch*(columns/patch)))
		return commandLine(c.App.Metadata["args"].([]string)) + " --grid 5.625 --overwrite", nil
	case patch != usual.Patch:
		return fmt.Sprintf("kiban climate pretrain %s -o run --patch %d", out, patch), nil
	}
	return fmt.Sprintf("kiban climate pretrain %s -o run", out), nil
}

// next is what can be done with a model: a pretrained one is fine-tuned to a
// region where its grid has a part there, or to one of several data sets if it
// has the climatology of none.
func (r *climateRun) next(config forecast.Config) string {
	data := r.c.Args().First()
	if g, err := r.about.Grid.Field(); err == nil && !r.fine && r.pairs == nil {
		const name = "climax:NorthAmerica"
		if region, err := field.ParseRegion(name, ""); err == nil {
			if patches, err := config.Region(g, region, false); err == nil && len(patches) < config.Patches() {
				return fmt.Sprintf("kiban climate finetune %s -m %s -o fine --region %s", data, r.run.dir, name)
			}
		}
	}
	if r.about.Climatologies > 1 {
		return fmt.Sprintf("kiban climate finetune %s -m %s -o fine", data, r.run.dir)
	}
	switch {
	case r.projects():
		return fmt.Sprintf("kiban climate forecast %s -m %s -o projection.nc", data, r.run.dir)
	case r.pairs != nil:
		return fmt.Sprintf("kiban climate forecast %s -m %s -o fine.nc", data, r.run.dir)
	}
	return fmt.Sprintf("kiban climate forecast %s -m %s -o forecast.nc", data, r.run.dir)
}
