package corpus

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"
)

// CoNLLOptions are the choices of ReadCoNLL.
type CoNLLOptions struct {
	// Column is that of the tags, counted from 1; 0 means the last.
	Column int
	// EmptyTag, if not "", stands for a tag that is missing.
	EmptyTag string
	// Scheme is that of the tags; "" is IOB2 or IOBES. DetectScheme finds it.
	Scheme Scheme
	// Repair makes B of an I that goes on nothing, a mistake in IOB2. It also
	// takes what comes too much in a line for part of its word, and U+FFFD for a
	// word that is missing.
	Repair bool
	// Comments are lines that begin with "# ", to be passed over.
	Comments bool
}

// maxLine bounds a line: a word and its tags.
const maxLine = 1 << 20

// maxTag bounds a label, in bytes.
const maxTag = 200

// ReadCoNLL reads sentences of a file in columns: a word a line with its tags,
// separated by blanks or, if the line has any, tabs; an empty line ends a
// sentence, -DOCSTART- a document. Tags are returned as IOB2. name is the file's, for errors. After an
// error, which names file and line, there are no more.
func ReadCoNLL(r io.Reader, name string, o CoNLLOptions) iter.Seq2[Tagged, error] {
	return func(yield func(Tagged, error) bool) {
		c := conll{name: name, opt: o, scan: bufio.NewScanner(r)}
		c.scan.Buffer(make([]byte, 64<<10), maxLine)
		for {
			t, err := c.sentence()
			if errors.Is(err, io.EOF) {
				return
			}
			if !yield(t, err) || err != nil {
				return
			}
		}
	}
}

type conll struct {
	name    string
	opt     CoNLLOptions
	scan    *bufio.Scanner
	line    int
	columns int
	doc     int
	id      string
	raw     bool // tags stay as they are
}

func (c *conll) at(line int, format string, args ...any) error {
	return fmt.Errorf("%s:%d: %s", c.name, line, fmt.Sprintf(format, args...))
}

func (c *conll) sentence() (Tagged, error) {
	var t Tagged
	for c.scan.Scan() {
		c.line++
		line := strings.TrimSuffix(c.scan.Text(), "\r")
		if c.line == 1 {
			line = strings.TrimPrefix(line, "\ufeff")
		}
		switch {
		case strings.TrimSpace(line) == "":
			if len(t.Words) > 0 {
				return c.finish(t)
			}
			continue
		case strings.HasPrefix(line, "-DOCSTART-"):
			c.doc++
			c.id = fmt.Sprintf("%d", c.doc)
			if rest := strings.Fields(line[len("-DOCSTART-"):]); len(rest) > 0 && rest[len(rest)-1] != "O" && rest[len(rest)-1] != "-X-" {
				c.id = strings.Trim(rest[len(rest)-1], "()")
			}
			if len(t.Words) > 0 {
				return c.finish(t)
			}
			continue
		case c.opt.Comments && strings.HasPrefix(line, "# "):
			continue
		case !utf8.ValidString(line):
			return t, c.at(c.line, "not valid UTF-8; convert the file, for instance by iconv -f LATIN1 -t UTF-8")
		case strings.IndexByte(line, 0) >= 0:
			return t, c.at(c.line, "a NUL byte; the file is not text, or is damaged")
		}
		word, tag, err := c.split(line)
		if err != nil {
			return t, err
		}
		if len(t.Words) == 0 {
			t.Line, t.Doc = c.line, c.id
		}
		t.Words, t.Tags = append(t.Words, word), append(t.Tags, tag)
	}
	if err := c.scan.Err(); errors.Is(err, bufio.ErrTooLong) {
		return t, c.at(c.line+1, "a line of more than %d bytes; this is no file of a word a line", maxLine)
	} else if err != nil {
		return t, fmt.Errorf("%s:%d: %w; copy or download the file again", c.name, c.line+1, err)
	}
	if len(t.Words) > 0 {
		return c.finish(t)
	}
	return t, io.EOF
}

// split takes a line apart. A line with one column less whose last byte is a
// separator has an empty tag.
func (c *conll) split(line string) (word, tag string, err error) {
	var parts []string
	if strings.ContainsRune(line, '\t') {
		parts = strings.Split(line, "\t")
	} else {
		parts = strings.Split(line, " ")
	}
	if c.columns == 0 {
		c.columns = len(parts)
		if len(parts) < 2 {
			return "", "", c.at(c.line, "a word without a tag; a line is a word, a blank or a tab, and its tag")
		}
		if c.opt.Column > len(parts) {
			return "", "", c.at(c.line, "%d columns; the tags were asked for in column %d", len(parts), c.opt.Column)
		}
	}
	if n := len(parts); n != c.columns {
		if !c.opt.Repair || c.opt.Column > 0 || n < 2 {
			return "", "", c.at(c.line, "%d columns, the lines before have %d; is a blank missing, or one too many? read with --repair to take the last one for the tag", n, c.columns)
		}
		if n < c.columns {
			return "", "", c.at(c.line, "%d columns, the lines before have %d; mend the line", n, c.columns)
		}
		parts = append([]string{strings.TrimSpace(strings.Join(parts[:n-c.columns+1], " "))}, parts[n-c.columns+1:]...)
		if parts[0] == "" {
			return "", "", c.at(c.line, "%d columns, the lines before have %d, and no word; mend the line", n, c.columns)
		}
	}
	at := c.columns - 1
	if c.opt.Column > 0 {
		at = c.opt.Column - 1
	}
	word, tag = parts[0], strings.TrimSpace(parts[at])
	if strings.TrimSpace(word) == "" {
		if !c.opt.Repair {
			return "", "", c.at(c.line, "a tag without a word; mend the line, or read with --repair to take \ufffd for the word")
		}
		word = "\ufffd"
	}
	if tag == "" {
		if c.opt.EmptyTag == "" {
			return "", "", c.at(c.line, "%.60q has an empty tag; mend the line, or read with --empty-tag O", word)
		}
		tag = c.opt.EmptyTag
	}
	return word, tag, nil
}

// finish checks the tags of a sentence and makes IOB2 of them.
func (c *conll) finish(t Tagged) (Tagged, error) {
	if c.raw {
		return t, nil
	}
	out := make([]string, len(t.Tags))
	before, label := byte('O'), "" // the tag before, as the file has it
	for i, tag := range t.Tags {
		p, l, hyphen := strings.Cut(tag, "-")
		if tag == "O" || tag == "." {
			out[i], before, label = "O", 'O', ""
			continue
		}
		if !hyphen || l == "" || len(p) != 1 || !strings.Contains("BIESLU", p) || len(l) > maxTag || strings.ContainsFunc(l, unicode.IsControl) {
			return t, c.at(t.Line+i, "the tag %.60q of %.60q; tags are O, or B- or I- and a label", tag, t.Words[i])
		}
		begins := before == 'O' || l != label || before == 'E' || before == 'L' || before == 'S' || before == 'U'
		switch p[0] {
		case 'B', 'S', 'U':
			begins = true
		case 'I':
			if begins && !c.opt.Repair && c.opt.Scheme != IOB1 && c.opt.Scheme != IOE {
				return t, c.at(t.Line+i, "%.60q has the tag %.60q, which goes on nothing; is a B- missing? read with --repair to begin there, as in IOB1", t.Words[i], tag)
			}
		}
		out[i] = "I-" + l
		if begins {
			out[i] = "B-" + l
		}
		before, label = p[0], l
	}
	t.Tags = out
	return t, nil
}
