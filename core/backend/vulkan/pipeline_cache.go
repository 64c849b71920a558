package vulkan

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/kiban-models/kiban/core/backend/vulkan/internal/vkshim"
)

// cacheKey says whose compiled shaders a cache holds.
type cacheKey struct {
	vendor, device, driver uint32
	uuid                   [16]byte // pipelineCacheUUID
}

// stem begins the names of the key's files.
func (k cacheKey) stem() string {
	return fmt.Sprintf("%08x-%08x-%08x-%x", k.vendor, k.device, k.driver, k.uuid)
}

// A file is this line, the SHA-256 of the rest, and what the driver gave.
// Drivers trust what they are given, so what was not written whole is not given
// to them.
const (
	cacheMagic = "kiban pipelines 1\n"
	cacheStart = len(cacheMagic) + sha256.Size
	// cacheMost is the largest file that is read: the shaders of all versions
	// gather in it, and when they have become this many it begins anew.
	cacheMost = 64 << 20
)

// pipelineCache is a VkPipelineCache and its file.
type pipelineCache struct {
	object uint64
	key    cacheKey
	path   string            // "" where none is kept
	sum    [sha256.Size]byte // of what was read
	read   int               // bytes
	made   int               // pipelines so far
	took   time.Duration     // to make them
	err    error             // why nothing was read or kept, if that is worth saying
}

func (c *pipelineCache) open(dev *vkshim.Device, dir string, key cacheKey) (err error) {
	var data []byte
	c.key = key
	if dir != "" {
		c.path = filepath.Join(dir, key.stem()+".pipelines")
		if data, c.err = readCache(c.path, key); data != nil {
			c.sum, c.read = sha256.Sum256(data), len(data)
		}
	}
	if c.object, err = dev.NewPipelineCache(data); err != nil && data != nil { // the driver may refuse it
		c.err, c.read = err, 0
		c.object, err = dev.NewPipelineCache(nil)
	}
	return err
}

// readCache returns what the driver gave once, or nil. No file is no error.
func readCache(path string, key cacheKey) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	all, err := io.ReadAll(io.LimitReader(f, cacheMost+1))
	if err != nil {
		return nil, err
	}
	if len(all) > cacheMost {
		return nil, fmt.Errorf("%s: has more than %s; it begins anew", path, mebi(cacheMost))
	}
	if len(all) < cacheStart || string(all[:len(cacheMagic)]) != cacheMagic {
		return nil, fmt.Errorf("%s: is no file of compiled shaders", path)
	}
	data := all[cacheStart:]
	if sum := sha256.Sum256(data); !bytes.Equal(sum[:], all[len(cacheMagic):cacheStart]) {
		return nil, fmt.Errorf("%s: is damaged", path)
	}
	if !key.owns(data) {
		return nil, fmt.Errorf("%s: is of another device or driver", path)
	}
	return data, nil
}

// owns reads the header that Vulkan prescribes (VkPipelineCacheHeaderVersionOne).
func (k cacheKey) owns(data []byte) bool {
	if len(data) < 32 {
		return false
	}
	word := func(i int) uint32 { return binary.LittleEndian.Uint32(data[4*i:]) }
	return word(0) >= 32 && word(1) == 1 && word(2) == k.vendor && word(3) == k.device && bytes.Equal(data[16:32], k.uuid[:])
}

// close keeps what was compiled, and frees the cache.
func (c *pipelineCache) close(dev *vkshim.Device) {
	if c.object == 0 {
		return
	}
	if c.path != "" && c.made > 0 {
		if err := c.keep(dev); err != nil {
			c.err = err
		}
	}
	dev.FreePipelineCache(c.object)
	c.object = 0
}

func (c *pipelineCache) keep(dev *vkshim.Device) error {
	data, err := dev.PipelineCacheData(c.object)
	if err != nil {
		return err
	}
	if !c.key.owns(data) { // as lavapipe of Mesa 26 has it
		return errors.New("the driver gives nothing to keep")
	}
	sum := sha256.Sum256(data)
	if sum == c.sum || len(data) > cacheMost-cacheStart {
		return nil
	}
	return replace(c.path, seal(data))
}

// replace writes a file of the cache whole, and its folder if need be. What a crash
// leaves half written its reader finds out.
func replace(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".tmp-*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

// seal returns the file of what a driver gave.
func seal(data []byte) []byte {
	sum := sha256.Sum256(data)
	return slices.Concat([]byte(cacheMagic), sum[:], data)
}

// String says what compiling took.
func (c *pipelineCache) String() string {
	s := fmt.Sprintf("%d shaders were made ready in %v, with %s kept from earlier", c.made, c.took.Round(time.Millisecond), mebi(int64(c.read)))
	if c.err != nil {
		s += "; not kept: " + c.err.Error()
	}
	return s
}
