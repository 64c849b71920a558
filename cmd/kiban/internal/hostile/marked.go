package hostile

import (
	"fmt"
	"os"
	"strings"
)

// markedCases are attacks by annotated text: CoNLL's columns, brat's files and
// lists of spans.
func markedCases() []Case {
	var cases []Case
	train := func(what, in string, more ...string) []string {
		return append([]string{"materials", "finetune", what, in, "-o", "run", "--device", "cpu", "--progress", "none"}, more...)
	}
	one := func(name, file string, data func() []byte, args []string, says ...string) {
		cases = append(cases, Case{Name: name, Make: func(f Folder) error { return f.Write(file, data()) }, Args: args, Says: says})
	}
	// A word a line.
	columns := func(name, data string, says ...string) {
		one(name, "in.conll", text(data), train("ner", "in.conll"), append(says, "in.conll:")...)
	}
	const good = "tio2\tB-MAT\nfilms\tO\n\n"
	columns("co_columns", good+"zno\tNN\tB-MAT\n", ":4:", "3 columns", "--repair")
	columns("co_one_column", good+"zno\n", ":4:", "1 columns")
	columns("co_no_tags", "tio2\nfilms\n", ":1:", "a word without a tag")
	columns("co_loose", good+"zno\tO\nfilms\tI-MAT\n", ":5:", "I-MAT", "--repair")
	columns("co_other", good+"zno\tB-MAT\nfilms\tI-PRO\n", ":5:", "I-PRO", "--repair")
	columns("co_prefix", good+"zno\tX-MAT\n", ":4:", "X-MAT", "B- or I-")
	columns("co_no_prefix", good+"zno\tMAT\n", ":4:", "MAT", "B- or I-")
	columns("co_no_label", good+"zno\tB-\n", ":4:", `"B-"`)
	columns("co_empty_tag", good+"zno\t\n", ":4:", "empty tag", "--empty-tag")
	columns("co_no_word", good+"\tO\n", ":4:", "--repair")
	columns("co_nul", good+"zn\x00o\tB-MAT\n", ":4:", "NUL")
	columns("co_control", good+"zno\tB-M\x1b[2JAT\n", ":4:")
	columns("co_utf8", good+"caf\xe9\tO\n", ":4:", "UTF-8", "iconv")
	columns("co_empty", "", "no sentences")
	columns("co_only_docs", "-DOCSTART- O\n\n-DOCSTART- O\n", "no sentences")
	columns("co_long_word", good+strings.Repeat("a", 1<<19)+"\tI-MAT\n", ":4:")
	columns("co_long_tag", good+"zno\tX-"+strings.Repeat("a", 1<<19)+"\n", ":4:")
	columns("co_utf16", utf16Text(good), ":1:")
	one("co_line", "in.conll.gz", func() []byte { return gz([]byte(good + strings.Repeat("a", 50<<20) + "\tO\n")) }, train("ner", "in.conll.gz"), "in.conll.gz:4:", "a line of more than")
	cases = append(cases, Case{Name: "co_zero", Make: func(Folder) error { return nil }, Args: train("ner", "/dev/zero"), Says: []string{"/dev/zero"}})
	cases = append(cases, Case{Name: "co_bomb", Make: func(f Folder) error { return f.Write("in.conll", gz(nil)) }, Args: train("ner", "in.conll"), Says: []string{"in.conll", "no sentences"}})
	one("co_cut", "in.conll.gz", func() []byte { b := gz([]byte(strings.Repeat(good, 1000))); return b[:len(b)/2] }, train("ner", "in.conll.gz"), "in.conll.gz:", "unexpected EOF", "again")
	one("co_repaired_long", "in.conll", text(good+"zno \tx\ty\tB-MAT\n"), train("ner", "in.conll", "--column", "2"), "in.conll:4:", "4 columns")

	// conlleval's columns.
	pairs := func(name, data string, says ...string) {
		one(name, "in.conll", text(data), []string{"materials", "evaluate", "in.conll"}, append(says, "in.conll:")...)
	}
	const both = "tio2 B-MAT B-MAT\nfilms O O\n\n"
	pairs("ev_columns", both+"zno B-MAT\n", ":4:", "2 columns")
	pairs("ev_more", both+"zno NN B-MAT O\n", ":4:", "4 columns")
	pairs("ev_tag", both+"zno B-MAT MAT\n", ":4:", "MAT")
	pairs("ev_long_tag", both+"zno B-MAT "+strings.Repeat("a", 1<<19)+"\n", ":4:")
	pairs("ev_nul", both+"zno B-MAT B-M\x00T\n", ":4:", "NUL")
	pairs("ev_utf8", both+"zno B-MAT B-M\xff\n", ":4:", "UTF-8")
	pairs("ev_empty", "\n\n", "no sentences")
	one("ev_line", "in.conll.gz", func() []byte { return gz([]byte(both + strings.Repeat("a", 50<<20) + " O O\n")) },
		[]string{"materials", "evaluate", "in.conll.gz"}, "in.conll.gz:4:", "a line of more than")
	cases = append(cases, Case{Name: "ev_zero", Make: func(Folder) error { return nil }, Args: []string{"materials", "evaluate", "/dev/zero"}, Says: []string{"/dev/zero"}})
	classes := func(name, suffix, gold, found string, says ...string) {
		cases = append(cases, Case{Name: name, Says: says, Args: []string{"materials", "evaluate", "gold" + suffix, "found" + suffix, "--kind", "classes"},
			Make: func(f Folder) error {
				return errorsFirst(f.Write("gold"+suffix, []byte(gold)), f.Write("found"+suffix, []byte(found)))
			}})
	}
	const gold = "id,label\n1,glass\n2,metal\n"
	classes("ec_columns", ".csv", gold, "id,label\n1,glass\n2\n", "found.csv:3:", "wrong number of fields")
	classes("ec_fewer", ".csv", gold, "id,label\n1,glass\n", "found.csv", "1 classes", "2")
	classes("ec_ids", ".csv", gold, "id,label\n1,glass\n3,metal\n", "gold.csv:3:", "found.csv")
	classes("ec_no_label", ".csv", gold, "id,name\n1,glass\n2,metal\n", "found.csv:1:", "label")
	classes("ec_empty_label", ".csv", gold, "id,label\n1,glass\n2,\n", "found.csv:3:", "label")
	classes("ec_score", ".csv", gold, "id,label,score\n1,glass,0.5\n2,metal,NaN\n", "found.csv:3:", "NaN")
	classes("ec_long_score", ".csv", gold, "id,label,score\n1,glass,0.5\n2,metal,"+strings.Repeat("9", 1<<20)+"\n", "found.csv:3:")
	classes("ec_quote", ".csv", gold, "id,label\n1,glass\n2,\"metal\n"+strings.Repeat("x,y\n", 1<<20), "found.csv:3:", "quoted-field")
	classes("ec_twice", ".jsonl", `{"id":"1","label":"glass"}`+"\n", `{"id":"1","label":"glass","label":"metal"}`+"\n", "found.jsonl:1:", "twice")
	classes("ec_deep", ".jsonl", `{"id":"1","label":"glass"}`+"\n", strings.Repeat("[", 1_000_000)+"\n", "found.jsonl:1:")
	classes("ec_line", ".jsonl", `{"id":"1","label":"glass"}`+"\n", `{"id":"1","label":"glass"}`+"\n"+strings.Repeat("x", 50<<20)+"\n", "found.jsonl:2:")
	classes("ec_line_longer", ".jsonl", `{"id":"1","label":"glass"}`+"\n", `{"id":"1","label":"glass"}`+"\n"+strings.Repeat("x", 70<<20)+"\n", "found.jsonl:2:", "a line of more than")

	// brat's files, for entities and for relations.
	brat := func(name, what, ann string, says ...string) {
		cases = append(cases, Case{Name: name, Args: train(what, "in"), Says: append(says, "in/a.ann:"),
			Make: func(f Folder) error {
				return errorsFirst(f.Write("in/a.txt", []byte("tio2 films of 5 nm\n")), f.Write("in/a.ann", []byte(ann)))
			}})
	}
	const t1 = "T1\tMAT 0 4\ttio2\n"
	brat("br_overlap", "ner", t1+"T2\tMAT 0 10\ttio2 films\n", ":2:", "T2", "T1 of line 1")
	brat("br_past", "ner", t1+"T2\tMAT 14 40\t5 nm\n", ":2:", "leaves the text", "19 characters")
	brat("br_far", "ner", t1+"T2\tMAT 40 44\t5 nm\n", ":2:", "leaves the text")
	brat("br_negative", "ner", t1+"T2\tMAT -4 4\ttio2\n", ":2:", "leaves the text")
	brat("br_reversed", "ner", t1+"T2\tMAT 10 5\tfilms\n", ":2:", "is empty")
	brat("br_empty", "ner", t1+"T2\tMAT 5 5\t\n", ":2:", "is empty")
	brat("br_huge", "ner", t1+"T2\tMAT 5 9223372036854775807\tfilms\n", ":2:", "leaves the text")
	brat("br_huger", "ner", t1+"T2\tMAT 5 99999999999999999999\tfilms\n", ":2:", "no label with places")
	brat("br_fraction", "ner", t1+"T2\tMAT 5.0 10\tfilms\n", ":2:", "no label with places")
	brat("br_no_label", "ner", t1+"T2\t 5 10\tfilms\n", ":2:", "no label with places")
	brat("br_text", "ner", t1+"T2\tPRO 5 10\tfilm\n", ":2:", `"film"`, `"films"`)
	brat("br_fragments", "ner", t1+"T2\tPRO 11 13;5 10\tof films\n", ":2:", "fragments")
	brat("br_twice", "ner", t1+"T1\tPRO 5 10\tfilms\n", ":2:", "T1 again, after line 1")
	brat("br_id", "ner", t1+"T2\x1b[2J\tMAT 40 44\ttio2\n", ":2:")
	brat("br_long_id", "ner", t1+"T"+strings.Repeat("2", 1<<20)+"\tMAT 40 44\ttio2\n", ":2:")
	brat("br_long_text", "ner", t1+"T2\tMAT 5 10\t"+strings.Repeat("a", 1<<20)+"\n", ":2:")
	brat("br_long_label", "ner", t1+"T2\t"+strings.Repeat("a", 1<<20)+" 5 99\tfilms\n", ":2:")
	brat("br_commas", "ner", t1+"T2\tMAT "+strings.Repeat("5 5;", 1<<18)+"\tfilms\n", ":2:")
	brat("br_nothing", "ner", "", "no entities")
	cases[len(cases)-1].Says = []string{"in: no entities"}
	brat("br_junk", "ner", t1+"hello\n", ":2:", "no annotation")
	brat("br_cycle", "relation", "E1\tRun:E2\nE2\tRun:E1\n", ":1:", "E1", `"E2"`, "no entity")
	brat("br_self", "relation", "E1\tRun:E1 Of:E1\n", ":1:", "no entity")
	brat("br_trigger", "relation", t1+"E1\tRun:T9 Of:T1\n", ":2:", `"T9"`, "trigger")
	brat("br_no_trigger", "relation", t1+"E1\tRun\n", ":2:", "has no trigger")
	brat("br_role", "relation", t1+"E1\tRun:T1 Of:T9\n", ":2:", "Of:T9")
	brat("br_argument", "relation", t1+"R1\tOf Arg1:T1 Arg2:R1\n", ":2:", "Arg2:R1")
	brat("br_one_end", "relation", t1+"R1\tOf Arg1:T1\n", ":2:", "1 ends")
	brat("br_same_end", "relation", t1+"R1\tOf Arg1:T1 Arg2:T1\n")
	cases[len(cases)-1].Says = []string{"in: no relation of two entities"}
	brat("br_long_argument", "relation", t1+"R1\tOf Arg1:T1 Arg2:"+strings.Repeat("9", 1<<20)+"\n", ":2:")
	brat("br_nul", "ner", t1+"T2\tM\x00AT 5 10\tfilms\n", ":2:")
	brat("br_utf8", "ner", t1+"T2\tMAT 5 10\tfilm\xe9\n", ":2:", "UTF-8")
	become := func(name, file string, make func(path string) error) {
		cases = append(cases, Case{Name: name, Args: train("ner", "in"), Says: []string{"in/" + file, "regular file"}, Make: func(f Folder) error {
			return errorsFirst(f.Write("in/a.txt", []byte("tio2\n")), f.Write("in/a.ann", []byte(t1)), os.Remove(f.Path("in/"+file)), make(f.Path("in/"+file)))
		}})
	}
	for _, file := range []string{"a.ann", "a.txt"} {
		become("br_fifo_"+file, file, fifo)
		become("br_zeros_"+file, file, func(path string) error { return os.Symlink("/dev/zero", path) })
	}
	become("br_dir", "a.txt", func(path string) error { return os.Mkdir(path, 0o777) })
	cases = append(cases, Case{Name: "br_skipped", Args: train("relation", "in", "--skip-wrong"), Says: []string{"in/a.ann:2:", "more", "no relation"}, Make: func(f Folder) error {
		return errorsFirst(f.Write("in/a.txt", []byte("tio2 films\n")), f.Write("in/a.ann", []byte(t1+strings.Repeat("hello\n", 100_000))))
	}})

	// Spans of Prodigy, spaCy and kiban.
	lists := func(name, data string, says ...string) {
		one(name, "in.jsonl", text(data), train("ner", "in.jsonl"), append(says, "in.jsonl:")...)
	}
	const span = `{"text": "tio2 films", "spans": [{"start": 0, "end": 4, "label": "MAT"}]}` + "\n"
	lists("li_past", span+`{"text": "tio2", "spans": [{"start": 0, "end": 5, "label": "MAT"}]}`, ":2:", "leaves the text")
	lists("li_negative", `{"text": "tio2", "spans": [{"start": -1, "end": 4, "label": "MAT"}]}`, ":1:", "leaves the text")
	lists("li_huge", `{"text": "tio2", "spans": [[0, 9223372036854775807, "MAT"]]}`, ":1:", "leaves the text")
	lists("li_fraction", `{"text": "tio2", "spans": [[0, 4.5, "MAT"]]}`, ":1:", "[start, end, label]")
	lists("li_no_label", `{"text": "tio2", "spans": [{"start": 0, "end": 4}]}`, ":1:", "no label")
	lists("li_twice", `{"text": "tio2", "spans": [], "spans": [[0, 4, "MAT"]]}`, ":1:", "twice")
	lists("li_relation", `{"text": "tio2", "entities": [[0, 4, "MAT"]], "relations": [{"head": 0, "tail": 7, "label": "x"}]}`, ":1:", "relation 1")
	lists("li_long_text", `{"text": "tio2", "spans": [{"start": 0, "end": 4, "label": "MAT", "text": "`+strings.Repeat("a", 1<<20)+`"}]}`, ":1:")
	lists("li_surrogate", `{"text": "tio2 \ud835", "spans": [[0, 4, "MAT"]]}`, ":1:", "surrogate")
	lists("li_none", `{"text": "tio2", "spans": []}`+"\n", "no entities")
	cases[len(cases)-1].Says = []string{"in.jsonl: no entities"}
	one("li_line", "in.jsonl.gz", func() []byte { return gz([]byte(span + strings.Repeat("x", 50<<20))) }, train("ner", "in.jsonl.gz"), "in.jsonl.gz:2:")

	// Labels that are not the model's.
	labels := func(name, data string, args []string, says ...string) {
		cases = append(cases, Case{Name: name, Make: spoiledBERT(file("in.conll", text(data))), Args: args, Says: says})
	}
	labels("lb_finetune", good, train("ner", "in.conll", "-m", "model"), "B-PRO", "--new-head")
	labels("lb_other", strings.ReplaceAll(good, "MAT", "APL"), train("ner", "in.conll", "-m", "model"), "B-APL", "--new-head")
	many := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "tio2\tB-L%d\nfilms\tI-L%d\n\n", i, i)
		}
		return b.String()
	}
	labels("lb_many", many(100_000), train("ner", "in.conll", "-m", "model"))
	labels("lb_evaluate", good+"zno\tB-APL\n", []string{"materials", "evaluate", "in.conll", "-m", "model", "--device", "cpu"}, "in.conll:4:", "B-APL", "B-MAT")
	labels("lb_validation", good, train("ner", "in.conll", "--validation", "dev.conll", "--preset", "tiny"), "dev.conll:1:", "B-APL")
	cases[len(cases)-1].Make = func(f Folder) error {
		return errorsFirst(f.Write("in.conll", []byte(good)), f.Write("dev.conll", []byte("zno\tB-APL\n")))
	}
	abstracts := func(name, data, dev string, says ...string) {
		cases = append(cases, Case{Name: name, Says: says, Args: train("abstract", "in.csv", "--validation", "dev.csv"), Make: func(f Folder) error {
			return errorsFirst(f.Write("in.csv", []byte(data)), f.Write("dev.csv", []byte(dev)))
		}})
	}
	abstracts("lb_abstract", "id,text,label\n1,tio2 films,glass\n2,zno films,metal\n", "id,text,label\n3,zno,wood\n", "dev.csv:2:", "wood", "glass")
	abstracts("lb_abstract_none", "id,text,label\n1,tio2 films,glass\n2,zno films,\n", "id,text,label\n3,zno,glass\n", "in.csv:3:", "label")
	abstracts("lb_abstract_one", "id,text,label\n1,tio2 films,glass\n2,zno films,glass\n", "id,text,label\n3,zno,glass\n", "all texts are of one class, glass")
	return cases
}
