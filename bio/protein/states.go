package protein

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// The state of a record says what becomes of it: one byte for each in memory.
const (
	stateTrain byte = iota
	stateValidation
	stateSameSequence // as an earlier record
	stateSameID       // as an earlier record
	stateTooShort
	stateTooLong
)

// kept tells whether a record goes into the data.
func kept(state byte) bool { return state <= stateValidation }

// stored tells whether the ledger has its residues.
func stored(state byte) bool { return state < stateTooShort }

const statesFile = "states"

func readStates(dir string, n int64) ([]byte, error) {
	path := filepath.Join(dir, statesFile)
	b, err := os.ReadFile(path)
	if err == nil && int64(len(b)) != n {
		err = fmt.Errorf("%s: %d bytes for %d records", path, len(b), n)
	}
	return b, err
}

// writeSynced writes a file that is on disk when it returns.
func writeSynced(path string, b []byte) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Sync(), f.Close())
}
