package main

import "github.com/urfave/cli/v2"

func analyzeFlags() []cli.Flag {
	return append([]cli.Flag{
		&cli.StringSliceFlag{Name: "training", Category: catInput, Usage: "training data to compare with: FASTA, or a `DIR` that prepare wrote; repeatable"},
		&cli.StringSliceFlag{Name: "reference", Category: catInput, Usage: "FASTA `FILE` of natural sequences to draw beside; repeatable. Without it, a sample of the training data"},
		&cli.IntFlag{Name: "candidates", Category: catRuntime, Value: 32, Usage: "score `N` training sequences a sequence with gaps"},
		&cli.Float64Flag{Name: "novel-below", Category: catOutput, Value: 0.5, Usage: "call a sequence novel below this `SHARE` of residues identical to the nearest"},
		&cli.IntFlag{Name: "memorised-length", Category: catOutput, Value: 50, Usage: "call a sequence extracted that has `N` residues of training data in a row"},
		&cli.Float64Flag{Name: "memorised-share", Category: catOutput, Value: 0.9, Usage: "or this `SHARE` of its own residues"},
		&cli.IntFlag{Name: "network-sample", Category: catOutput, Value: 500, Usage: "put `N` generated and N natural sequences into the similarity network; 0 makes none"},
		&cli.Float64Flag{Name: "network-identity", Category: catOutput, Value: 0.3, Usage: "join sequences of at least this `SHARE` of identical columns"},
		&cli.StringFlag{Name: "prefix", Category: catOutput, Usage: "begin the names of all files with `NAME`_"},
		&cli.BoolFlag{Name: "multiqc", Category: catOutput, Usage: "also write tables for MultiQC", DisableDefaultText: true},
		&cli.BoolFlag{Name: "figures", Category: catOutput, Value: true, Usage: "draw figures; --no-figures does not", DisableDefaultText: true},
		&cli.BoolFlag{Name: "report", Category: catOutput, Value: true, Usage: "write report.html; --no-report does not", DisableDefaultText: true},
	}, readerFlags()...)
}
