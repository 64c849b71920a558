// Kiban trains, runs and evaluates models of biological sequences, materials
// text and climate fields.
package main

import (
	"os"

	"github.com/kiban-models/kiban/climate/netcdf"
)

func main() {
	netcdf.Isolate() // first: this may be a process that only reads a file
	os.Exit(run(os.Args, os.Stdin, os.Stdout, os.Stderr))
}
