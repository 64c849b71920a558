package vulkan

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/kiban-models/kiban/core/internal/strictjson"
	"github.com/kiban-models/kiban/vkshaders"
)

// tuned is what was found out about a choice.
type tuned struct {
	Way         string            `json:"way"`
	Rule        string            `json:"rule"` // the way of the rules
	Nanoseconds map[string]int64  `json:"ns"`   // by ways
	LeftOut     map[string]string `json:"left_out,omitempty"`
}

// tunedShader are the choices of a shader. Those of another version of it are
// forgotten.
type tunedShader struct {
	SPIRV   string           `json:"spirv"` // SHA-256
	Choices map[string]tuned `json:"choices"`
}

// tunedFile is what a file says.
type tunedFile struct {
	Version int                    `json:"version"`
	Device  string                 `json:"device"`
	Driver  string                 `json:"driver"`
	Shaders map[string]tunedShader `json:"shaders"`
}

const (
	tunedVersion = 1
	// tunedMost is the largest file that is read; a larger one begins anew.
	tunedMost = 8 << 20
)

// tuneTable is what measuring found out on a device, and its file. Processes that
// write it at once may lose something of one another's, which is measured again.
type tuneTable struct {
	tunedFile
	path string // "" where none is kept
	err  error  // why nothing was read or kept, if that is worth saying
}

func (t *tuneTable) open(dir string, f *features) {
	*t = tuneTable{tunedFile: tunedFile{tunedVersion, f.info.Name, f.info.Driver, map[string]tunedShader{}}}
	if dir == "" {
		return
	}
	t.path = filepath.Join(dir, f.cache.stem()+".ways.json")
	t.err = t.read()
}

// read adds what the file has of this version, device, driver and shaders, and the
// table has not. No file is no error.
func (t *tuneTable) read() error {
	f, err := os.Open(t.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, tunedMost+1))
	if err != nil {
		return err
	}
	if len(text) > tunedMost {
		return fmt.Errorf("%s: has more than %s; it begins anew", t.path, mebi(tunedMost))
	}
	was, err := parseTuned(text)
	if err != nil {
		return fmt.Errorf("%s: %w; it begins anew", t.path, err)
	}
	if was.Version != t.Version || was.Device != t.Device || was.Driver != t.Driver {
		return fmt.Errorf("%s: is of another version, device or driver; it begins anew", t.path)
	}
	for shader, s := range was.Shaders {
		if s.SPIRV != spirvSum(shader) {
			continue
		}
		for key, e := range s.Choices {
			if _, ok := t.get(shader, key); !ok {
				t.put(shader, key, e)
			}
		}
	}
	return nil
}

// spirvSum is the SHA-256 of a shader, or "" if there is none of the name.
func spirvSum(shader string) string {
	code, err := vkshaders.Code(shader)
	if err != nil {
		return ""
	}
	h := sha256.New()
	binary.Write(h, binary.LittleEndian, code)
	return fmt.Sprintf("%x", h.Sum(nil))
}

func (t *tuneTable) get(shader, key string) (tuned, bool) {
	e, ok := t.Shaders[shader].Choices[key]
	return e, ok
}

func (t *tuneTable) put(shader, key string, e tuned) {
	if _, ok := t.Shaders[shader]; !ok {
		t.Shaders[shader] = tunedShader{spirvSum(shader), map[string]tuned{}}
	}
	t.Shaders[shader].Choices[key] = e
}

// find returns what is known of a choice, if it is of a way that there still is and
// the rules are those that it was compared with.
func (t *tuneTable) find(c choice) (tuned, bool) {
	e, ok := t.get(c.shader, c.key)
	if ok && e.Rule == c.ways[0].name {
		for _, w := range c.ways {
			if w.name == e.Way {
				return e, true
			}
		}
	}
	return tuned{}, false
}

func (t *tuneTable) len() (n int) {
	for _, s := range t.Shaders {
		n += len(s.Choices)
	}
	return n
}

// save writes the file, with what another process has written since.
func (t *tuneTable) save() {
	if t.path != "" {
		t.read() // what cannot be read is replaced
		t.err = t.write()
	}
}

func (t *tuneTable) write() error {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetIndent("", " ")
	e.SetEscapeHTML(false)
	if err := e.Encode(t.tunedFile); err != nil {
		return err
	}
	return replace(t.path, text.Bytes())
}

// parseTuned reads a file that anybody may have written.
func parseTuned(text []byte) (f tunedFile, err error) {
	r := strictjson.NewReader(text)
	f.Shaders = map[string]tunedShader{}
	str := func(to *string) error {
		var err error
		*to, err = r.String()
		return err
	}
	choice := func(to *tuned) error {
		to.Nanoseconds, to.LeftOut = map[string]int64{}, map[string]string{}
		return r.Object(func(name string) error {
			switch name {
			case "way":
				return str(&to.Way)
			case "rule":
				return str(&to.Rule)
			case "ns":
				return r.Object(func(way string) error {
					n, err := r.Uint()
					to.Nanoseconds[way] = n
					return err
				})
			case "left_out":
				return r.Object(func(way string) error {
					why, err := r.String()
					to.LeftOut[way] = why
					return err
				})
			}
			return r.Errorf("unknown name %.80q", name)
		})
	}
	shader := func(to *tunedShader) error {
		to.Choices = map[string]tuned{}
		return r.Object(func(name string) error {
			switch name {
			case "spirv":
				return str(&to.SPIRV)
			case "choices":
				return r.Object(func(key string) error {
					var e tuned
					err := choice(&e)
					to.Choices[key] = e
					return err
				})
			}
			return r.Errorf("unknown name %.80q", name)
		})
	}
	err = r.Object(func(name string) error {
		switch name {
		case "version":
			n, err := r.Uint()
			f.Version = int(n)
			return err
		case "device":
			return str(&f.Device)
		case "driver":
			return str(&f.Driver)
		case "shaders":
			return r.Object(func(name string) error {
				var s tunedShader
				err := shader(&s)
				f.Shaders[name] = s
				return err
			})
		}
		return r.Errorf("unknown name %.80q", name)
	})
	if err == nil {
		err = r.End()
	}
	return f, err
}
