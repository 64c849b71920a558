package netcdf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// The process that reads a file for us answers in frames: a head, and as many
// bytes as it says. What reads them takes whoever sent them for an enemy.
//
//	0  "kbn"   3  kind   4  type of the values   8  length, 64 bits, little-endian
const frameHead = 16

type frameKind byte

const (
	frameContent frameKind = 'c' // what the file holds
	frameValues  frameKind = 'v' // of a hyperslab
	frameError   frameKind = 'e' // text; the process ends after it
)

const (
	mostContent   = 16 << 20
	mostErrorText = 4096
)

func appendFrameHead(b []byte, kind frameKind, of string, length int) []byte {
	b = append(b, 'k', 'b', 'n', byte(kind), typeNumber(of), 0, 0, 0)
	return binary.LittleEndian.AppendUint64(b, uint64(length))
}

// typeNumber is the number of a type in classic files, 0 for none.
func typeNumber(name string) byte {
	for i, s := range classicTypes {
		if s == name {
			return byte(i)
		}
	}
	return 0
}

var errWire = errors.New("the reading process sent what it should not")

// frameOf reads a head. A frame of values must be of that type and length.
func frameOf(head []byte, wanted frameKind, of string, length int) (kind frameKind, n int, err error) {
	if len(head) != frameHead || string(head[:3]) != "kbn" || string(head[5:8]) != "\x00\x00\x00" {
		return 0, 0, errWire
	}
	kind = frameKind(head[3])
	size := binary.LittleEndian.Uint64(head[8:])
	switch {
	case kind == frameError && size <= mostErrorText && head[4] == 0:
	case kind != wanted:
		return 0, 0, errWire
	case kind == frameContent && size <= mostContent && head[4] == 0:
	case kind == frameValues && size == uint64(length) && size <= maxReadBytes && head[4] == typeNumber(of) && head[4] != 0:
	default:
		return 0, 0, errWire
	}
	return kind, int(size), nil
}

// encodeContent writes what a file holds.
func encodeContent(c content) []byte {
	w := wireWriter{}
	w.text(c.format)
	w.group(&c.root)
	return w.b
}

type wireWriter struct{ b []byte }

func (w *wireWriter) number(n int) { w.b = binary.AppendUvarint(w.b, uint64(n)) }

func (w *wireWriter) text(s string) {
	w.number(len(s))
	w.b = append(w.b, s...)
}

func (w *wireWriter) group(g *Group) {
	w.text(g.Name)
	w.number(len(g.Dimensions))
	for _, d := range g.Dimensions {
		w.text(d.Name)
		w.number(d.Size)
		unlimited := 0
		if d.Unlimited {
			unlimited = 1
		}
		w.number(unlimited)
	}
	w.attributes(g.Attributes)
	w.number(len(g.Variables))
	for _, v := range g.Variables {
		w.text(v.Name)
		w.text(v.Type)
		w.text(v.Unsupported)
		w.number(len(v.Shape))
		for i, n := range v.Shape {
			w.text(v.Dimensions[i])
			w.number(n)
		}
		w.attributes(v.Attributes)
	}
	w.number(len(g.Groups))
	for i := range g.Groups {
		w.group(&g.Groups[i])
	}
}

func (w *wireWriter) attributes(all []Attribute) {
	w.number(len(all))
	for _, a := range all {
		w.text(a.Name)
		w.text(a.Type)
		w.text(a.Unsupported)
		switch v := a.Value.(type) {
		case nil:
			w.text("")
		case string:
			w.text("char")
			w.text(v)
		case []string:
			w.text("string")
			w.number(len(v))
			for _, s := range v {
				w.text(s)
			}
		default:
			w.text(typeOf(v))
			b, err := binary.Append(nil, binary.LittleEndian, v)
			if err != nil {
				panic(fmt.Sprintf("netcdf: an attribute has a value of type %T", v)) // none of ours has
			}
			w.text(string(b))
		}
	}
}

// typeOf names the type of a slice of numbers.
func typeOf(v any) string {
	switch v.(type) {
	case []int8:
		return "byte"
	case []uint8:
		return "ubyte"
	case []int16:
		return "short"
	case []uint16:
		return "ushort"
	case []int32:
		return "int"
	case []uint32:
		return "uint"
	case []int64:
		return "int64"
	case []uint64:
		return "uint64"
	case []float32:
		return "float"
	case []float64:
		return "double"
	}
	return ""
}

// decodeContent reads what encodeContent wrote, and refuses what no reader of
// ours could have written.
func decodeContent(b []byte) (content, error) {
	r := wireReader{b: b}
	c := content{format: r.text()}
	c.root = r.group("", 0)
	if len(r.b) > 0 {
		r.fail()
	}
	return c, r.err
}

type wireReader struct {
	b         []byte
	err       error
	variables int
}

func (r *wireReader) fail() {
	r.err, r.b = errWire, nil
}

// number is at most a limit.
func (r *wireReader) number(most int) int {
	x, n := binary.Uvarint(r.b)
	if n <= 0 || x > uint64(most) {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return int(x)
}

// count is a number of things that take some bytes each.
func (r *wireReader) count(most, bytes int) int {
	n := r.number(most)
	if n > len(r.b)/bytes {
		r.fail()
		return 0
	}
	return n
}

func (r *wireReader) text() string {
	n := r.count(mostContent, 1)
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}

func (r *wireReader) group(path string, depth int) Group {
	g := Group{Name: r.text(), Variables: []Variable{}}
	inside := path == "" && depth <= 1 || strings.HasPrefix(g.Name, path+"/")
	if depth > maxDepth || !inside || (g.Name == "") != (depth == 0) {
		r.fail()
		return g
	}
	g.Dimensions = make([]Dimension, r.count(maxDimensions, 3))
	for i := range g.Dimensions {
		g.Dimensions[i] = Dimension{r.text(), r.number(1 << 62), r.number(1) == 1}
	}
	g.Attributes = r.attributes()
	n := r.count(maxVariables, 6)
	if r.variables += n; r.variables > maxVariables {
		r.fail()
	}
	for i := 0; i < n && r.err == nil; i++ {
		g.Variables = append(g.Variables, r.variable())
	}
	n = r.count(maxVariables, 5)
	for i := 0; i < n && r.err == nil; i++ {
		g.Groups = append(g.Groups, r.group(g.Name, depth+1))
	}
	return g
}

func (r *wireReader) variable() Variable {
	v := Variable{Name: r.text(), Type: r.text(), Unsupported: r.text()}
	n := r.count(maxRank, 2)
	v.Dimensions, v.Shape = make([]string, n), make([]int, n)
	for i := range n {
		v.Dimensions[i], v.Shape[i] = r.text(), r.number(1<<62)
	}
	if typeBytes[v.Type] == 0 && v.Unsupported == "" {
		r.fail()
	}
	v.Attributes = r.attributes()
	return v
}

func (r *wireReader) attributes() []Attribute {
	out := make([]Attribute, r.count(maxAttributes, 4))
	for i := range out {
		out[i] = Attribute{Name: r.text(), Type: r.text(), Unsupported: r.text()}
		switch kind := r.text(); {
		case kind == "":
		case kind == "char":
			out[i].Value = r.text()
		case kind == "string":
			s := make([]string, r.count(maxAttributeBytes, 1))
			for k := range s {
				s[k] = r.text()
			}
			out[i].Value = s
		default:
			b := r.text()
			if size := typeBytes[kind]; size == 0 || len(b)%size != 0 {
				r.fail()
			} else {
				out[i].Value = decodeNumbers(kind, []byte(b), binary.LittleEndian)
			}
		}
	}
	return out
}
