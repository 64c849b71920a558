package hostile

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Prepare and Pretrain are the arguments that make the base of the attacks on
// runs, in a folder with in.fa.
var (
	Prepare  = prepare[:3:3]
	Pretrain = []string{"protein", "pretrain", "data", "-o", "run", "--layers", "1", "--width", "16", "--heads", "2",
		"--seq-len", "32", "--batch-size", "4", "--max-steps", "9", "--save-every", "3", "--device", "cpu", "-q"}
)

// Base makes the input of the base and says how to make the rest.
func Base(f Folder) ([][]string, error) {
	return [][]string{append(Prepare[:3:3], "-o", "data", "--vocab-size", "300", "-q"), Pretrain}, harmless(f)
}

// runCases are attacks on the checkpoints of a run and on prepared data. kiban
// has no file that names the newest checkpoint: the names of the directories
// do, so that what other tools do with such a file is done with those here.
func runCases(base Folder) []Case {
	same := func(f Folder) error { return os.CopyFS(string(f), os.DirFS(string(base))) }
	resume := append(Pretrain[:len(Pretrain)-1:len(Pretrain)-1], "--resume", "--progress", "none")
	var cases []Case
	// fallback spoils the newest checkpoint, or adds one that is newer.
	fallback := func(name, says string, change func(f Folder) error) {
		c := Case{Name: name, Args: resume, Accept: true, Twin: same, Files: []string{"run/model.safetensors", "run/checkpoint-9/optimizer.safetensors"},
			Make: func(f Folder) error {
				if err := same(f); err != nil {
					return err
				}
				return change(f)
			}}
		if says != "" {
			c.Says = []string{"falling back to the one before", says}
		}
		cases = append(cases, c)
	}
	refuse := func(name string, change func(f Folder) error, says ...string) {
		cases = append(cases, Case{Name: name, Args: append(resume[:len(resume):len(resume)], "-q"), Says: says, Make: func(f Folder) error {
			if err := same(f); err != nil {
				return err
			}
			return change(f)
		}})
	}
	const newest, manifest = "run/checkpoint-9/", "run/checkpoint-9/manifest.json"
	fallback("ck_dotdot", "leads out of the directory", replace(manifest, `"config.json"`, `"../config.json"`))
	fallback("ck_absolute", "leads out of the directory", replace(manifest, `"config.json"`, `"/etc/passwd"`))
	fallback("ck_hash", "is damaged", func(f Folder) error { return flip(f, newest+"model.safetensors") })
	fallback("ck_manifest_hash", "manifest.json", replace(manifest, `"sha256": "`, `"sha256": "0`))
	fallback("ck_no_file", "is missing", func(f Folder) error { return os.Remove(f.Path(newest + "optimizer.safetensors")) })
	fallback("ck_one_more", "is not in the manifest", func(f Folder) error { return f.Write(newest+"evil.bin", nil) })
	fallback("ck_version", "a newer Kiban wrote it", replace(manifest, `"format_version": 1`, `"format_version": 2`))
	fallback("ck_no_manifest", "manifest.json", func(f Folder) error { return os.Remove(f.Path(manifest)) })
	fallback("ck_deep", "manifest.json", func(f Folder) error { return f.Write(manifest, bytes.Repeat([]byte("["), 1_000_000)) })
	fallback("ck_empty", "checkpoint-12", func(f Folder) error { return os.Mkdir(f.Path("run/checkpoint-12"), 0o777) })
	fallback("ck_renamed", "its manifest is of step 3", func(f Folder) error { return os.Rename(f.Path("run/checkpoint-3"), f.Path("run/checkpoint-12")) })
	fallback("ck_link_inside", "want a regular file", func(f Folder) error {
		return errorsFirst(os.Rename(f.Path(newest+"config.json"), f.Path("config.json")), os.Symlink("../../config.json", f.Path(newest+"config.json")))
	})
	// A link is no checkpoint, nor is a step beyond all numbers.
	fallback("ck_link_out", "", func(f Folder) error {
		return errorsFirst(os.CopyFS(f.Path("elsewhere"), os.DirFS(f.Path("run/checkpoint-3"))), os.Symlink("../elsewhere", f.Path("run/checkpoint-12")))
	})
	fallback("ck_step_huge", "", func(f Folder) error { return os.Mkdir(f.Path("run/checkpoint-99999999999999999999"), 0o777) })
	refuse("ck_all", func(f Folder) error {
		for _, step := range []string{"3", "6", "9"} {
			if err := flip(f, "run/checkpoint-"+step+"/optimizer.safetensors"); err != nil {
				return err
			}
		}
		return nil
	}, "none of 3 checkpoints is good")
	// Whoever can write a checkpoint can write its checksums.
	state := newest + "trainer_state.json"
	refuse("ck_state_step", sealed(state, replace(state, `"global_step": 9`, `"global_step": 7`)), "trainer_state.json", "step")
	refuse("ck_state_negative", sealed(state, replace(state, `"global_step": 9`, `"global_step": -9`)), "trainer_state.json", "step")
	refuse("ck_state_deep", sealed(state, func(f Folder) error { return f.Write(state, bytes.Repeat([]byte("["), 1_000_000)) }), "trainer_state.json")
	refuse("ck_state_huge", sealed(state, replace(state, `"global_step": 9`, `"global_step": 1e400`)), "trainer_state.json")
	moments := newest + "optimizer.safetensors"
	refuse("ck_moments", sealed(moments, func(f Folder) error { return f.Write(moments, safetensors(weights())) }), "optimizer.safetensors")
	refuse("data_dotdot", replace("data/train/manifest.json", `"tokens-00000`, `"../../tokens-00000`), "manifest.json")
	refuse("data_cut", func(f Folder) error { return os.Truncate(f.Path("data/train/tokens-00000.bin"), 100) }, "tokens-00000.bin")
	refuse("data_ids", func(f Folder) error {
		name := f.Path("data/train/tokens-00000.bin")
		st, err := os.Stat(name)
		if err != nil {
			return err
		}
		return os.WriteFile(name, bytes.Repeat([]byte{0xff}, int(st.Size())), 0o666)
	}, "data")
	return cases
}

func errorsFirst(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// replace changes the first place in a file that has a text.
func replace(name, from, to string) func(f Folder) error {
	return func(f Folder) error {
		data, err := os.ReadFile(f.Path(name))
		if err != nil {
			return err
		}
		if !bytes.Contains(data, []byte(from)) {
			return fmt.Errorf("hostile: %s has no %q", name, from)
		}
		return os.WriteFile(f.Path(name), bytes.Replace(data, []byte(from), []byte(to), 1), 0o666)
	}
}

// flip turns one bit in the middle of a file.
func flip(f Folder, name string) error {
	data, err := os.ReadFile(f.Path(name))
	if err != nil {
		return err
	}
	data[len(data)/2] ^= 1
	return os.WriteFile(f.Path(name), data, 0o666)
}

// sealed makes a change to a file of a checkpoint and then its manifest right.
func sealed(name string, change func(f Folder) error) func(f Folder) error {
	return func(f Folder) error {
		if err := change(f); err != nil {
			return err
		}
		data, err := os.ReadFile(f.Path(name))
		if err != nil {
			return err
		}
		manifest := f.Path(filepath.ToSlash(filepath.Dir(name)) + "/manifest.json")
		old, err := os.ReadFile(manifest)
		if err != nil {
			return err
		}
		var m struct {
			Version int `json:"format_version"`
			Step    int `json:"step"`
			Files   []struct {
				Name string `json:"name"`
				Size int    `json:"size"`
				Sum  string `json:"sha256"`
			} `json:"files"`
		}
		if err := json.Unmarshal(old, &m); err != nil {
			return err
		}
		for i := range m.Files {
			if x := &m.Files[i]; strings.HasSuffix(name, "/"+x.Name) {
				sum := sha256.Sum256(data)
				x.Size, x.Sum = len(data), hex.EncodeToString(sum[:])
			}
		}
		out, err := json.Marshal(m)
		if err != nil {
			return err
		}
		return os.WriteFile(manifest, out, 0o666)
	}
}
