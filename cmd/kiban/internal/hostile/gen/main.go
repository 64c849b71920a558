// Command gen writes the hostile collection below a directory, for other
// tools to be tried on: a folder a case, with the file .want, which says what
// kiban answers. Those cases are left out whose bytes go through a pipe or need
// a run of kiban's.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/kiban-models/kiban/cmd/kiban/internal/hostile"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("name one directory to write to")
	}
	for _, c := range hostile.Cases("", "") {
		if c.Input != nil {
			continue
		}
		f := hostile.Folder(filepath.Join(args[0], c.Name))
		if err := os.MkdirAll(string(f), 0o777); err != nil {
			return err
		}
		if err := c.Make(f); err != nil {
			return fmt.Errorf("%s: %w", c.Name, err)
		}
		want, err := json.Marshal(map[string]any{"args": c.Args, "accept": c.Accept, "says": c.Says})
		if err != nil {
			return err
		}
		if err := f.Write(".want", append(want, '\n')); err != nil {
			return err
		}
	}
	return nil
}
