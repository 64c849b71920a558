package hostile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"strings"
)

// A pickle is a program. These are its instructions, protocol 2.
const (
	pkStart  = "\x80\x02"
	pkStop   = "."
	pkMark   = "("
	pkTuple  = "t"
	pkTuple1 = "\x85"
	pkTuple2 = "\x86"
	pkReduce = "R"
	pkDict   = "}"
	pkList   = "]"
)

func pkText(s string) string {
	return "X" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(s)))) + s
}

func pkGlobal(module, name string) string { return "c" + module + "\n" + name + "\n" }

// pkInt is a number of 8 bytes.
func pkInt(n int64) string {
	return "\x8a\x08" + string(binary.LittleEndian.AppendUint64(nil, uint64(n)))
}

func pkInts(all []int64) string {
	s := pkMark
	for _, n := range all {
		s += pkInt(n)
	}
	return s + pkTuple
}

// pkTensor rebuilds a tensor from a part of a storage.
func pkTensor(key string, numel, offset int64, shape, stride []int64) string {
	return pkGlobal("torch._utils", "_rebuild_tensor_v2") + pkMark +
		pkMark + pkText("storage") + pkGlobal("torch", "FloatStorage") + pkText(key) + pkText("cpu") + pkInt(numel) + pkTuple + "Q" +
		pkInt(offset) + pkInts(shape) + pkInts(stride) + "\x89" + pkGlobal("collections", "OrderedDict") + ")R" + pkTuple + pkReduce
}

// state is the pickle of the model's weights, with odd in the place of the
// first tensor if it is not "".
func state(odd string) []byte {
	s := pkStart + pkDict + pkMark
	for i, t := range weights() {
		one := tensorOf(i, t)
		if i == 0 && odd != "" {
			one = odd
		}
		s += pkText(t.name) + one
	}
	return []byte(s + "u" + pkStop)
}

func tensorOf(key int, t tensor) string {
	shape, stride := make([]int64, len(t.shape)), make([]int64, len(t.shape))
	n := int64(1)
	for i := len(shape) - 1; i >= 0; i-- {
		shape[i], stride[i] = int64(t.shape[i]), n
		n *= shape[i]
	}
	return pkTensor(fmt.Sprint(key), n, 0, shape, stride)
}

// torchMembers are the members of a pytorch_model.bin whose pickle is given.
func torchMembers(pickle []byte) []zipEntry {
	members := []zipEntry{{name: "archive/data.pkl", data: pickle}, {name: "archive/byteorder", data: []byte("little")}}
	for i, t := range weights() {
		members = append(members, zipEntry{name: fmt.Sprintf("archive/data/%d", i), data: t.data})
	}
	return append(members, zipEntry{name: "archive/version", data: []byte("3\n")})
}

const torchFile = "model/pytorch_model.bin"

// torch puts a pytorch_model.bin into the model's directory instead of its
// safetensors.
func torch(data func() []byte) func(Folder) error {
	return spoiled(func(f Folder) error {
		return errorsFirst(os.Remove(f.Path(weightsFile)), f.Write(torchFile, data()))
	})
}

// pickleCases are attacks by the pickle in a pytorch_model.bin. Each program
// that could run something makes the file pwned.
func pickleCases() []Case {
	var cases []Case
	const payload = "touch pwned"
	program := func(name, code string, says string) {
		cases = append(cases, Case{Name: name, Args: inspect, Says: []string{torchFile, says},
			Make: torch(func() []byte { return zipped(torchMembers([]byte(code))...) })})
	}
	// tensor puts code in the place of a tensor.
	tensor := func(name, code, says string) { program(name, string(state(code)), says) }
	call := func(module, function, args string) string { return pkGlobal(module, function) + args + pkReduce }
	tensor("pk_system", call("posix", "system", pkText(payload)+pkTuple1), "posix.system")
	tensor("pk_stackglobal", pkText("os")+pkText("system")+"\x93"+pkText(payload)+pkTuple1+pkReduce, "opcode 0x93")
	tensor("pk_memo_swap", pkText("collections")+"q\x00"+"0"+pkText("os")+"q\x00"+"0"+"h\x00"+pkText("system")+"\x93"+pkText(payload)+pkTuple1+pkReduce, "is not read")
	inner := pkStart + call("posix", "system", pkText(payload)+pkTuple1) + pkStop
	tensor("pk_nested", call("pickle", "loads", "C"+string(rune(len(inner)))+inner+pkTuple1), "pickle.loads")
	tensor("pk_getattr", call("__builtin__", "getattr", pkGlobal("torch", "device")+pkText("__globals__")+pkTuple2), "getattr")
	tensor("pk_codecs", call("_codecs", "encode", pkText(strings.Repeat("a", 1<<20))+pkText("utf-16")+pkTuple2), "_codecs.encode")
	tensor("pk_inst", pkMark+pkText(payload)+"iposix\nsystem\n", "opcode 0x69")
	tensor("pk_obj", pkMark+pkGlobal("posix", "system")+pkText(payload)+"o", "posix.system")
	tensor("pk_newobj", pkGlobal("subprocess", "Popen")+pkText(payload)+pkTuple1+"\x81", "subprocess.Popen")
	tensor("pk_build", tensorOf(0, weights()[0])+pkDict+pkText("__setstate__")+pkGlobal("posix", "system")+"sb", "posix.system")
	tensor("pk_torch_load", call("torch", "load", pkText("../secret")+pkTuple1), "torch.load")
	tensor("pk_newline", "cposix\rsystem\nx\n", "name of a global")
	tensor("pk_setitem_tensor", tensorOf(0, weights()[0])+pkText("a")+pkText("b")+"s", "is no dict")
	program("pk_marks", pkStart+strings.Repeat(pkMark, 10_000_000)+pkStop, "marks")
	program("pk_tuple1", pkStart+")"+strings.Repeat(pkTuple1, 5_000_000)+pkStop, "nested")
	program("pk_lists", pkStart+strings.Repeat(pkList, 2_000_000)+pkStop, "more memory than its size can justify")
	tensor("pk_memo4g", pkList+"r\xff\xff\xff\xff", "memo")
	tensor("pk_str4g", "X\xf0\xff\xff\xff", "above the limit")
	tensor("pk_long4g", "\x8b\xff\xff\xff\x7f", "opcode 0x8b")
	program("pk_cycle", pkStart+pkList+"q\x00h\x00a"+pkStop, "holds itself")
	laugh := pkStart + pkList + "q\x00"
	for i := range 60 {
		laugh += pkList + fmt.Sprintf("q%c", i+1) + pkMark + fmt.Sprintf("h%ch%c", i, i) + "e"
	}
	program("pk_laugh", laugh+pkStop, "")
	program("pk_trail", string(state(""))+pkStart+pkDict+pkStop, "after its end")
	program("pk_empty", "", "")
	program("pk_nothing", pkStart+"N"+pkStop, "no dictionary")
	program("pk_twice", pkStart+pkDict+pkMark+pkText("a")+pkText("b")+pkText("a")+pkText("c")+"u"+pkStop, "twice")
	whole := state("")
	for i := range 8 {
		program(fmt.Sprintf("pk_trunc_%d", i), string(whole[:len(whole)*i/8]), "")
	}
	// The same as a bare pickle, as torch.save before 1.6 wrote them, under
	// both the names that it might have.
	bare := func() []byte { return []byte(inner) }
	return append(cases, Case{Name: "pt_ext_bin", Args: inspect, Says: []string{torchFile}, Make: torch(bare)},
		Case{Name: "pt_ext_safetensors", Args: inspect, Says: []string{weightsFile}, Make: spoiled(file(weightsFile, bare))})
}

// torchCases are attacks by the archive around the pickle, and by tensors that
// lie about their storage.
func torchCases() []Case {
	cases := []Case{{Name: "pt_good", Args: score, Accept: true, Twin: model, Make: torch(func() []byte { return zipped(torchMembers(state(""))...) })}}
	refuse := func(name, says string, data func() []byte) {
		cases = append(cases, Case{Name: name, Args: inspect, Says: []string{torchFile, says}, Make: torch(data)})
	}
	n := int64(vocab * width)
	view := func(name, says string, numel, offset int64, shape, stride []int64) {
		refuse(name, says, func() []byte { return zipped(torchMembers(state(pkTensor("0", numel, offset, shape, stride)))...) })
	}
	change := func(name, says string, change func(m []zipEntry) []zipEntry) {
		refuse(name, says, func() []byte { return zipped(change(torchMembers(state("")))...) })
	}
	view("pt_numel", "elements", 2*n, 0, []int64{vocab, width}, []int64{width, 1})
	view("pt_stride0", "", n, 0, []int64{1 << 40}, []int64{0})
	view("pt_stride_neg", "", n, n-1, []int64{vocab, width}, []int64{-width, -1})
	view("pt_offset_wrap", "", n, 1<<62, []int64{vocab, width}, []int64{width, 1})
	view("pt_offset_neg", "", n, -1, []int64{vocab, width}, []int64{width, 1})
	view("pt_shape_wrap", "", n, 0, []int64{1 << 32, 1 << 32}, []int64{width, 1})
	view("pt_shape_huge", "", 1<<40, 0, []int64{1 << 40}, []int64{1})
	change("pt_crc", "damaged", func(m []zipEntry) []zipEntry { m[2].crc = 1; return m })
	change("pt_crc_pickle", "damaged", func(m []zipEntry) []zipEntry { m[0].crc = 1; return m })
	change("pt_flag", "encrypted", func(m []zipEntry) []zipEntry { m[2].flags = 1; return m })
	change("pt_dupname", "twice", func(m []zipEntry) []zipEntry { return append(m, m[0]) })
	change("pt_dotdot", "not one of a torch file", func(m []zipEntry) []zipEntry { m[2].name = "../../x"; return m })
	change("pt_absolute", "not one of a torch file", func(m []zipEntry) []zipEntry { m[2].name = "/etc/passwd"; return m })
	change("pt_overlap", "", func(m []zipEntry) []zipEntry { m[3].at = 1; return m })
	change("pt_deflate", "compressed", func(m []zipEntry) []zipEntry {
		var b bytes.Buffer
		packed := gz(make([]byte, 8<<20))
		b.Write(packed[10 : len(packed)-8])
		m[2].data, m[2].method, m[2].size = b.Bytes(), 8, 8<<20
		return m
	})
	change("pt_big_endian", "big end", func(m []zipEntry) []zipEntry { m[1].data = []byte("big"); return m })
	change("pt_script", "TorchScript", func(m []zipEntry) []zipEntry {
		return append(m, zipEntry{name: "archive/code/__torch__.py", data: []byte("import os")})
	})
	change("pt_no_storage", "not in the archive", func(m []zipEntry) []zipEntry { return append(m[:2:2], m[3:]...) })
	refuse("pt_two_eocd", "", func() []byte {
		a := zipped(torchMembers(state(""))...)
		return append(a, endRecord(1, 47, 0)...)
	})
	refuse("pt_prefix", "", func() []byte { return append([]byte("#!/bin/sh\n"), zipped(torchMembers(state(""))...)...) })
	refuse("pt_tar", "", func() []byte {
		b := make([]byte, 2048)
		copy(b, "pickle")
		copy(b[257:], "ustar\x0000")
		return b
	})
	return cases
}
