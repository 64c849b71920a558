package corpus

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// WriteCoNLL writes sentences in columns: a word, a tab and its tag a line, an
// empty line behind a sentence, and -DOCSTART- before a document that has a
// name, whose white space becomes underscores.
func WriteCoNLL(w io.Writer, sentences []Tagged) error {
	out := bufio.NewWriter(w)
	doc := ""
	for i, s := range sentences {
		if len(s.Words) != len(s.Tags) {
			return fmt.Errorf("corpus: sentence %d has %d words and %d tags", i+1, len(s.Words), len(s.Tags))
		}
		if s.Doc != doc {
			doc = s.Doc
			fmt.Fprintf(out, "-DOCSTART- (%s)\n\n", strings.Join(strings.Fields(doc), "_"))
		}
		for j, word := range s.Words {
			if strings.TrimSpace(word) == "" || s.Tags[j] == "" || strings.ContainsAny(word, "\t\n\r") || strings.ContainsFunc(s.Tags[j], unicode.IsSpace) ||
				strings.HasPrefix(word, "-DOCSTART-") {
				return fmt.Errorf("corpus: sentence %d: %q with the tag %q cannot stand in a column", i+1, word, s.Tags[j])
			}
			fmt.Fprintf(out, "%s\t%s\n", word, s.Tags[j])
		}
		fmt.Fprintln(out)
	}
	return out.Flush()
}
