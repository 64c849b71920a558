package hostile

import "os"

// deviceCases give kiban what is no file.
func deviceCases() []Case {
	at := func(path string) []string {
		return []string{"protein", "prepare", path, "-o", "out", "--vocab-size", "300", "--progress", "none"}
	}
	nothing := func(Folder) error { return nil }
	cases := []Case{
		{Name: "dev_zero", Args: at("/dev/zero"), Make: nothing, Says: []string{"/dev/zero", "NUL byte"}},
		{Name: "dev_null", Args: at("/dev/null"), Make: nothing, Says: []string{"no sequence left"}},
		{Name: "dir_input", Args: at("."), Make: nothing, Says: []string{"is a directory"}},
	}
	for _, name := range []string{"model.safetensors", "config.json", "tokenizer.json"} {
		become := func(what string, make func(path string) error) {
			cases = append(cases, Case{Name: what + "_" + name, Args: score, Says: []string{name}, Make: spoiled(func(f Folder) error {
				path := f.Path("model/" + name)
				return errorsFirst(os.Remove(path), make(path))
			})})
		}
		become("zeros", func(path string) error { return os.Symlink("/dev/zero", path) })
		become("dir", func(path string) error { return os.Mkdir(path, 0o777) })
		become("secret", func(path string) error { return os.Symlink("../../secret", path) })
		become("fifo", fifo)
	}
	return cases
}
