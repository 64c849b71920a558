package field

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Files replaces folders by the NetCDF files in them. Of several versions of a
// dataset in a tree of the data reference syntax, the newest is taken; notes say
// what is passed over.
func Files(paths []string) (files, notes []string, err error) {
	if len(paths) == 0 {
		return nil, nil, fmt.Errorf("field: no file named; name NetCDF files or folders of them")
	}
	for _, p := range paths {
		st, err := os.Stat(p)
		if err != nil || !st.IsDir() {
			files = append(files, p) // what is wrong with it, opening says
			continue
		}
		n := len(files)
		err = filepath.WalkDir(p, func(path string, e fs.DirEntry, err error) error {
			if err == nil && !e.IsDir() && strings.HasSuffix(path, ".nc") && !strings.HasPrefix(e.Name(), ".") {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", p, err)
		}
		if len(files) == n {
			return nil, nil, fmt.Errorf("%s: holds no file that ends in .nc; name the folder that does", p)
		}
	}
	newest := map[string]string{} // of the folder above the versions
	for _, f := range files {
		if _, v, ok := parseFolders(f); ok {
			top := filepath.Dir(filepath.Dir(f))
			newest[top] = max(newest[top], v)
		}
	}
	old := map[string]int{}
	seen := map[string]bool{}
	files = slices.DeleteFunc(files, func(f string) bool {
		if _, v, ok := parseFolders(f); ok {
			if top := filepath.Dir(filepath.Dir(f)); v != newest[top] {
				old[filepath.Dir(f)]++
				return true
			}
		}
		abs, err := filepath.Abs(f)
		twice := err == nil && seen[abs]
		seen[abs] = true
		return twice
	})
	for dir, n := range old {
		notes = append(notes, fmt.Sprintf("%s: %d files are passed over, since %s is newer", dir, n, newest[filepath.Dir(dir)]))
	}
	slices.Sort(notes)
	return files, notes, nil
}
