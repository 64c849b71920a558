//go:build cgo && !nonetcdf

package netcdf

import (
	"strings"

	clib "github.com/fhs/go-netcdf/netcdf"
)

func readAttribute(ds clib.Dataset, variable int, a clib.Attr) (Attribute, error) {
	out := Attribute{Name: a.Name()}
	t, err := a.Type()
	if err != nil {
		return out, err
	}
	n, err := a.Len()
	if err != nil {
		return out, err
	}
	if out.Type, err = typeName(ds, t); err != nil {
		return out, err
	}
	size := uint64(typeBytes[out.Type])
	if t == clib.STRING {
		size = 8
	}
	switch {
	case size == 0:
		out.Unsupported = "a value of type " + out.Type + " cannot be read"
		return out, nil
	case n > maxAttributeBytes/size:
		out.Unsupported = errLongAttribute.Error()
		return out, nil
	}
	if n == 0 { // go-netcdf takes the address of the first value
		out.Value = emptyValue(t)
		return out, nil
	}
	switch t {
	case clib.CHAR:
		var b []byte
		b, err = clib.GetBytes(a)
		out.Value = strings.TrimRight(string(b), "\x00")
	case clib.STRING:
		out.Value, err = stringAttribute(ds, variable, out.Name, int(n))
		if err == errLongAttribute {
			out.Value, out.Unsupported, err = nil, err.Error(), nil
		}
	case clib.BYTE:
		out.Value, err = clib.GetInt8s(a)
	case clib.UBYTE:
		out.Value, err = clib.GetUint8s(a)
	case clib.SHORT:
		out.Value, err = clib.GetInt16s(a)
	case clib.USHORT:
		out.Value, err = clib.GetUint16s(a)
	case clib.INT:
		out.Value, err = clib.GetInt32s(a)
	case clib.UINT:
		out.Value, err = clib.GetUint32s(a)
	case clib.INT64:
		out.Value, err = clib.GetInt64s(a)
	case clib.UINT64:
		out.Value, err = clib.GetUint64s(a)
	case clib.FLOAT:
		out.Value, err = clib.GetFloat32s(a)
	case clib.DOUBLE:
		out.Value, err = clib.GetFloat64s(a)
	}
	return out, err
}

func emptyValue(t clib.Type) any {
	switch t {
	case clib.CHAR:
		return ""
	case clib.STRING:
		return []string{}
	}
	return []float64{}
}
