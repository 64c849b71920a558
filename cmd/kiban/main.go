// Kiban trains, runs and evaluates models of biological sequences, materials
// text and climate fields.
package main

import "os"

func main() {
	os.Exit(run(os.Args, os.Stdin, os.Stdout, os.Stderr))
}
