package corpus

import (
	"bufio"
	"errors"
	"io"
	"strings"
)

// Scheme is how tags say where an entity begins and ends.
type Scheme string

// The schemes of tags.
const (
	IOB2  Scheme = "IOB2"  // B- begins each entity
	IOB1  Scheme = "IOB1"  // B- begins one only behind another of its label (CoNLL 2003)
	IOE   Scheme = "IOE"   // E- ends one, of all or only before another of its label
	IOBES Scheme = "IOBES" // B- begins, E- ends, S- is one alone; also BILOU
)

// DetectScheme reads a file in columns and tells by which scheme its tags are:
// by E- and S-, and by whether B- ever begins an entity that follows no other.
// IOB1 is told from IOB2 with mistakes by the latter: a file in which B- begins
// such entities is IOB2.
func DetectScheme(r io.Reader, name string, o CoNLLOptions) (Scheme, error) {
	c := conll{name: name, opt: o, scan: bufio.NewScanner(r), raw: true}
	c.scan.Buffer(make([]byte, 64<<10), maxLine)
	var begins, behind, loose, ends, single bool
	for {
		t, err := c.sentence()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return "", err
		}
		before, label := "", "" // the tag before
		for _, tag := range t.Tags {
			p, l, _ := strings.Cut(tag, "-")
			goesOn := l != "" && l == label && before != "E" && before != "L" && before != "S" && before != "U"
			switch p {
			case "B":
				begins = begins || !goesOn
				behind = behind || goesOn
			case "I":
				loose = loose || !goesOn
			case "E", "L":
				ends = true
			case "S", "U":
				single = true
			}
			before, label = p, l
		}
	}
	switch {
	case single, ends && (begins || behind):
		return IOBES, nil
	case ends:
		return IOE, nil
	case loose && !begins:
		return IOB1, nil
	}
	return IOB2, nil
}
