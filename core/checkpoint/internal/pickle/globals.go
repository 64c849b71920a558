package pickle

// form says what may be done with a global besides naming it.
type form uint8

const (
	name form = iota // a type or class: never called
	function
	class // may be made by NEWOBJ too
)

// globals is the whole list. Everything else is refused by its name.
var globals = map[string]form{
	"collections.OrderedDict":         class,
	"torch.Size":                      class,
	"torch.nn.parameter.Parameter":    class,
	"torch.device":                    function,
	"torch._utils._rebuild_tensor_v2": function,
	"torch._utils._rebuild_parameter": function,
	"torch.storage.UntypedStorage":    name,
	"torch.DoubleStorage":             name,
	"torch.FloatStorage":              name,
	"torch.HalfStorage":               name,
	"torch.BFloat16Storage":           name,
	"torch.LongStorage":               name,
	"torch.IntStorage":                name,
	"torch.ShortStorage":              name,
	"torch.CharStorage":               name,
	"torch.ByteStorage":               name,
	"torch.BoolStorage":               name,
	"torch.float64":                   name,
	"torch.float32":                   name,
	"torch.float16":                   name,
	"torch.bfloat16":                  name,
	"torch.int64":                     name,
	"torch.int32":                     name,
	"torch.int16":                     name,
	"torch.int8":                      name,
	"torch.uint8":                     name,
	"torch.bool":                      name,
}

// call makes the node of fn(args). An OrderedDict becomes a Dict, for that is
// what later opcodes fill.
func (m *machine) call(fn, args Value, allowed form) (Value, error) {
	if err := m.hold(160); err != nil {
		return nil, err
	}
	g, ok := fn.(Global)
	if !ok {
		return nil, errorf("something that is no name is called")
	}
	tuple, ok := args.(*Tuple)
	if !ok {
		return nil, errorf("%s is called without a tuple of arguments", g)
	}
	if f := globals[string(g)]; f == name || allowed == class && f != class {
		return nil, errorf("%s is called, which weights have no need of", g)
	}
	if g != "collections.OrderedDict" {
		return &Call{node: node{depth: tuple.depth}, Func: g, Args: tuple.Items}, nil
	}
	d := &Dict{Ordered: true}
	switch len(tuple.Items) {
	case 0:
		return d, nil
	case 1: // Python 2 writes the items here, as a list of pairs
		pairs, ok := tuple.Items[0].(*List)
		if !ok {
			break
		}
		// One list can be given to many, so its length is no measure of the file's.
		if err := m.hold(128 * len(pairs.Items)); err != nil {
			return nil, err
		}
		for _, p := range pairs.Items {
			var pair []Value
			switch p := p.(type) {
			case *List:
				pair = p.Items
			case *Tuple:
				pair = p.Items
			}
			if len(pair) != 2 {
				return nil, errorf("an OrderedDict is made of something that is no pair")
			}
			if err := d.set(pair[0], pair[1]); err != nil {
				return nil, err
			}
		}
		return d, nil
	}
	return nil, errorf("an OrderedDict is made of something else than a list of pairs")
}
