package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/gofrs/flock"
	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/bio/protein"
	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/lora"
)

// lockFile in a run directory is held by the process that trains there. The
// system lets go of it when the process ends, however it ends. The file stays:
// removing it would let two processes lock two files of one name.
const lockFile = ".lock"

// enterRun makes a run directory, if it is not there, and keeps other
// processes from training in it until leave is called, which is told whether
// anything of a run is in it now. If not, a directory made here goes again.
func enterRun(c *cli.Context, dir string, resume bool) (leave func(began bool), err error) {
	_, err = os.Stat(dir)
	made := errors.Is(err, fs.ErrNotExist)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, lockFile)
	_, err = os.Stat(path)
	known := err == nil
	l := flock.New(path)
	locked, err := l.TryLock()
	switch {
	case errors.Is(err, syscall.ENOSYS), errors.Is(err, syscall.EOPNOTSUPP), errors.Is(err, syscall.ENOLCK):
		warning(c, "%s: %v; make sure that no other process trains in %s", path, err, dir)
	case err != nil:
		return nil, err
	case !locked:
		return nil, fmt.Errorf("%s: another process is training in it; wait for it, or give another -o", dir)
	}
	leave = func(began bool) {
		if !began && !known { // nobody else's
			os.Remove(path)
		}
		if !began && made {
			os.Remove(dir) // fails if somebody has put something in
		}
		l.Close()
	}
	// Another process may have come and gone since outputDir looked.
	if _, err := os.Stat(filepath.Join(dir, "run.json")); err == nil && !resume && !c.Bool("overwrite") {
		leave(true)
		return nil, fmt.Errorf("%s: another process has just trained in it; give another -o", dir)
	}
	// What a killed run has left is nobody's, as long as the lock is held.
	for _, d := range []string{dir, filepath.Join(dir, "figures")} {
		if !locked || !resume && !c.Bool("overwrite") {
			break
		}
		if err := checkpoint.Sweep(d); err != nil {
			warning(c, "%v", err)
		}
	}
	return leave, nil
}

// clearRun removes what an earlier run left, so that nothing of it is taken
// for the new one's.
func clearRun(dir string) error {
	if err := checkpoint.Clear(dir); err != nil {
		return err
	}
	names := []string{"run.json", "metrics.jsonl", "model.safetensors", "config.json", "kiban.json", "results.json", "report.html", "climatology.safetensors", "damping.safetensors", "static.safetensors", "regression.safetensors", "conlleval.txt", "predictions.conll",
		protein.AdapterDir + "/" + lora.ConfigFile, protein.AdapterDir + "/" + lora.WeightsFile, protein.AdapterDir + "/kiban.json"}
	events, err := fs.Glob(os.DirFS(dir), protein.EventsDir+"/events.out.tfevents.*")
	if err != nil {
		return err
	}
	for _, name := range append(names, events...) {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
