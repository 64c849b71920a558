package main

import (
	"crypto/sha256"
	"fmt"
	"hash"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/core/dataset"
)

// taskData is how a task reads what it learns from: sentences, documents or
// texts.
type taskData[T any] struct {
	noun, source string // what the items are, and what they are read from
	// read reads what is named. sum, if not nil, sees what decides the rows.
	read func(names []string, sum io.Writer) ([]T, error)
	// key is what an item goes to one side or the other by: items of one key
	// stay together.
	key func(T) string
	// words gives add what a tokenizer is to learn of an item.
	words func(x T, add func(string))
}

// taskSplit is data on both sides.
type taskSplit[T any] struct {
	learn, held []T
	heldIn      string    // the source of held, for errors
	sum         hash.Hash // of what is learnt from
}

// gather reads the arguments, and what --validation names: a source, or a
// share, which is taken away from what is learnt from.
func (d taskData[T]) gather(c *cli.Context) (s taskSplit[T], err error) {
	s.sum = sha256.New()
	if s.learn, err = d.read(c.Args().Slice(), s.sum); err != nil {
		return s, err
	}
	v := c.String("validation")
	share, ok := shareOf(v)
	if !ok {
		if s.heldIn = v; v != "" {
			s.held, err = d.read([]string{v}, nil)
		}
		return s, err
	}
	s.heldIn = c.Args().First()
	fmt.Fprintf(s.sum, "validation %g", share)
	rule := dataset.SplitRule{Validation: share}
	var rest []T
	for _, x := range s.learn {
		if rule.IsValidation(dataset.DigestOf([]byte(d.key(x)))) {
			s.held = append(s.held, x)
		} else {
			rest = append(rest, x)
		}
	}
	if len(rest) == 0 || len(s.held) == 0 {
		return s, fmt.Errorf("--validation %s leaves %d %s to learn from and %d to evaluate on; give a %s, or another share", v, len(rest), d.noun, len(s.held), d.source)
	}
	s.learn = rest
	return s, nil
}

// begin resolves the options and opens the model that is to learn: see
// beginFinetuning.
func (d taskData[T]) begin(c *cli.Context, s taskSplit[T], epochs float64, by string) (*finetuning, error) {
	return beginFinetuning(c, epochs, by, func(add func(string)) error {
		for _, x := range s.learn {
			d.words(x, add)
		}
		return nil
	})
}

// shareOf reads a share of --validation; ok is false if it is a file.
func shareOf(text string) (share float64, ok bool) {
	var rest string
	if n, _ := fmt.Sscanf(text+" .", "%g %s", &share, &rest); n == 2 && share > 0 && share < 1 {
		return share, true
	}
	return 0, false
}
