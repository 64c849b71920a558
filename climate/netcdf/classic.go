package netcdf

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

// classicHeader reads the header of a classic file: CDF-1, -2 or -5, as the
// appendix "File Format Specifications" of the NetCDF User's Guide has them. It
// believes nothing that the size of the file does not bear out.
type classicHeader struct {
	r       *bufio.Reader
	at      int // bytes read
	version byte
	err     error

	records    int
	dimensions []Dimension
	record     int // the record dimension, -1 if there is none
	attributes []Attribute
	variables  []Variable
	places     []classicPlace
}

// classicPlace is where the values of a variable are.
type classicPlace struct {
	begin    int
	size     int // bytes of a value
	onRecord bool
	bytes    int // of all values, or of those of one record
}

var (
	errHeader    = errors.New("header is not as NetCDF has it")
	errHeaderEnd = errors.New("is truncated: it ends within its header")
)

// classicTypes are the types by their numbers.
var classicTypes = [...]string{"", "byte", "char", "short", "int", "float", "double", "ubyte", "ushort", "uint", "int64", "uint64"}

const (
	mostName     = 1024 // bytes; the library writes no more than 256
	streaming    = 1<<32 - 1
	tagDimension = 10
	tagVariable  = 11
	tagAttribute = 12
)

// readClassic reads the header of a file of size bytes.
func readClassic(r io.Reader, size int) (*classicHeader, error) {
	h := &classicHeader{r: bufio.NewReader(r), record: -1}
	magic := make([]byte, 4)
	h.bytes(magic)
	h.version = magic[3]
	h.records = h.count()
	h.list(tagDimension, maxDimensions, h.dimension)
	h.attributes = h.attributeList()
	h.list(tagVariable, maxVariables, h.variable)
	if h.err != nil {
		return nil, h.err
	}
	for i, p := range h.places {
		if p.bytes > 0 && p.begin < h.at && (!p.onRecord || h.records != 0) {
			return nil, fmt.Errorf("variable %s begins at byte %d, within the header of %d", h.variables[i].Name, p.begin, h.at)
		}
	}
	return h, h.countRecords(size)
}

// countRecords finds the number of records where the writer left it open, and
// tells every variable.
func (h *classicHeader) countRecords(size int) error {
	if h.version != 5 && h.records == streaming || h.records < 0 {
		h.records = 0
		if begin, n := h.firstRecord(), h.recordBytes(); n > 0 && size > begin {
			h.records = (size - begin) / n
		}
	}
	if h.records > 1<<40 {
		return fmt.Errorf("%d records cannot be", h.records)
	}
	if h.record < 0 {
		return nil
	}
	h.dimensions[h.record].Size = h.records
	for i, p := range h.places {
		if p.onRecord {
			h.variables[i].Shape[0] = h.records
		}
	}
	return nil
}

func (h *classicHeader) firstRecord() int {
	begin := 1<<63 - 1
	for _, p := range h.places {
		if p.onRecord {
			begin = min(begin, p.begin)
		}
	}
	return begin
}

// recordBytes is the distance of records. A single variable on records is
// stored without padding.
func (h *classicHeader) recordBytes() int {
	n, total, last := 0, 0, 0
	for _, p := range h.places {
		if p.onRecord {
			n, last = n+1, p.bytes
			total = add(total, padded(p.bytes))
		}
	}
	if n == 1 {
		return last
	}
	return total
}

// end is the size that the file has at least.
func (h *classicHeader) end() int {
	end, record := h.at, h.recordBytes()
	for _, p := range h.places {
		switch {
		case p.bytes == 0:
		case !p.onRecord:
			end = max(end, add(p.begin, p.bytes))
		case h.records > 0:
			end = max(end, add(add(p.begin, product(record, []int{h.records - 1})), p.bytes))
		}
	}
	return end
}

func (h *classicHeader) dimension() {
	d := Dimension{Name: h.name(), Size: h.count()}
	if d.Size == 0 {
		if d.Unlimited = true; h.record >= 0 {
			h.fail(errors.New("header has two record dimensions"))
		}
		h.record = len(h.dimensions)
	}
	if d.Size < 0 {
		h.fail(errHeader)
	}
	h.dimensions = append(h.dimensions, d)
}

func (h *classicHeader) variable() {
	v := Variable{Name: h.name(), Dimensions: []string{}, Shape: []int{}}
	rank := h.count()
	if rank > maxRank || rank < 0 {
		h.fail(fmt.Errorf("variable of %d dimensions, more than %d", rank, maxRank))
		return
	}
	p := classicPlace{}
	var fixed []int
	for i := range rank {
		id := h.count()
		if h.err != nil || id < 0 || id >= len(h.dimensions) || id == h.record && i > 0 {
			h.fail(errHeader)
			return
		}
		d := h.dimensions[id]
		v.Dimensions, v.Shape = append(v.Dimensions, d.Name), append(v.Shape, d.Size)
		if id == h.record {
			p.onRecord = true
			continue
		}
		fixed = append(fixed, d.Size)
	}
	v.Attributes = h.attributeList()
	v.Type = h.kind()
	h.count() // the size in bytes, which does not hold for large variables
	if h.version == 1 {
		p.begin = int(h.word())
	} else {
		p.begin = h.long()
	}
	p.size = typeBytes[v.Type]
	if p.bytes = product(p.size, fixed); p.begin < 0 {
		h.fail(errHeader)
	}
	h.variables, h.places = append(h.variables, v), append(h.places, p)
}

func (h *classicHeader) attributeList() []Attribute {
	out := []Attribute{}
	h.list(tagAttribute, maxAttributes, func() {
		a := Attribute{Name: h.name(), Type: h.kind()}
		n := h.count()
		size := product(typeBytes[a.Type], []int{n})
		switch {
		case n < 0 || size > maxAttributeBytes*8:
			h.fail(errHeader)
		case size > maxAttributeBytes:
			a.Unsupported = errLongAttribute.Error()
			h.skip(padded(size))
		default:
			b := make([]byte, padded(size))
			h.bytes(b)
			a.Value = attributeValue(a.Type, b[:size], binary.BigEndian)
		}
		out = append(out, a)
	})
	return out
}

// attributeValue is the value of an attribute of text or numbers, none of
// which need to be there.
func attributeValue(kind string, b []byte, order binary.ByteOrder) any {
	switch {
	case kind == "char":
		return strings.TrimRight(string(b), "\x00")
	case len(b) == 0:
		return []float64{}
	}
	return decodeNumbers(kind, b, order)
}

// list calls each for every element of a list; a list that is not there has
// tag and count 0.
func (h *classicHeader) list(tag uint32, most int, each func()) {
	got, n := h.word(), h.count()
	switch {
	case h.err != nil:
	case got != tag && (got != 0 || n != 0):
		h.fail(errHeader)
	case n < 0 || n > most:
		h.fail(fmt.Errorf("header lists %d elements, more than %d", n, most))
	}
	for i := 0; i < n && h.err == nil; i++ {
		each()
	}
}

func (h *classicHeader) kind() string {
	t := h.word()
	if t == 0 || t >= uint32(len(classicTypes)) {
		h.fail(errHeader)
		return ""
	}
	return classicTypes[t]
}

func (h *classicHeader) name() string {
	n := h.count()
	if n < 0 || n > mostName {
		h.fail(errHeader)
		return ""
	}
	b := make([]byte, padded(n))
	h.bytes(b)
	// As the library has it, a name ends at a zero byte.
	name, _, _ := strings.Cut(string(b[:n]), "\x00")
	return name
}

func (h *classicHeader) fail(err error) {
	if h.err == nil {
		h.err = err
	}
}

func (h *classicHeader) bytes(b []byte) {
	if h.err != nil {
		return
	}
	n, err := io.ReadFull(h.r, b)
	h.read(n, err)
}

func (h *classicHeader) skip(n int) {
	if h.err != nil {
		return
	}
	n, err := h.r.Discard(n)
	h.read(n, err)
}

func (h *classicHeader) read(n int, err error) {
	if h.at += n; err == io.EOF || err == io.ErrUnexpectedEOF {
		err = errHeaderEnd
	}
	h.err = err
}

func (h *classicHeader) word() uint32 {
	var b [4]byte
	h.bytes(b[:])
	return binary.BigEndian.Uint32(b[:])
}

// long is negative for what does not fit.
func (h *classicHeader) long() int {
	var b [8]byte
	h.bytes(b[:])
	return int(binary.BigEndian.Uint64(b[:]))
}

func (h *classicHeader) count() int {
	if h.version == 5 {
		return h.long()
	}
	return int(h.word())
}

func padded(n int) int {
	if n > 1<<62 {
		return n
	}
	return (n + 3) &^ 3
}

// add is a sum that stops at the largest int.
func add(a, b int) int {
	if a > 1<<63-1-b {
		return 1<<63 - 1
	}
	return a + b
}
