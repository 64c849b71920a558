package sequence

import (
	"fmt"
	"io"
	"os"

	"github.com/kiban-models/kiban/core/packed"
)

// OpenText opens a text file that goes with sequences, such as a table, plain
// or compressed like FASTA; "-" is standard input. The caller closes it.
func OpenText(path string) (io.ReadCloser, error) {
	f := os.Stdin
	if path != "-" {
		var err error
		if f, err = os.Open(path); err != nil {
			return nil, fmt.Errorf("sequence: %w", err)
		}
	}
	d, err := packed.NewReader(f)
	if err != nil {
		f.Close()
		return nil, &Error{File: path, What: err.Error(), Remedy: "copy or download it again", Err: err}
	}
	return &text{d, f}, nil
}

type text struct {
	*packed.Reader
	f *os.File
}

func (t *text) Close() error {
	t.Reader.Close()
	return t.f.Close()
}
