package pickle

// The opcodes that are read. All others are refused.
const (
	opMark           = '('
	opStop           = '.'
	opBinFloat       = 'G'
	opBinInt         = 'J'
	opBinInt1        = 'K'
	opBinInt2        = 'M'
	opNone           = 'N'
	opBinPersID      = 'Q'
	opReduce         = 'R'
	opShortBinString = 'U'
	opBinUnicode     = 'X'
	opEmptyList      = ']'
	opAppend         = 'a'
	opBuild          = 'b'
	opGlobal         = 'c'
	opAppends        = 'e'
	opBinGet         = 'h'
	opLongBinGet     = 'j'
	opBinPut         = 'q'
	opLongBinPut     = 'r'
	opSetItem        = 's'
	opTuple          = 't'
	opEmptyTuple     = ')'
	opSetItems       = 'u'
	opEmptyDict      = '}'
	opProto          = 0x80
	opNewObj         = 0x81
	opTuple1         = 0x85
	opTuple2         = 0x86
	opTuple3         = 0x87
	opNewTrue        = 0x88
	opNewFalse       = 0x89
	opLong1          = 0x8a
)

// step carries out opcode number i; at STOP it returns the result.
func (m *machine) step(i int) (result Value, stop bool, err error) {
	if i == maxOps {
		return nil, false, errorf("more than %d opcodes", maxOps)
	}
	code, err := m.uint(1)
	if err != nil {
		return nil, false, err
	}
	if i == 0 || code == opProto {
		return nil, false, m.proto(i, code)
	}
	switch code {
	case opStop:
		v, err := m.pop()
		if err == nil && len(m.stack)+len(m.marks) > 0 {
			err = errorf("values are left on the stack at the end")
		}
		return v, true, err
	case opMark:
		if len(m.marks) == maxMarks {
			return nil, false, errorf("more than %d marks", maxMarks)
		}
		m.marks = append(m.marks, len(m.stack))
	case opTuple, opTuple1, opTuple2, opTuple3, opAppend, opAppends, opSetItem, opSetItems, opReduce, opNewObj, opBuild, opBinPersID:
		err = m.combine(byte(code))
	case opBinGet, opLongBinGet, opBinPut, opLongBinPut:
		err = m.remember(byte(code))
	default:
		var v Value
		if v, err = m.literal(byte(code)); err == nil {
			err = m.push(v)
		}
	}
	return nil, false, err
}

func (m *machine) proto(i int, code uint64) error {
	if i != 0 || code != opProto {
		return errorf("found opcode %#x, want the pickle to begin with its protocol, once", code)
	}
	v, err := m.uint(1)
	if err == nil && v != 2 {
		err = errorf("protocol %d, want 2, which torch.save writes unless told otherwise", v)
	}
	return err
}

// width is the size of the number that follows an opcode.
func width(code byte) int {
	switch code {
	case opBinInt2:
		return 2
	case opBinInt, opBinUnicode, opLongBinGet, opLongBinPut:
		return 4
	}
	return 1
}

// taken is the number of values that an opcode takes from the stack.
func taken(code byte) int {
	switch code {
	case opTuple3:
		return 3
	case opTuple2, opSetItem:
		return 2
	}
	return 1
}

// literal makes a value out of what follows the opcode.
func (m *machine) literal(code byte) (Value, error) {
	switch code {
	case opNone:
		return nil, nil
	case opNewTrue, opNewFalse:
		return code == opNewTrue, nil
	case opBinInt1, opBinInt2:
		v, err := m.uint(width(code))
		return int64(v), err
	case opBinInt:
		v, err := m.uint(width(code))
		return int64(int32(v)), err
	case opLong1:
		return m.long()
	case opBinFloat:
		return m.float()
	case opBinUnicode, opShortBinString:
		n, err := m.uint(width(code))
		if err != nil {
			return nil, err
		}
		return m.text(n)
	case opEmptyList:
		return &List{}, m.hold(64)
	case opEmptyTuple:
		return &Tuple{}, m.hold(48)
	case opEmptyDict:
		return &Dict{}, m.hold(128)
	case opGlobal:
		return m.global()
	}
	return nil, errorf("opcode %#x is not read; weights have no need of it", code)
}

func (m *machine) global() (Value, error) {
	module, err := m.line()
	if err != nil {
		return nil, err
	}
	attribute, err := m.line()
	if err != nil {
		return nil, err
	}
	full := module + "." + attribute
	if _, ok := globals[full]; !ok {
		return nil, errorf("the file asks for %s, which is not on the list of what weights need; nothing was run", full)
	}
	return Global(full), nil
}

// combine makes one value of those on the stack, or fills the one on top.
func (m *machine) combine(code byte) error {
	switch code {
	case opTuple, opAppends, opSetItems:
		items, err := m.popMark()
		switch {
		case err != nil:
			return err
		case code == opTuple:
			return m.tuple(items)
		case code == opAppends:
			return m.add(items)
		}
		return m.set(items)
	case opTuple3, opTuple2, opTuple1, opSetItem, opAppend:
		n := taken(code)
		items := make([]Value, n)
		for i := n - 1; i >= 0; i-- {
			var err error
			if items[i], err = m.pop(); err != nil {
				return err
			}
		}
		switch code {
		case opSetItem:
			return m.set(items)
		case opAppend:
			return m.add(items)
		}
		return m.tuple(items)
	case opBinPersID:
		v, err := m.pop()
		if err != nil {
			return err
		}
		id, ok := v.(*Tuple)
		if !ok {
			return errorf("a reference out of the pickle is no tuple")
		}
		p := &Persistent{ID: id}
		if err := p.contain(id); err != nil {
			return err
		}
		if err := m.hold(48); err != nil {
			return err
		}
		return m.push(p)
	case opBuild:
		return m.build()
	}
	args, err := m.pop()
	if err != nil {
		return err
	}
	fn, err := m.pop()
	if err != nil {
		return err
	}
	allowed := function
	if code == opNewObj {
		allowed = class
	}
	v, err := m.call(fn, args, allowed)
	if err != nil {
		return err
	}
	return m.push(v)
}

// build sets the attributes of an OrderedDict, which torch uses for the
// versions of modules; nothing else has any.
func (m *machine) build() error {
	state, err := m.pop()
	if err != nil {
		return err
	}
	v, err := m.top()
	if err != nil {
		return err
	}
	d, ok := v.(*Dict)
	if !ok || !d.Ordered || d.State != nil {
		return errorf("attributes are set on what is no OrderedDict, or twice")
	}
	if _, ok := state.(*Dict); !ok {
		return errorf("the attributes of an OrderedDict are no dict")
	}
	d.State = state
	return d.contain(state)
}

func (m *machine) remember(code byte) error {
	i, err := m.uint(width(code))
	if err != nil {
		return err
	}
	if i >= maxMemo {
		return errorf("place %d of the memo is above the limit of %d", i, maxMemo)
	}
	if code == opBinGet || code == opLongBinGet {
		v, ok := m.memo[uint32(i)]
		if !ok {
			return errorf("place %d of the memo is empty", i)
		}
		return m.push(v)
	}
	v, err := m.top()
	if err != nil {
		return err
	}
	if err := m.hold(48); err != nil {
		return err
	}
	m.memo[uint32(i)] = v
	return nil
}
