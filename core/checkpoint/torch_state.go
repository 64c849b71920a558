package checkpoint

import (
	"fmt"
	"strconv"

	"github.com/kiban-models/kiban/core/checkpoint/internal/pickle"
	"github.com/kiban-models/kiban/core/tensor"
)

var torchStorages = map[pickle.Global]tensor.DType{
	"torch.DoubleStorage":          tensor.F64,
	"torch.FloatStorage":           tensor.F32,
	"torch.HalfStorage":            tensor.F16,
	"torch.BFloat16Storage":        tensor.BF16,
	"torch.LongStorage":            tensor.I64,
	"torch.IntStorage":             tensor.I32,
	"torch.ShortStorage":           tensor.I16,
	"torch.CharStorage":            tensor.I8,
	"torch.ByteStorage":            tensor.U8,
	"torch.BoolStorage":            tensor.Bool,
	"torch.storage.UntypedStorage": tensor.U8,
}

// stateDict is what the pickle of a file says: tensors by name, and the
// storages they lie in, which are not yet found in the file.
type stateDict struct {
	tensors  map[string]*torchTensor
	storages map[string]*torchStorage
}

// place is where a value lies within the dictionaries. Names are spelled out
// for tensors only.
type place struct {
	up     *place
	key    pickle.Value // string or int64
	length int          // of the name
}

func (p *place) below(key pickle.Value) *place {
	n := 20 // digits of a number
	if s, ok := key.(string); ok {
		n = len(s)
	}
	return &place{p, key, p.length + n + 1}
}

func (p *place) name() string {
	var b []byte
	var up []*place
	for ; p.up != nil; p = p.up {
		up = append(up, p)
	}
	for i := len(up) - 1; i >= 0; i-- {
		switch k := up[i].key.(type) {
		case string:
			b = append(b, k...)
		case int64:
			b = strconv.AppendInt(b, k, 10)
		}
		if i > 0 {
			b = append(b, '.')
		}
	}
	return string(b)
}

// readState finds the tensors in what a pickle of size bytes holds: a
// dictionary, of tensors or of further dictionaries and lists, whose names are
// joined with dots. Numbers, texts and other things that are no weights are
// passed over.
func readState(v pickle.Value, size int64) (*stateDict, error) {
	if _, ok := v.(*pickle.Dict); !ok {
		return nil, torchErrorf("the file holds no dictionary of tensors; save model.state_dict()")
	}
	s := &stateDict{map[string]*torchTensor{}, map[string]*torchStorage{}}
	type item struct {
		at *place
		v  pickle.Value
	}
	stack := []item{{&place{}, v}}
	names, visits := int64(0), int64(0)
	for len(stack) > 0 {
		it := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		var keys, values []pickle.Value
		switch x := it.v.(type) {
		case *pickle.Dict:
			keys, values = x.Keys, x.Values
		case *pickle.List:
			values = x.Items
		case *pickle.Tuple:
			values = x.Items
		case *pickle.Persistent:
			return nil, torchErrorf("%q is a bare storage; save tensors", it.at.name())
		case *pickle.Call:
			if x.Func == "torch.Size" || x.Func == "torch.device" {
				continue
			}
			name := it.at.name()
			if names += int64(len(name)); names > 1<<20+64*size || len(s.tensors) == maxTensors {
				return nil, torchErrorf("too many tensors")
			}
			if err := s.add(name, x); err != nil {
				return nil, torchErrorf("tensor %q: %v", name, err)
			}
			continue
		}
		// One dictionary may lie in many others, and those in many more.
		if visits += int64(len(values)); visits > 1<<16+4*size {
			return nil, torchErrorf("the same dictionaries are used over and over")
		}
		for i, v := range values {
			switch v.(type) {
			case *pickle.Dict, *pickle.List, *pickle.Tuple, *pickle.Persistent, *pickle.Call:
			default:
				continue
			}
			key := pickle.Value(int64(i))
			if keys != nil {
				key = keys[i]
			}
			p := it.at.below(key)
			if p.length > maxName {
				return nil, torchErrorf("a name is longer than %d bytes", maxName)
			}
			stack = append(stack, item{p, v})
		}
	}
	if len(s.tensors) == 0 {
		return nil, torchErrorf("the file holds no tensors; save model.state_dict()")
	}
	return s, nil
}

// add reads the call that would make a tensor.
func (s *stateDict) add(name string, c *pickle.Call) error {
	if err := checkName(name); err != nil {
		return err
	}
	if _, twice := s.tensors[name]; twice {
		return fmt.Errorf("two tensors have this name")
	}
	for c.Func != "torch._utils._rebuild_tensor_v2" {
		data, ok := parameterData(c)
		if !ok {
			return fmt.Errorf("%s is called with odd arguments", c.Func)
		}
		c = data
	}
	if n := len(c.Args); n != 6 && n != 7 || n == 7 && !isEmpty(c.Args[6]) {
		return fmt.Errorf("%s is called with odd arguments", c.Func)
	}
	id, isStorage := c.Args[0].(*pickle.Persistent)
	first, isInt := c.Args[1].(int64)
	shape, isShape := ints(c.Args[2])
	strides, isStrides := ints(c.Args[3])
	_, isBool := c.Args[4].(bool)
	if !isStorage || !isInt || !isShape || !isStrides || !isBool || !isEmpty(c.Args[5]) {
		return fmt.Errorf("%s is called with odd arguments; hooks and metadata are not read", c.Func)
	}
	storage, base, numel, err := s.storage(id.ID.Items)
	if err != nil {
		return err
	}
	if err := checkView(shape, strides, first, numel); err != nil {
		return err
	}
	s.tensors[name] = &torchTensor{shape, strides, base + first, storage}
	return nil
}

// parameterData returns the tensor that a call makes a parameter of.
func parameterData(c *pickle.Call) (*pickle.Call, bool) {
	n := len(c.Args)
	switch c.Func {
	case "torch._utils._rebuild_parameter": // data, requires_grad, hooks
		if n != 3 || !isEmpty(c.Args[2]) {
			return nil, false
		}
	case "torch.nn.parameter.Parameter": // data, requires_grad
		if n != 1 && n != 2 {
			return nil, false
		}
	default:
		return nil, false
	}
	if n > 1 {
		if _, ok := c.Args[1].(bool); !ok {
			return nil, false
		}
	}
	data, ok := c.Args[0].(*pickle.Call)
	return data, ok
}

// storage returns the storage of a reference ("storage", type, key, location,
// elements) and the part of it that the reference means. The older form has a
// sixth item: None, or (key, first element, elements) of a part.
func (s *stateDict) storage(id []pickle.Value) (_ *torchStorage, base, numel int64, err error) {
	bad := fmt.Errorf("the reference to its storage is malformed")
	if len(id) != 5 && len(id) != 6 {
		return nil, 0, 0, bad
	}
	kind, _ := id[0].(string)
	class, _ := id[1].(pickle.Global)
	key, isKey := id[2].(string)
	_, isLocation := id[3].(string)
	numel, isNumel := id[4].(int64)
	dt, known := torchStorages[class]
	if kind != "storage" || !known || !isKey || key == "" || !isLocation || !isNumel {
		return nil, 0, 0, bad
	}
	if numel < 0 || numel > maxDim {
		return nil, 0, 0, fmt.Errorf("a storage of %d elements cannot be", numel)
	}
	st := s.storages[key]
	if st == nil {
		st = &torchStorage{key: key, dtype: dt, numel: numel, at: -1}
		s.storages[key] = st
	}
	if st.dtype != dt || st.numel != numel {
		return nil, 0, 0, fmt.Errorf("storage %q is %d elements of %v here and %d of %v elsewhere", key, numel, dt, st.numel, st.dtype)
	}
	if len(id) == 6 && id[5] != nil {
		part, ok := ints(id[5])
		if !ok || len(part) != 2 || part[0] < 0 || part[1] < 0 || int64(part[0]) > numel || int64(part[1]) > numel-int64(part[0]) {
			return nil, 0, 0, bad
		}
		return st, int64(part[0]), int64(part[1]), nil
	}
	return st, 0, numel, nil
}

// ints reads a tuple or torch.Size of whole numbers. In the view of a storage
// a key comes before them, which is not needed.
func ints(v pickle.Value) ([]int, bool) {
	if c, ok := v.(*pickle.Call); ok && c.Func == "torch.Size" && len(c.Args) == 1 {
		v = c.Args[0]
	}
	t, ok := v.(*pickle.Tuple)
	if !ok {
		return nil, false
	}
	items := t.Items
	if len(items) == 3 {
		if _, ok := items[0].(string); ok {
			items = items[1:]
		}
	}
	out := make([]int, len(items))
	for i, item := range items {
		n, ok := item.(int64)
		if !ok {
			return nil, false
		}
		out[i] = int(n)
	}
	return out, true
}

// isEmpty tells whether hooks or metadata are none.
func isEmpty(v pickle.Value) bool {
	d, ok := v.(*pickle.Dict)
	return v == nil || ok && len(d.Keys) == 0 && d.State == nil
}
