package checkpoint

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestSweep(t *testing.T) {
	dir := t.TempDir()
	save := func(step int) {
		t.Helper()
		err := Save(dir, step, func(d string) error { return os.WriteFile(filepath.Join(d, "f"), []byte("text"), 0o666) })
		if err != nil {
			t.Fatal(err)
		}
	}
	save(1)
	save(2)
	save(3)
	for _, err := range []error{
		os.WriteFile(filepath.Join(dir, "checkpoint-3", "f"), []byte("tEXT"), 0o666),
		os.CopyFS(filepath.Join(dir, "checkpoint-2.replaced-7-0123456789ab"), os.DirFS(filepath.Join(dir, "checkpoint-2"))),
		os.CopyFS(filepath.Join(dir, "checkpoint-3.replaced-7-0123456789ab"), os.DirFS(filepath.Join(dir, "checkpoint-3"))),
		os.CopyFS(filepath.Join(dir, "checkpoint-4.replaced-7-0123456789ab"), os.DirFS(filepath.Join(dir, "checkpoint-1"))),
		os.CopyFS(filepath.Join(dir, "checkpoint-5.tmp-7-0123456789ab"), os.DirFS(filepath.Join(dir, "checkpoint-1"))),
		os.WriteFile(filepath.Join(dir, ".run.json.tmp-7-0123456789ab"), nil, 0o666),
		os.WriteFile(filepath.Join(dir, ".run.json.tmp-7-mine"), nil, 0o666),
		os.WriteFile(filepath.Join(dir, "run.json.tmp-7-0123456789ab"), nil, 0o666),
		os.Mkdir(filepath.Join(dir, ".x.tmp-7-0123456789ab"), 0o777),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := Sweep(dir); err != nil {
			t.Fatal(err)
		}
		left, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, e := range left {
			names = append(names, e.Name())
		}
		want := []string{".run.json.tmp-7-mine", ".x.tmp-7-0123456789ab", "checkpoint-1", "checkpoint-2", "checkpoint-3",
			// Of a step that is damaged, or not there: Latest may want them.
			"checkpoint-3.replaced-7-0123456789ab", "checkpoint-4.replaced-7-0123456789ab", "run.json.tmp-7-0123456789ab"}
		if !slices.Equal(names, want) {
			t.Errorf("left are %q, want %q", names, want)
		}
	}
	if err := Sweep(filepath.Join(dir, "none")); err != nil {
		t.Error(err)
	}
}

// A save that was killed after the old checkpoint stepped aside, and before the
// new one had its name, is made up for by the next save of the step.
func TestReplacedGoes(t *testing.T) {
	dir := t.TempDir()
	write := func(d string) error { return os.WriteFile(filepath.Join(d, "f"), []byte("text"), 0o666) }
	if err := Save(dir, 6, write); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "checkpoint-6"), filepath.Join(dir, "checkpoint-6.replaced-7-0123456789ab")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "checkpoint-6.replaced-mine"), 0o777); err != nil {
		t.Fatal(err)
	}
	if _, step, _, err := Latest(dir); err != nil || step != 6 {
		t.Fatalf("step %d, %v", step, err)
	}
	if err := Save(dir, 6, write); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 2 || left[0].Name() != "checkpoint-6" || left[1].Name() != "checkpoint-6.replaced-mine" {
		t.Errorf("left are %v, %v", left, err)
	}
}
