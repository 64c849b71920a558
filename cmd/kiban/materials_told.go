package main

import (
	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/materials/corpus"
)

// maxTold is the number of files that cannot be read, and of warnings, that are
// told one by one.
const maxTold = 20

// told tells what is odd about documents, and which cannot be read: the first
// of each one by one, of the others their number.
type told struct {
	c       *cli.Context
	odd     int
	skipped int
}

func newTold(c *cli.Context) *told { return &told{c: c} }

func (t *told) warnings(all []*corpus.Error) {
	for _, w := range all {
		if t.odd++; t.odd <= maxTold {
			warning(t.c, "%v", w)
		}
	}
}

// skip tells of a document that cannot be read.
func (t *told) skip(err error) {
	if t.skipped++; t.skipped <= maxTold {
		warning(t.c, "passed over: %v", err)
	} else if t.skipped == maxTold+1 {
		warning(t.c, "more documents cannot be read; their number is in the summary")
	}
}

// rest tells how many warnings were not told.
func (t *told) rest() {
	if t.odd > maxTold {
		warning(t.c, "%s more warnings of this kind", human(t.odd-maxTold))
	}
}
