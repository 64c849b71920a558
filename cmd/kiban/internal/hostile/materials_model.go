package hostile

import (
	"fmt"
	"os"
	"strings"
)

// encoderCases are attacks by the files of a BERT model, but for its weights,
// which safetensorsCases and torchCases are about.
func encoderCases() []Case {
	var cases []Case
	extract := extracting("in.txt")
	refuse := func(name string, change func(f Folder) error, says ...string) {
		cases = append(cases, Case{Name: name, Make: spoiledBERT(change), Args: extract, Says: says})
	}
	config := func(name, from, to string, says ...string) {
		refuse(name, file("model/config.json", func() []byte { return []byte(bertConfig(from, to)) }), append(says, "model/config.json: ")...)
	}
	size := func(name, key, value string, says ...string) {
		config(name, fmt.Sprintf("%q: %d", key, map[string]int{
			"vocab_size": bertVocabSize(), "max_position_embeddings": bertContext, "hidden_size": width, "num_hidden_layers": 1,
			"num_attention_heads": 2, "intermediate_size": bertInner, "type_vocab_size": 2, "pad_token_id": 0,
		}[key]), fmt.Sprintf("%q: %s", key, value), says...)
	}
	size("bc_negative", "hidden_size", "-8", "hidden_size -8")
	size("bc_zero", "num_hidden_layers", "0", "num_hidden_layers 0")
	size("bc_huge", "hidden_size", "1000000000000000000", "hidden_size 1000000000000000000")
	size("bc_huger", "hidden_size", "1e400", "1e400")
	size("bc_fraction", "num_attention_heads", "2.5", "num_attention_heads", "2.5")
	size("bc_string", "hidden_size", `"8"`, "hidden_size", "string")
	size("bc_list", "intermediate_size", "[16]", "intermediate_size", "array")
	size("bc_heads", "num_attention_heads", "3", "width 8 is not divisible by 3 heads")
	size("bc_heads_negative", "num_attention_heads", "-2", "num_attention_heads -2")
	size("bc_types", "type_vocab_size", "0", "type_vocab_size 0")
	size("bc_context", "max_position_embeddings", "2", "max_position_embeddings 2")
	size("bc_pad", "pad_token_id", "1000", "pad_token_id 1000")
	size("bc_pad_negative", "pad_token_id", "-1", "pad_token_id -1")
	size("bc_deep", "pad_token_id", strings.Repeat("[", 1_000_000), "too deep")
	config("bc_twice", `"hidden_size": 8`, `"hidden_size": 8, "hidden_size": 16`, "comes twice")
	config("bc_dropout", `"hidden_dropout_prob": 0.1`, `"hidden_dropout_prob": 1`, "dropout 1")
	config("bc_epsilon", `1e-12`, `-1`, "epsilon -1")
	config("bc_act", `"gelu"`, `"quick_gelu"`, "quick_gelu")
	config("bc_type", `"model_type": "bert"`, `"model_type": "llama"`, `model_type is "llama"`, "MatSciBERT")
	config("bc_label_hole", `"4": "O"`, `"5": "O"`, "id2label", `"5"`)
	config("bc_label_twice", `"2": "I-MAT"`, `"2": "B-MAT"`, "id2label", "both 0 and 2", "B-MAT")
	config("bc_label_empty", `"2": "I-MAT"`, `"2": ""`, "id2label", "1 to 256 bytes")
	config("bc_label_number", `"2": "I-MAT"`, `"2": 7`, "id2label")
	config("bc_label_other", `"I-MAT": 2`, `"I-MAT": 3`, "label2id", "I-MAT")
	config("bc_label_long", `"4": "O"`, `"4": "`+strings.Repeat("O", 1<<20)+`"`, "id2label")
	refuse("bc_labels_none", file("model/config.json", func() []byte { return []byte(bertConfig(`"id2label": {`, `"id2": {`, `"label2id": {`, `"label2": {`)) }),
		"model/config.json: has no id2label", "add it")
	refuse("bc_labels_scheme", file("model/config.json", func() []byte { return []byte(strings.ReplaceAll(bertConfig(), "B-MAT", "C-MAT")) }), "C-MAT")
	refuse("bc_labels_more", file("model/config.json", func() []byte {
		return []byte(bertConfig(`"4": "O"`, `"4": "O", "5": "B-APL"`, `"O": 4`, `"O": 4, "B-APL": 5`))
	}), "classifier.weight")
	// A model of more layers than there are weights is told as such, with no room
	// made for them.
	refuse("bc_layers", file("model/config.json", func() []byte {
		return []byte(bertConfig(`"num_hidden_layers": 1`, `"num_hidden_layers": 1024`))
	}), "missing")
	refuse("bc_wide", file("model/config.json", func() []byte {
		return []byte(bertConfig(`"hidden_size": 8`, `"hidden_size": 1048576`, `"intermediate_size": 16`, `"intermediate_size": 4194304`))
	}), "classifier.weight")
	vocab := func(name string, data func() []byte, says ...string) {
		refuse(name, file("model/vocab.txt", data), append(says, "vocab.txt")...)
	}
	edited := func(name, from, to string, says ...string) {
		vocab(name, func() []byte { return []byte(strings.Replace(bertVocab(), from, to, 1)) }, says...)
	}
	edited("vt_twice", "\n##a\n", "\na\n", "line 7", "line 6")
	edited("vt_unk", "[UNK]", "[unk]", "[UNK]")
	edited("vt_cls", "[CLS]", "[cls]", "[CLS]")
	edited("vt_sep", "[SEP]", "[sep]", "[SEP]")
	edited("vt_empty_line", "##a", "", "line 7 is empty")
	edited("vt_utf8", "##a", "\xff", "UTF-8", "line 7")
	edited("vt_long", "##a", "##"+strings.Repeat("a", 2000), "2002 bytes", "line 7")
	edited("vt_more", "##a", "##a\nab")
	cases[len(cases)-1].Says = []string{"model: the tokenizer has 88 tokens, the model 87"}
	vocab("vt_empty", text(""), "empty")
	refuse("vt_line", func(f Folder) error { return f.Sparse("model/vocab.txt", []byte(bertVocab()), 100<<20) }, "vocab.txt", "line")
	refuse("vt_huge", func(f Folder) error { return f.Sparse("model/vocab.txt", []byte(bertVocab()), 1<<40) }, "vocab.txt")
	refuse("vt_none", func(f Folder) error { return os.Remove(f.Path("model/vocab.txt")) }, "neither tokenizer.json nor vocab.txt")
	wordPiece := func(name, from, to string, says ...string) {
		refuse(name, file("model/tokenizer.json", func() []byte { return []byte(bertTokenizer(from, to)) }), append(says, "tokenizer.json")...)
	}
	wordPiece("tj_beyond", `"[UNK]":1`, `"[UNK]":100000`, "has id 1 and 100000")
	wordPiece("tj_negative", `"[UNK]":1`, `"[UNK]":-1`, "whole number")
	wordPiece("tj_special_beyond", `"id":2,"content":"[CLS]"`, `"id":5000,"content":"[CLS]"`, "[CLS]", "5000")
	wordPiece("tj_twice", `"[UNK]":1`, `"[UNK]":2`, "has id 1 and 2")
	wordPiece("tj_unk", `"unk_token":"[UNK]"`, `"unk_token":"<unk>"`, "<unk>")
	wordPiece("tj_cls", `["[CLS]",2]`, `["<s>",2]`, "no [CLS]")
	wordPiece("tj_bpe", `"type":"WordPiece","unk_token"`, `"type":"BPE","unk_token"`, "WordPiece")
	wordPiece("tj_normalizer", `"type":"BertNormalizer"`, `"type":"Precompiled"`, "Precompiled")
	// kiban.json is read like the others: no pipe, no endless file, no secret.
	about := func(name, data string, says ...string) {
		refuse(name, file("model/kiban.json", text(data)), append(says, "kiban.json")...)
	}
	about("kj_deep", strings.Repeat("[", 1_000_000))
	about("kj_normalize", `{"normalize":"../../secret"}`, "../../secret")
	about("kj_mapping", `{"normalize":"mapping"}`)
	cases[len(cases)-1].Says = []string{"vocab_mappings.txt"}
	about("kj_head", `{"task":"ner","head":"tail"}`, "tail")
	about("kj_length", `{"max_tokens":2}`, "max_tokens")
	about("kj_text", `not JSON`)
	become := func(name string, make func(path string) error) {
		refuse(name, func(f Folder) error { return make(f.Path("model/kiban.json")) }, "kiban.json")
	}
	become("kj_fifo", fifo)
	become("kj_dir", func(path string) error { return os.Mkdir(path, 0o777) })
	become("kj_zeros", func(path string) error { return os.Symlink("/dev/zero", path) })
	become("kj_secret", func(path string) error { return os.Symlink("../../secret", path) })
	for name, make := range map[string]func(path string) error{
		"nm_fifo": fifo, "nm_zeros": func(path string) error { return os.Symlink("/dev/zero", path) },
	} {
		refuse(name, func(f Folder) error { return make(f.Path("model/vocab_mappings.txt")) }, "vocab_mappings.txt")
	}
	return cases
}

// bertTokenizer is the model's tokenizer.json; edits are pairs of text to
// replace.
func bertTokenizer(edits ...string) string {
	var v, added []string
	for i, token := range strings.Fields(bertVocab()) {
		v = append(v, fmt.Sprintf("%q:%d", token, i))
		if i < 5 {
			added = append(added, fmt.Sprintf(`{"id":%d,"content":%q,"single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true}`, i, token))
		}
	}
	s := `{"version":"1.0","truncation":null,"padding":null,"added_tokens":[` + strings.Join(added, ",") + `],` +
		`"normalizer":{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"strip_accents":null,"lowercase":true},` +
		`"pre_tokenizer":{"type":"BertPreTokenizer"},"post_processor":{"type":"BertProcessing","sep":["[SEP]",3],"cls":["[CLS]",2]},` +
		`"decoder":{"type":"WordPiece","prefix":"##","cleanup":true},` +
		`"model":{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##","max_input_chars_per_word":100,` +
		`"vocab":{` + strings.Join(v, ",") + `}}}`
	return strings.NewReplacer(edits...).Replace(s)
}
