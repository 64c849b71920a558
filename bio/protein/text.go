package protein

import (
	"bytes"
	"fmt"
)

// LineWidth is the number of residues a line in the text of a protein.
const LineWidth = 60

// Text returns the text of a protein as ProtGPT2 was trained on it, without
// the token <|endoftext|> that stands before it:
//
//	\n
//	MKTAYIAKQR... 60 residues\n
//	...
//	the rest\n
//
// It is a FASTA record whose header has become <|endoftext|>. Line breaks are
// part of the text and are predicted like residues.
func Text(residues []byte) []byte {
	return AppendText(make([]byte, 0, len(residues)+len(residues)/LineWidth+2), residues)
}

// AppendText appends Text(residues) to dst.
func AppendText(dst, residues []byte) []byte {
	dst = append(dst, '\n')
	for len(residues) > 0 {
		n := min(LineWidth, len(residues))
		dst = append(dst, residues[:n]...)
		dst = append(dst, '\n')
		residues = residues[n:]
	}
	return dst
}

// Residues is the inverse of Text. It also accepts text without the first or
// the last line break, as sampling from a prompt or up to a limit gives it. An
// error says where the text departs from the layout: such a sample is not a
// protein as the model has learned them and is best discarded. The residues
// are returned even then.
func Residues(text []byte) ([]byte, error) {
	body := bytes.TrimSuffix(bytes.TrimPrefix(text, []byte("\n")), []byte("\n"))
	out := make([]byte, 0, len(body))
	var err error
	for number := 1; len(body) > 0; number++ {
		line, rest, more := bytes.Cut(body, []byte("\n"))
		for i, c := range line {
			if c >= 'A' && c <= 'Z' {
				out = append(out, c)
			} else if err == nil {
				err = fmt.Errorf("protein: text line %d, column %d: %q is no residue", number, i+1, c)
			}
		}
		if err == nil && (more && len(line) != LineWidth || len(line) > LineWidth) {
			err = fmt.Errorf("protein: text line %d has %d residues, want %d", number, len(line), LineWidth)
		}
		body = rest
	}
	if len(out) == 0 && err == nil {
		err = fmt.Errorf("protein: text without residues")
	}
	return out, err
}
