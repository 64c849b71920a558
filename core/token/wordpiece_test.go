package token

import (
	"fmt"
	"strings"
	"testing"
)

func tinyWordPiece(t testing.TB, rules Rules) *WordPiece {
	t.Helper()
	vocab := "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\nfilm\n##s\nof\nli\n##fe\n##po\n##4\n-\n,\n.\nnano\n##meter\n##é\nmü\nmu\n##l\nμ\n"
	w, err := ReadVocabText(strings.NewReader(vocab), rules)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func ExampleWordPiece_Encode() {
	vocab := "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nfilms\nof\nli\n##fe\n##po\n##4\n.\nangstrom\n"
	w, err := ReadVocabText(strings.NewReader(vocab), Rules{Lowercase: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	text := "Films of LiFePO4, ångström."
	for _, p := range w.Encode(text) {
		fmt.Printf("%2d %-8s %q\n", p.ID, w.Token(p.ID), text[p.Start:p.End])
	}
	// Output:
	//  5 films    "Films"
	//  6 of       "of"
	//  7 li       "Li"
	//  8 ##fe     "Fe"
	//  9 ##po     "PO"
	// 10 ##4      "4"
	//  1 [UNK]    ","
	// 12 angstrom "ångström"
	// 11 .        "."
}
