package pickle

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

func read(text string) (Value, int64, error) {
	return Read(bufio.NewReader(strings.NewReader(text)))
}

// encoder writes values back, what occurs twice by the memo.
type encoder struct {
	b    []byte
	memo map[container]uint32
}

func encode(v Value) []byte {
	e := encoder{b: []byte{opProto, 2}, memo: map[container]uint32{}}
	e.value(v)
	return append(e.b, opStop)
}

func (e *encoder) op(codes ...byte) { e.b = append(e.b, codes...) }

func (e *encoder) value(v Value) {
	c, isContainer := v.(container)
	if i, known := e.memo[c]; isContainer && known {
		e.op(opLongBinGet)
		e.b = binary.LittleEndian.AppendUint32(e.b, i)
		return
	}
	switch v := v.(type) {
	case nil:
		e.op(opNone)
	case bool:
		e.op(map[bool]byte{true: opNewTrue, false: opNewFalse}[v])
	case int64:
		e.op(opLong1, 8)
		e.b = binary.LittleEndian.AppendUint64(e.b, uint64(v))
	case float64:
		e.op(opBinFloat)
		e.b = binary.BigEndian.AppendUint64(e.b, math.Float64bits(v))
	case string:
		e.op(opBinUnicode)
		e.b = append(binary.LittleEndian.AppendUint32(e.b, uint32(len(v))), v...)
	case Global:
		module, name := string(v[:strings.LastIndex(string(v), ".")]), string(v[strings.LastIndex(string(v), ".")+1:])
		e.op(opGlobal)
		e.b = append(e.b, module+"\n"+name+"\n"...)
	case *Tuple:
		e.tuple(v.Items)
	case *List:
		e.op(opEmptyList, opMark)
		for _, item := range v.Items {
			e.value(item)
		}
		e.op(opAppends)
	case *Dict:
		if v.Ordered {
			e.value(Global("collections.OrderedDict"))
			e.op(opEmptyTuple, opReduce)
		} else {
			e.op(opEmptyDict)
		}
		e.op(opMark)
		for i := range v.Keys {
			e.value(v.Keys[i])
			e.value(v.Values[i])
		}
		e.op(opSetItems)
		if v.State != nil {
			e.value(v.State)
			e.op(opBuild)
		}
	case *Call:
		e.value(v.Func)
		e.tuple(v.Args)
		e.op(opReduce)
	case *Persistent:
		e.value(v.ID)
		e.op(opBinPersID)
	}
	if isContainer {
		i := uint32(len(e.memo))
		e.memo[c] = i
		e.op(opLongBinPut)
		e.b = binary.LittleEndian.AppendUint32(e.b, i)
	}
}

func (e *encoder) tuple(items []Value) {
	e.op(opMark)
	for _, item := range items {
		e.value(item)
	}
	e.op(opTuple)
}

func TestValues(t *testing.T) {
	for text, want := range map[string]Value{
		"\x80\x02N.":                                 nil,
		"\x80\x02\x88.":                              true,
		"\x80\x02K\xff.":                             int64(255),
		"\x80\x02M\x01\x02.":                         int64(0x201),
		"\x80\x02J\xff\xff\xff\xff.":                 int64(-1),
		"\x80\x02\x8a\x00.":                          int64(0),
		"\x80\x02\x8a\x01\xff.":                      int64(-1),
		"\x80\x02\x8a\x05\x00\x00\x00\x00\x01.":      int64(1 << 32),
		"\x80\x02G\x3f\xf8\x00\x00\x00\x00\x00\x00.": 1.5,
		"\x80\x02X\x02\x00\x00\x00\xc3\xa9.":         "é",
		"\x80\x02U\x02ab.":                           "ab",
		"\x80\x02ctorch\nfloat16\n.":                 Global("torch.float16"),
	} {
		v, n, err := read(text + "more")
		if err != nil || v != want || n != int64(len(text)) {
			t.Errorf("%q: %v of %d bytes: %v, want %v", text, v, n, err, want)
		}
	}
}

func TestOrderedDicts(t *testing.T) {
	for _, text := range []string{
		"\x80\x02ccollections\nOrderedDict\n)R(U\x01aK\x01U\x01bK\x02u.",
		"\x80\x02ccollections\nOrderedDict\n)\x81(U\x01aK\x01U\x01bK\x02u.",
		"\x80\x02ccollections\nOrderedDict\n](](U\x01aK\x01e](U\x01bK\x02ee\x85R.", // Python 2
	} {
		v, _, err := read(text)
		d, ok := v.(*Dict)
		if err != nil || !ok || !d.Ordered || len(d.Keys) != 2 || d.Keys[1] != Value("b") || d.Values[1] != Value(int64(2)) {
			t.Errorf("%q: %+v: %v", text, v, err)
		}
	}
}

// Every one of these is refused for the reason that it says, quickly and within
// bounded memory.
func TestRefused(t *testing.T) {
	many := strings.Repeat
	u32 := func(v uint32) string { return string(binary.LittleEndian.AppendUint32(nil, v)) }
	laugh := "]q\x00"
	for range 60 {
		laugh += "h\x00](h\x00h\x00eq\x00"
	}
	for name, c := range map[string]struct{ text, want string }{
		"empty":             {"", "ends in the middle"},
		"no protocol":       {"N.", "begin with its protocol"},
		"protocol twice":    {"\x80\x02\x80\x02N.", "once"},
		"protocol 4":        {"\x80\x04N.", "protocol 4"},
		"system":            {"\x80\x02cposix\nsystem\nU\x04true\x85R.", "posix.system"},
		"stack global":      {"\x80\x02U\x02osU\x06system\x93U\x04true\x85R.", "opcode 0x93"},
		"getattr":           {"\x80\x02cbuiltins\ngetattr\n.", "builtins.getattr"},
		"codecs":            {"\x80\x02c_codecs\nencode\n.", "_codecs.encode"},
		"dotted":            {"\x80\x02ctorch\nstorage.UntypedStorage.x\n.", "torch.storage.UntypedStorage.x"},
		"long global":       {"\x80\x02c" + many("a", 300), "too long"},
		"inst":              {"\x80\x02(iposix\nsystem\n.", "opcode 0x69"},
		"obj":               {"\x80\x02(cposix\nsystem\no.", "posix.system"},
		"ext":               {"\x80\x02\x82\x01.", "opcode 0x82"},
		"set":               {"\x80\x02\x8f.", "opcode 0x8f"},
		"pop":               {"\x80\x02NN0.", "opcode 0x30"},
		"dup":               {"\x80\x02N2.", "opcode 0x32"},
		"memoize":           {"\x80\x02N\x94.", "opcode 0x94"},
		"frame":             {"\x80\x02\x95.", "opcode 0x95"},
		"bytes":             {"\x80\x02C\x01a.", "opcode 0x43"},
		"call of a type":    {"\x80\x02ctorch\nfloat16\n)R.", "is called"},
		"call of a text":    {"\x80\x02U\x01a)R.", "no name"},
		"newobj of device":  {"\x80\x02ctorch\ndevice\n)\x81.", "is called"},
		"call with a list":  {"\x80\x02ctorch\nSize\n]R.", "tuple of arguments"},
		"setitem on tensor": {"\x80\x02ctorch\ndevice\n)RU\x01aK\x01s.", "no dict"},
		"append to tuple":   {"\x80\x02)K\x01a.", "no list"},
		"build on a call":   {"\x80\x02ctorch\ndevice\n)R}b.", "no OrderedDict"},
		"build on a dict":   {"\x80\x02}}b.", "no OrderedDict"},
		"build of a list":   {"\x80\x02ccollections\nOrderedDict\n)R]b.", "no dict"},
		"key is a list":     {"\x80\x02}]Ns.", "neither a text"},
		"key is None":       {"\x80\x02}NNs.", "neither a text"},
		"key twice":         {"\x80\x02}(K\x01NK\x01Nu.", "twice"},
		"odd items":         {"\x80\x02}(K\x01u.", "no value"},
		"empty stack":       {"\x80\x02.", "stack is empty"},
		"below the mark":    {"\x80\x02N(\x85.", "stack is empty"},
		"no mark":           {"\x80\x02Nt.", "no mark"},
		"left on the stack": {"\x80\x02NN.", "left on the stack"},
		"mark left":         {"\x80\x02(N.", "left on the stack"},
		"persistent list":   {"\x80\x02]Q.", "no tuple"},
		"long 9":            {"\x80\x02\x8a\x09123456789.", "9 bytes"},
		"string 4g":         {"\x80\x02X" + u32(0xffffffff) + "a.", "4294967295 bytes"},
		"string cut":        {"\x80\x02X" + u32(100) + "a.", "ends in the middle"},
		"bad utf8":          {"\x80\x02U\x01\xff.", "UTF-8"},
		"memo 4g":           {"\x80\x02Nr" + u32(0xffffffff) + ".", "4294967295"},
		"memo empty":        {"\x80\x02h\x05.", "is empty"},
		"marks":             {"\x80\x02" + many("(", 10_000_000), "256 marks"},
		"tuple1":            {"\x80\x02)" + many("\x85", 5_000_000) + ".", "64 deep"},
		"cycle":             {"\x80\x02]q\x00h\x00a.", "holds itself"},
		"long cycle":        {"\x80\x02]q\x00]h\x00aa.", "holds itself"},
		"cycle by state":    {"\x80\x02ccollections\nOrderedDict\n)Rq\x00}U\x01ah\x00sb.", "holds itself"},
		"laugh 60":          {"\x80\x02" + laugh + many("a", 60) + ".", ""},
		"deep by memo":      {"\x80\x02" + deepByMemo(70) + ".", "64 deep"},
		"dicts":             {"\x80\x02]" + many("}a", 20_000_000), "memory"},
		"stack":             {"\x80\x02" + many("N", 2_000_000), "on the stack"},
	} {
		began := time.Now()
		v, _, err := read(c.text)
		var bad *Error
		if !errors.As(err, &bad) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, %v, want an *Error with %q", name, v, err, c.want)
		}
		if d := time.Since(began); d > 5*time.Second {
			t.Errorf("%s: took %v", name, d)
		}
	}
	broken := errors.New("disk")
	if _, _, err := Read(bufio.NewReader(iotest.ErrReader(broken))); !errors.Is(err, broken) {
		t.Errorf("a reader that fails gave %v", err)
	}
}

// deepByMemo nests lists from the outside in, so that only the end shows how
// deep they are.
func deepByMemo(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("]q" + string([]byte{byte(i)}))
	}
	b.WriteString(strings.Repeat("a", n-1))
	return b.String()
}

// Each cut of a pickle is refused.
func TestCut(t *testing.T) {
	text := "\x80\x02ccollections\nOrderedDict\n)R(U\x01aK\x01X\x01\x00\x00\x00bM\x02\x00u."
	if _, _, err := read(text); err != nil {
		t.Fatal(err)
	}
	for i := range len(text) {
		if v, _, err := read(text[:i]); err == nil {
			t.Errorf("cut at %d gave %v", i, v)
		}
	}
}

// What is accepted can be written again and is then the same, and memory is
// bounded by the size.
func FuzzPickle(f *testing.F) {
	f.Add([]byte("\x80\x02ccollections\nOrderedDict\n](](U\x01aK\x01ee\x85R."))
	f.Add([]byte("\x80\x02](K\x01M\x02\x03J\x04\x05\x06\x07\x8a\x01\xffG\x3f\xf8\x00\x00\x00\x00\x00\x00\x88\x89Ne."))
	f.Add([]byte("\x80\x02}q\x00(U\x01a)K\x01\x85h\x00\x86Ku."))
	f.Fuzz(func(t *testing.T, data []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		v, n, err := read(string(data))
		runtime.ReadMemStats(&after)
		if got, limit := after.TotalAlloc-before.TotalAlloc, uint64(4<<20+256*len(data)); got > limit {
			t.Fatalf("%d bytes allocated %d, want at most %d", len(data), got, limit)
		}
		if n > int64(len(data)) {
			t.Fatalf("took %d bytes of %d", n, len(data))
		}
		if err != nil {
			var bad *Error
			if !errors.As(err, &bad) {
				t.Fatalf("%v is no *Error", err)
			}
			return
		}
		once := encode(v)
		again, _, err := read(string(once))
		if err != nil {
			t.Fatalf("%v: %q", err, once)
		}
		if twice := encode(again); !bytes.Equal(once, twice) {
			t.Fatalf("%q became %q", once, twice)
		}
	})
}
