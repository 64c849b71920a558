package checkpoint

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// weightFile is an open file of weights, of any form.
type weightFile interface {
	Lister
	Metadata() map[string]string
	Close() error
	file() *os.File // as it is
}

// openWeightFile tells by the content what kind of file f is, and takes it over.
// Extensions say nothing: a .bin may be anything.
func openWeightFile(path string, f *os.File) (weightFile, error) {
	open, size, err := sniff(path, f)
	if err != nil {
		f.Close()
		return nil, err
	}
	return open(path, f, size)
}

type opener func(path string, f *os.File, size int64) (weightFile, error)

func sniff(path string, f *os.File) (opener, int64, error) {
	st, err := f.Stat()
	if err != nil {
		return nil, 0, fmt.Errorf("checkpoint: %w", err)
	}
	if st.Mode()&fs.ModeType != 0 {
		return nil, 0, fmt.Errorf("checkpoint: %s: found %v, want a regular file", path, st.Mode().Type())
	}
	head := make([]byte, min(512, st.Size()))
	if err := readAt(f, head, 0); err != nil {
		return nil, 0, fmt.Errorf("checkpoint: %s: %w", path, err)
	}
	is := func(at int, magic string) bool {
		return len(head) >= at && bytes.HasPrefix(head[at:], []byte(magic))
	}
	const save = "open it with a torch of its time and save model.state_dict() again"
	switch {
	case strings.HasSuffix(path, ".safetensors"), is(8, "{"):
		return openSafetensors, st.Size(), nil
	case is(0, zipMagic):
		return openTorchZip, st.Size(), nil
	case is(0, legacyMagic):
		return openTorchLegacy, st.Size(), nil
	case is(257, "ustar"):
		return nil, 0, &UnsupportedError{path, "form", "the tar archive of torch before 0.1.10 is not read; " + save}
	case is(0, "\x80"):
		return nil, 0, &UnsupportedError{path, "form", "a bare pickle, or one that another program than torch.save wrote, is not read; " + save}
	}
	return nil, 0, &FormatError{path, "neither safetensors nor a file of torch.save; give weights in one of these forms"}
}

func openSafetensors(path string, f *os.File, _ int64) (weightFile, error) {
	w, err := openFile(path, f)
	if err != nil {
		return nil, err // not w: a nil *File is no nil weightFile
	}
	return w, nil
}
