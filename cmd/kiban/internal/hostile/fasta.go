package hostile

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"unicode/utf16"
)

var (
	prepare      = []string{"protein", "prepare", "in.fa", "-o", "out", "--vocab-size", "300", "--progress", "none"}
	prepareInput = []string{"protein", "prepare", "-", "-o", "out", "--vocab-size", "300", "--progress", "none"}
	// prepared are the tokens that were read.
	prepared = []string{"out/train/*.bin", "out/validation/*.bin"}
)

// proteins are n harmless records, the same at every call.
func proteins(n int) string {
	r := rand.New(rand.NewPCG(3, 4))
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, ">P%d\n", i)
		for range 40 + r.IntN(40) {
			b.WriteByte("ACDEFGHIKLMNPQRSTVWY"[r.IntN(20)])
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func harmless(f Folder) error { return f.Write("in.fa", []byte(proteins(50))) }

// fastaCases are attacks by FASTA text.
func fastaCases() []Case {
	good := proteins(50)
	var cases []Case
	refuse := func(name, data string, says ...string) {
		cases = append(cases, Case{Name: name, Make: file("in.fa", text(data)), Args: prepare, Says: append(says, "in.fa:")})
	}
	accept := func(name, data string, more ...string) {
		cases = append(cases, Case{Name: name, Make: file("in.fa", text(data)), Args: append(prepare[:len(prepare):len(prepare)], more...), Accept: true, Twin: harmless, TwinArgs: prepare, Files: prepared})
	}
	stream := func(name, says string, input func(w io.Writer) error) {
		cases = append(cases, Case{Name: name, Make: func(Folder) error { return nil }, Args: prepareInput, Input: input, Says: []string{says}})
	}
	refuse("fa_noheader", strings.SplitN(good, "\n", 2)[1], "text before the first header")
	refuse("fa_nul", good+">n\nMK\x00V\n", "NUL byte", ":102:")
	refuse("fa_header_inside", good+">n\nMK>o\n", "inside a sequence line")
	refuse("fa_control", good+">n\x1b[2J\nMK\n", "control byte 0x1b")
	refuse("fa_million_empty", strings.Repeat(">e\n", 1_000_000), "no residues after the header")
	refuse("fa_dupid_error", "", "")
	cases[len(cases)-1] = Case{Name: "fa_dupid_error", Make: file("in.fa", text(good+">P3\nMKV\n")), Says: []string{"in.fa:", "same ID"},
		Args: append(prepare[:len(prepare):len(prepare)], "--duplicates", "error")}
	refuse("fa_utf16", utf16Text(good), "UTF-16")
	refuse("fa_elf", "\x7fELF\x02\x01\x01"+strings.Repeat("\x00", 60), "control byte 0x7f")
	accept("fa_cr", strings.ReplaceAll(good, "\n", "\r"))
	accept("fa_crlf", strings.ReplaceAll(good, "\n", "\r\n"))
	accept("fa_bom", "\xef\xbb\xbf"+good)
	// An ID that comes again is left out unless the user says otherwise, and
	// so is an equal sequence.
	accept("fa_dupid", good+">P3\nMKV\n>P3\nMKVV\n"+good)
	accept("fa_million_empty_skipped", good+strings.Repeat(">e\n", 1_000_000), "--empty", "skip")
	stream("fa_header1g", "header longer than", func(w io.Writer) error {
		if _, err := io.WriteString(w, ">a "); err != nil {
			return err
		}
		return chunks(bytes.Repeat([]byte("x"), 1<<20), 1<<10)(w)
	})
	stream("fa_oneline", "longer than", func(w io.Writer) error {
		if _, err := io.WriteString(w, ">a\n"); err != nil {
			return err
		}
		return chunks(bytes.Repeat([]byte("MKVLAAGG"), 1<<17), 1<<12)(w)
	})
	stream("fa_blank_lines", "text before the first header", func(w io.Writer) error {
		if err := chunks(bytes.Repeat([]byte("\n"), 1<<20), 1<<5)(w); err != nil {
			return err
		}
		_, err := io.WriteString(w, "x\n")
		return err
	})
	stream("fa_zeros", "NUL byte", chunks(make([]byte, 1<<20), 1<<12))
	return cases
}

func utf16Text(s string) string {
	b := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return string(b)
}
