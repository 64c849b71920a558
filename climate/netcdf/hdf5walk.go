package netcdf

import (
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// hdf5Walk goes through the links and the headers of the datasets of an HDF5
// file before the C library does, as "HDF5 File Format Specification Version
// 3.0" has them. It refuses what leads out of the file, what leads in circles,
// and what would run code that nobody needs. Attributes, types and the indices
// of chunks are not looked at.
type hdf5Walk struct {
	hdf5Reader
	visited map[int64]bool
	within  []int64 // the groups around
	kinds   map[string]byte
	soft    []softLink
	// filtered says of variables by path that their values are filtered in a way
	// that is not read.
	filtered map[string]string
	said     map[int64]string // the same, by the address of the dataset
	groups   []int64
}

type softLink struct{ path, to string }

const (
	mostObjects = 100_000
	isGroup     = 'g'
	isDataset   = 'd'
)

const nccopy = "; where the file is to be trusted, h5repack or nccopy makes one that stands alone"

// walkHDF5 looks through a file. It returns the filtered variables.
func walkHDF5(r io.ReaderAt, size, at int64) (map[string]string, error) {
	w := &hdf5Walk{hdf5Reader: hdf5Reader{r: r, size: size, base: at}, visited: map[int64]bool{}, kinds: map[string]byte{},
		filtered: map[string]string{}, said: map[int64]string{}}
	root, err := w.superblock()
	if err == nil {
		err = w.object(root, "")
	}
	if err != nil {
		return nil, err
	}
	for _, l := range w.soft {
		to := l.to
		if !strings.HasPrefix(to, "/") {
			to = path.Dir("/"+l.path) + "/" + to
		}
		if w.kinds[strings.TrimPrefix(path.Clean(to), "/")] != isDataset {
			return nil, fmt.Errorf("link %s leads to %.200q, which is no variable of the file%s", l.path, l.to, nccopy)
		}
	}
	return w.filtered, nil
}

// superblock is where the root group is.
func (w *hdf5Walk) superblock() (int64, error) {
	b, err := w.bytes(0, min(160, w.size-w.base))
	if err != nil {
		return 0, err
	}
	c := cursor{b: b}
	c.skip(8)
	version := c.byte()
	switch version {
	case 0, 1:
		c.skip(4)
		w.offsets, w.lengths = int(c.byte()), int(c.byte())
		c.skip(9)
		if version == 1 {
			c.skip(4)
		}
		c.skip(4 * w.offsets)
		c.skip(w.offsets) // of the name of the root
	case 2, 3:
		w.offsets, w.lengths = int(c.byte()), int(c.byte())
		c.skip(1)
		c.skip(3 * w.offsets)
	default:
		return 0, fmt.Errorf("superblock of version %d is not known", version)
	}
	for _, n := range []int{w.offsets, w.lengths} {
		if n != 4 && n != 8 {
			return 0, fmt.Errorf("superblock has addresses of %d bytes; wanted 4 or 8", n)
		}
	}
	root := w.address(&c)
	if c.short || root < 0 {
		return 0, w.broken("superblock", 0)
	}
	return root, nil
}

// object looks at a group, a dataset or a type, and at what is in it.
func (w *hdf5Walk) object(at int64, name string) error {
	for _, g := range w.within {
		if g == at {
			return fmt.Errorf("link %s leads back to a group around it; no reader would come to an end", name)
		}
	}
	if w.visited[at] {
		if w.kinds[name] = isDataset; slices.Contains(w.groups, at) {
			return fmt.Errorf("group %s is linked twice%s", name, nccopy)
		}
		w.filter(name, w.said[at])
		return nil
	}
	if w.visited[at] = true; len(w.visited) > mostObjects {
		return fmt.Errorf("more than %d groups and variables", mostObjects)
	}
	messages, err := w.messages(at)
	if err != nil {
		return err
	}
	group := false
	for _, m := range messages {
		switch m.kind {
		case messageLinkInfo, messageLink, messageSymbolTable:
			group = true
		case messageLayout:
			w.kinds[name] = isDataset
		}
	}
	if !group {
		w.said[at], err = w.dataset(messages, name)
		w.filter(name, w.said[at])
		return err
	}
	w.kinds[name] = isGroup
	w.groups = append(w.groups, at)
	if w.within = append(w.within, at); len(w.within) > maxDepth+1 {
		return fmt.Errorf("groups are nested more than %d deep", maxDepth)
	}
	err = w.group(messages, name)
	w.within = w.within[:len(w.within)-1]
	return err
}

func (w *hdf5Walk) filter(name, said string) {
	if said == "" {
		return
	}
	i := strings.LastIndexByte(name, '/') + 1
	// So the library names a variable that is called as a dimension is.
	w.filtered[name[:i]+strings.TrimPrefix(name[i:], "_nc4_non_coord_")] = said
}

// dataset says what is wrong with the filters of a dataset, "" if nothing is.
func (w *hdf5Walk) dataset(messages []message, name string) (said string, err error) {
	for _, m := range messages {
		c := cursor{b: m.body}
		switch m.kind {
		case messageExternal:
			return "", fmt.Errorf("variable %s has its values in another file%s", name, nccopy)
		case messageLayout:
			version, class := c.byte(), c.byte()
			if version < 3 {
				class = c.byte()
			}
			if class == 3 {
				return "", fmt.Errorf("variable %s is put together from other variables or files (a virtual dataset)%s", name, nccopy)
			}
		case messageFilters:
			if said, err = w.filters(m); err != nil {
				return "", fmt.Errorf("variable %s: %w", name, err)
			}
		}
	}
	return said, nil
}

// knownFilters are those whose code is in wide use on files of all sorts.
var knownFilters = map[int]string{1: "deflate", 2: "shuffle", 3: "fletcher32", 4: "szip"}

var otherFilters = map[int]string{5: "n-bit", 6: "scale-offset", 307: "bzip2", 32000: "LZF", 32001: "Blosc", 32004: "LZ4", 32008: "bitshuffle", 32013: "ZFP",
	32015: "Zstandard", 32017: "SZ", 32022: "BitGroom", 32023: "Granular BitRound", 32026: "Blosc2"}

// filters says which of a list is not read.
func (w *hdf5Walk) filters(m message) (string, error) {
	if m.shared {
		return "values cannot be read: how they are filtered is kept elsewhere in the file; rewrite the file with nccopy", nil
	}
	c := cursor{b: m.body}
	version, n := c.byte(), int(c.byte())
	if version != 1 && version != 2 || n > 32 {
		return "", errors.New("has a list of filters that is none")
	}
	if version == 1 {
		c.skip(6)
	}
	for range n {
		id, name := int(c.number(2)), 0
		if version == 1 || id >= 256 {
			name = int(c.number(2))
		}
		c.skip(2)
		values := int(c.number(2))
		if version == 1 {
			name = (name + 7) &^ 7
			values += values & 1
		}
		c.skip(name + 4*values)
		if c.short {
			return "", errors.New("has a list of filters that ends early")
		}
		if _, ok := knownFilters[id]; !ok {
			filter := fmt.Sprintf("filter %d", id)
			if s, ok := otherFilters[id]; ok {
				filter = fmt.Sprintf("the %s filter (%d)", s, id)
			}
			return "values cannot be read: they are stored with " + filter + ", and only deflate, shuffle, fletcher32 and szip are; rewrite the file with h5repack -f GZIP=4", nil
		}
	}
	return "", nil
}

// group goes through the links of a group.
func (w *hdf5Walk) group(messages []message, name string) error {
	for _, m := range messages {
		var err error
		c := cursor{b: m.body}
		switch m.kind {
		case messageLink:
			err = w.link(m.body, name)
		case messageLinkInfo:
			c.skip(1)
			if c.byte()&1 != 0 {
				c.skip(8)
			}
			heap, index := w.address(&c), w.address(&c)
			if c.short {
				return w.broken("links of a group", 0)
			}
			if heap >= 0 && index >= 0 {
				err = w.dense(heap, index, func(link []byte) error { return w.link(link, name) })
			}
		case messageSymbolTable:
			tree, heap := w.address(&c), w.address(&c)
			if c.short {
				return w.broken("links of a group", 0)
			}
			err = w.symbols(tree, heap, name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

const (
	linkHard     = 0
	linkSoft     = 1
	linkExternal = 64
)

// link is one of the newer groups.
func (w *hdf5Walk) link(b []byte, group string) error {
	c := cursor{b: b}
	version, flags, kind := c.byte(), c.byte(), byte(linkHard)
	if flags&8 != 0 {
		kind = c.byte()
	}
	if flags&4 != 0 {
		c.skip(8)
	}
	if flags&16 != 0 {
		c.skip(1)
	}
	name := string(c.take(int(c.number(1 << (flags & 3)))))
	if c.short || version != 1 || name == "" || len(name) > mostName {
		return w.broken("link of a group", 0)
	}
	name = join(group, name)
	switch kind {
	case linkHard:
		at := w.address(&c)
		if c.short || at < 0 {
			return w.broken("link "+name, 0)
		}
		return w.object(at, name)
	case linkSoft:
		to := string(c.take(int(c.number(2))))
		if c.short {
			return w.broken("link "+name, 0)
		}
		w.soft = append(w.soft, softLink{name, to})
		return nil
	}
	return fmt.Errorf("link %s leads to another file%s", name, nccopy)
}

// symbols are the links of older groups: a tree of nodes, and a heap of names.
func (w *hdf5Walk) symbols(tree, heap int64, group string) error {
	b, err := w.bytes(heap, int64(8+2*w.lengths+w.offsets))
	if err != nil {
		return err
	}
	c := cursor{b: b}
	if string(c.take(4)) != "HEAP" {
		return w.broken("heap of names", heap)
	}
	c.skip(4)
	size := w.length(&c)
	c.skip(w.lengths)
	names, err := w.bytes(w.address(&c), size)
	if err != nil {
		return err
	}
	text := func(at int64) (string, bool) {
		if at < 0 || at >= int64(len(names)) {
			return "", false
		}
		s, _, ended := strings.Cut(string(names[at:min(int64(len(names)), at+4096)]), "\x00")
		return s, ended
	}
	return w.nodes(tree, 16, func(c *cursor) error {
		offset, at, kind := w.length(c), w.address(c), c.number(4)
		c.skip(4)
		value := int64(c.number(4))
		c.skip(12)
		name, ok := text(offset)
		if c.short || !ok || name == "" || len(name) > mostName {
			return w.broken("symbol of a group", tree)
		}
		name = join(group, name)
		if kind == 2 {
			to, ok := text(value)
			if !ok {
				return w.broken("link "+name, tree)
			}
			w.soft = append(w.soft, softLink{name, to})
			return nil
		}
		if at < 0 {
			return w.broken("link "+name, tree)
		}
		return w.object(at, name)
	})
}

// nodes goes through a tree of version 1 that holds symbols.
func (w *hdf5Walk) nodes(at int64, depth int, each func(*cursor) error) error {
	head := int64(8 + 2*w.offsets)
	b, err := w.bytes(at, head)
	if err != nil {
		return err
	}
	if string(b[:4]) == "SNOD" {
		c := cursor{b: b[6:]}
		n := int64(c.number(2))
		b, err := w.bytes(at+8, n*int64(2*w.offsets+24))
		if err != nil {
			return err
		}
		c = cursor{b: b}
		for range n {
			if err := each(&c); err != nil {
				return err
			}
		}
		return nil
	}
	if string(b[:4]) != "TREE" || b[4] != 0 || depth == 0 {
		return w.broken("tree of a group", at)
	}
	c := cursor{b: b[6:]}
	n := int64(c.number(2))
	if b, err = w.bytes(at+head, n*int64(w.lengths+w.offsets)); err != nil {
		return err
	}
	c = cursor{b: b}
	for range n {
		c.skip(w.lengths)
		if err := w.nodes(w.address(&c), depth-1, each); err != nil {
			return err
		}
	}
	return nil
}
