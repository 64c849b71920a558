package corpus

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
)

// Files yields the documents of files and folders. A folder stands for the
// files in it and below it whose suffix tells that they are read, in the order
// of their names; names that begin with a point are passed over. "-" is
// standard input.
//
// A file that cannot be read, or a part of one, is an [*Error] in the stream,
// which goes on behind it.
func Files(paths []string, o Options) iter.Seq2[Document, error] {
	return func(yield func(Document, error) bool) {
		w := &walk{opt: o, yield: yield, used: map[string]int{}}
		for _, p := range paths {
			if w.path(p); w.stopped {
				return
			}
		}
	}
}

type walk struct {
	opt     Options
	yield   func(Document, error) bool
	used    map[string]int // IDs that were made of files' names
	stopped bool
}

func (w *walk) fail(path string, err error) {
	remedy := "look at the name and the permissions"
	var cause *fs.PathError
	what := err.Error()
	if errors.As(err, &cause) {
		what = cause.Err.Error()
	}
	w.stopped = w.stopped || !w.yield(Document{}, &Error{File: path, What: what, Remedy: remedy, Err: err})
}

func (w *walk) path(path string) {
	if path == "-" {
		w.file(path, "stdin")
		return
	}
	st, err := os.Stat(path)
	if err != nil {
		w.fail(path, err)
		return
	}
	if !st.IsDir() {
		_, id := bySuffix(filepath.Base(path))
		w.file(path, id)
		return
	}
	found := false
	err = filepath.WalkDir(path, func(p string, e fs.DirEntry, err error) error {
		switch {
		case w.stopped:
			return fs.SkipAll
		case err != nil:
			w.fail(p, err)
			if e != nil && e.IsDir() {
				return fs.SkipDir
			}
			return nil
		case p != path && strings.HasPrefix(e.Name(), "."):
			if e.IsDir() {
				return fs.SkipDir
			}
			return nil
		case e.IsDir():
			return nil
		}
		kind, _ := bySuffix(e.Name())
		st, err := os.Stat(p)
		if err != nil {
			w.fail(p, err)
			return nil
		}
		if !st.Mode().IsRegular() || kind == "" {
			if w.opt.Ignored != nil {
				w.opt.Ignored(p)
			}
			return nil
		}
		rel, err := filepath.Rel(path, p)
		if err != nil {
			return err
		}
		found = true
		_, id := bySuffix(filepath.ToSlash(rel))
		w.file(p, id)
		return nil
	})
	switch {
	case err != nil:
		w.fail(path, err)
	case !found && !w.stopped:
		w.stopped = !w.yield(Document{}, &Error{File: path, What: "no file in the folder is of a kind that is read",
			Remedy: "give files named .txt, .jsonl, .json, .csv, .tsv, .xml, .nxml or .pdf, or name the files themselves"})
	}
}

// file yields the documents of one file. Two files of one name get different
// IDs.
func (w *walk) file(path, id string) {
	r, err := openFile(path)
	if err != nil {
		w.fail(path, err)
		return
	}
	defer r.Close()
	w.used[id]++
	if n := w.used[id]; n > 1 {
		id = fmt.Sprintf("%s~%d", id, n)
	}
	f := &file{name: path, id: id, opt: w.opt, yield: w.yield}
	f.read(r)
	w.stopped = f.stopped
}
