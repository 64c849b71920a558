package hostile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"strings"
)

const weightsFile = "model/model.safetensors"

// safetensorsCases are attacks by a safetensors file or the index of shards.
func safetensorsCases() []Case {
	one := func(shape, offsets string) string { return "{" + entry("a", "F32", shape, offsets) + "}" }
	var cases []Case
	refuse := func(name string, data func() []byte, says ...string) {
		cases = append(cases, Case{Name: name, Make: spoiled(file(weightsFile, data)), Args: inspect, Says: append(says, weightsFile)})
	}
	header := func(name, text, says string, data ...byte) {
		refuse(name, func() []byte { return headed(text, data...) }, says)
	}
	refuse("st_empty", text(""), "too few")
	refuse("st_short", text("\x00\x00\x00\x00\x00\x00\x00"), "too few")
	refuse("st_len_max", text(strings.Repeat("\xff", 8)+"{}"), "above the limit")
	cases = append(cases, Case{Name: "st_len_100000001", Args: inspect, Says: []string{"above the limit"},
		Make: spoiled(func(f Folder) error {
			return f.Sparse(weightsFile, append(binary.LittleEndian.AppendUint64(nil, 100_000_001), '{'), 200<<20)
		})})
	// The longest header that the format allows, and nothing in it.
	cases = append(cases, Case{Name: "st_len_100000000", Args: inspect, Says: []string{"header"},
		Make: spoiled(func(f Folder) error {
			return f.Sparse(weightsFile, append(binary.LittleEndian.AppendUint64(nil, 100_000_000), '{'), 200<<20)
		})})
	refuse("st_len_past_eof", func() []byte {
		return append(binary.LittleEndian.AppendUint64(nil, 11), "{}"...)
	}, "longer than the file")
	header("st_not_brace", " {}", "does not start")
	header("st_dup_key", "{"+entry("a", "F32", "[1]", "[0,4]")+","+entry("a", "F32", "[1]", "[4,8]")+"}", "comes twice", make([]byte, 8)...)
	header("st_dup_shape", `{"a":{"dtype":"F32","shape":[1],"shape":[2],"data_offsets":[0,4]}}`, "comes twice", 0, 0, 0, 0)
	header("st_case_shape", `{"a":{"dtype":"F32","Shape":[1],"data_offsets":[0,4]}}`, "unknown field", 0, 0, 0, 0)
	header("st_overlap", "{"+entry("a", "F32", "[1]", "[0,4]")+","+entry("b", "F32", "[1]", "[0,4]")+"}", "overlaps", 0, 0, 0, 0)
	header("st_hole", "{"+entry("a", "F32", "[1]", "[0,4]")+","+entry("b", "F32", "[1]", "[12,16]")+"}", "belong to no tensor", make([]byte, 16)...)
	refuse("st_tail", func() []byte { // the tail is a zip archive of its own
		return append(safetensors(weights()), zipped(zipEntry{name: "a", data: []byte("b")})...)
	}, "belong to no tensor")
	header("st_rev", one("[1]", "[4,0]"), "run backwards", 0, 0, 0, 0)
	header("st_neg", one("[-1]", "[0,4]"), "whole number", 0, 0, 0, 0)
	header("st_neg_offset", one("[1]", "[-4,0]"), "whole number", 0, 0, 0, 0)
	header("st_prod_wrap", one("[4294967296,4294967296]", "[0,0]"), "impossibly large")
	// The reference library takes any dimension beside a 0; kiban none above
	// 2^48, which no code that multiplies dimensions has to think of then.
	header("st_zero_huge", one("[0,4611686018427387904]", "[0,0]"), "above")
	header("st_float_dim", one("[1e2]", "[0,400]"), "whole number", make([]byte, 400)...)
	header("st_deep", strings.Repeat("[", 1_000_000), "does not start")
	header("st_deep_entry", `{"a":`+strings.Repeat("[", 1_000_000), "'{'")
	header("st_deep_shape", `{"a":{"shape":`+strings.Repeat("[", 1_000_000), "whole number")
	header("st_badutf8", "{"+`"`+"\xff"+`":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, "UTF-8", 0, 0, 0, 0)
	header("st_meta_int", `{"__metadata__":{"a":1},`+one("[1]", "[0,4]")[1:], "a string", 0, 0, 0, 0)
	header("st_nul_name", `{"a\u0000b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, "without NUL", 0, 0, 0, 0)

	index := func(name, shard, says string) {
		cases = append(cases, Case{Name: name, Args: inspect, Says: []string{says}, Make: spoiled(func(f Folder) error {
			if err := os.Rename(f.Path(weightsFile), f.Path("weights.safetensors")); err != nil {
				return err
			}
			var entries []string
			for _, t := range weights() {
				entries = append(entries, fmt.Sprintf(`"%s":"%s"`, t.name, shard))
			}
			return f.Write("model/model.safetensors.index.json", []byte(`{"metadata":{},"weight_map":{`+strings.Join(entries, ",")+"}}"))
		})})
	}
	index("st_index_dotdot", "../weights.safetensors", "not a plain file name")
	index("st_index_absolute", "/etc/passwd", "not a plain file name")
	index("st_index_nul", `a\u0000`, "not a plain file name")
	cases = append(cases, Case{Name: "st_link_out", Args: inspect, Says: []string{weightsFile, "escapes"}, Make: spoiled(func(f Folder) error {
		if err := os.Rename(f.Path(weightsFile), f.Path("weights.safetensors")); err != nil {
			return err
		}
		return os.Symlink("../weights.safetensors", f.Path(weightsFile))
	})})
	// A NaN is a number to the format. It is no weight.
	nan := func(f Folder) error {
		w := weights()
		binary.LittleEndian.PutUint32(w[2].data[4:], math.Float32bits(float32(math.NaN())))
		return f.Write(weightsFile, safetensors(w))
	}
	cases = append(cases,
		Case{Name: "st_padding", Args: inspect, Accept: true, Twin: model, Make: spoiled(func(f Folder) error {
			b := safetensors(weights())
			end := 8 + binary.LittleEndian.Uint64(b)
			head := strings.Replace(string(b[8:end]), "{", `{"__metadata__":{"":"\u0000","a":"b"},`, 1) + strings.Repeat(" ", 1000)
			return f.Write(weightsFile, headed(head, b[end:]...))
		})},
		Case{Name: "st_nan", Args: inspect, Make: spoiled(nan), Says: []string{"ln_1.weight", "NaN"}},
		Case{Name: "st_nan_score", Args: score, Make: spoiled(nan), Says: []string{"ln_1.weight", "NaN"}},
		Case{Name: "st_million", Args: inspect, Make: spoiled(file(weightsFile, million(1_000_000))), Says: []string{"16 missing"}},
		Case{Name: "st_million_and_one", Args: inspect, Make: spoiled(file(weightsFile, million(1_000_001))), Says: []string{weightsFile, "more than 1000000 tensors"}},
	)
	return cases
}

// million is a file of n tensors without elements.
func million(n int) func() []byte {
	return func() []byte {
		var b bytes.Buffer
		b.WriteByte('{')
		for i := range n {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, `"%d":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}`, i)
		}
		b.WriteByte('}')
		return headed(b.String())
	}
}
