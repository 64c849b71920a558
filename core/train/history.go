package train

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"

	"github.com/kiban-models/kiban/core/checkpoint"
)

// perplexity is exp(loss), kept finite so that it can be written as JSON.
func perplexity(loss float64) float64 { return math.Exp(min(loss, 700)) }

// History is metrics.jsonl: records, a line each, appended and flushed one by
// one.
type History struct {
	f *os.File
}

// OpenHistory opens the file for appending. Records after step, which a run
// that is being resumed will make again, and a line that a crash cut off are
// dropped first; step 0 begins anew.
func OpenHistory(path string, step int) (*History, error) {
	old, err := ReadHistory(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	err = checkpoint.WriteFile(path, func(w io.Writer) error {
		e := json.NewEncoder(w)
		for _, r := range old {
			if r.Step <= step && step > 0 {
				if err := e.Encode(r); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	return &History{f}, err
}

// Add appends a record. Its numbers must be finite.
func (h *History) Add(r Record) error {
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	_, err = h.f.Write(append(b, '\n'))
	return err
}

// Close closes the file.
func (h *History) Close() error { return h.f.Close() }

// maxHistory is more bytes than any run has to say: some million lines.
const maxHistory = 256 << 20

// ReadHistory reads all records. A last line without an end, which a crash cut
// off, is left out. The error of a line that is no record names file and line.
func ReadHistory(path string) ([]Record, error) {
	data, err := checkpoint.ReadFile(filepath.Dir(path), filepath.Base(path), maxHistory)
	if err != nil {
		return nil, err
	}
	data = data[:bytes.LastIndexByte(data, '\n')+1]
	var all []Record
	for line := range bytes.Lines(data) {
		var r Record
		if err := json.Unmarshal(line, &r); err != nil {
			return nil, fmt.Errorf("%s:%d: not a record of a run: %w; delete the line", path, len(all)+1, err)
		}
		all = append(all, r)
	}
	return all, nil
}
