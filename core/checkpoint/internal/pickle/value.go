// Package pickle reads the pickles of PyTorch files as plain data.
//
// Nothing is ever called, imported or constructed: a call in the pickle becomes
// a [Call] node, a name a [Global], and both only if they are on the closed list
// of this package. What a node means is up to the reader of the file.
package pickle

// Value is nil (None), bool, int64, float64, string, Global, *Tuple, *List,
// *Dict, *Call or *Persistent.
type Value any

// Global is the full name of something that the list of globals allows, such
// as "torch.FloatStorage".
type Global string

// Tuple is a tuple.
type Tuple struct {
	node
	Items []Value
}

// List is a list.
type List struct {
	node
	Items []Value
}

// Dict is a dict or an OrderedDict. Its keys are int64 or string, none twice.
type Dict struct {
	node
	Keys    []Value
	Values  []Value
	Ordered bool
	State   Value // attributes of an OrderedDict, nil if it has none
	seen    map[Value]struct{}
}

// Call says that Func would be called with Args.
type Call struct {
	node
	Func Global
	Args []Value
}

// Persistent refers to something outside the pickle.
type Persistent struct {
	node
	ID *Tuple
}

// node is what checking needs to know of a container.
type node struct {
	// depth is the greatest number of containers below this one that was known
	// when something was put into it, and after check the exact one.
	depth int32
	state visit
}

type visit uint8

const (
	fresh visit = iota
	open        // some of its children are being visited: meeting it is a cycle
	done
)

type container interface {
	meta() *node
	child(i int) (Value, bool)
}

func (n *node) meta() *node { return n }

func (t *Tuple) child(i int) (Value, bool)      { return at(t.Items, i) }
func (l *List) child(i int) (Value, bool)       { return at(l.Items, i) }
func (c *Call) child(i int) (Value, bool)       { return at(c.Args, i) }
func (p *Persistent) child(i int) (Value, bool) { return p.ID, i == 0 }

func (d *Dict) child(i int) (Value, bool) {
	if i == len(d.Values) {
		return d.State, true
	}
	return at(d.Values, i)
}

func at(items []Value, i int) (Value, bool) {
	if i < len(items) {
		return items[i], true
	}
	return nil, false
}

// check walks everything below v once and reports cycles and excessive depth.
// What was put into a container that already lay in another is seen only here.
func check(v Value) error {
	type frame struct {
		c    container
		next int
	}
	var stack []frame
	push := func(v Value) error {
		c, ok := v.(container)
		if !ok || c.meta().state == done {
			return nil
		}
		if c.meta().state == open {
			return errorf("a container holds itself")
		}
		if len(stack) == maxDepth {
			return errorf("containers are nested more than %d deep", maxDepth)
		}
		c.meta().state, c.meta().depth = open, 0
		stack = append(stack, frame{c, 0})
		return nil
	}
	if err := push(v); err != nil {
		return err
	}
	for len(stack) > 0 {
		top := &stack[len(stack)-1]
		v, ok := top.c.child(top.next)
		if !ok {
			top.c.meta().state = done
			depth := top.c.meta().depth + 1
			stack = stack[:len(stack)-1]
			if len(stack) > 0 {
				parent := stack[len(stack)-1].c.meta()
				parent.depth = max(parent.depth, depth)
			}
			continue
		}
		top.next++
		if c, ok := v.(container); ok && c.meta().state == done {
			// Reached a second time, by a longer way perhaps.
			top.c.meta().depth = max(top.c.meta().depth, c.meta().depth+1)
			if len(stack)+int(c.meta().depth)+1 > maxDepth {
				return errorf("containers are nested more than %d deep", maxDepth)
			}
			continue
		}
		if err := push(v); err != nil {
			return err
		}
	}
	return nil
}
