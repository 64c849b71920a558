package corpus

import (
	"errors"
	"io"
	"strings"
)

// xml reads a file of XML: see ReadXML.
func (f *file) xml(r io.Reader) {
	data, ok := f.whole(r)
	if !ok {
		return
	}
	d, err := ReadXML(data, f.name)
	var e *Error
	switch {
	case errors.As(err, &e):
		f.fail(e.Line, e.What, e.Remedy, e.Err)
	case err != nil:
		f.fail(0, err.Error(), "", err)
	default:
		d.ID = f.id
		f.emit(d, 1)
	}
}

// utf16Order tells files in UTF-16: 'l' of little end first, 'b' of big, 0 of
// others.
func utf16Order(head []byte) byte {
	switch s := string(head[:min(len(head), 2)]); s {
	case "\xff\xfe", "<\x00":
		return 'l'
	case "\xfe\xff", "\x00<":
		return 'b'
	}
	return 0
}

// looksLikeXML16 tells whether a file in UTF-16 begins with a tag.
func looksLikeXML16(head []byte) bool {
	s := strings.TrimPrefix(strings.TrimPrefix(string(head[:min(len(head), 4)]), "\xff\xfe"), "\xfe\xff")
	return strings.HasPrefix(s, "<\x00") || strings.HasPrefix(s, "\x00<")
}
