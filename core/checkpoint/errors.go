package checkpoint

import "fmt"

// FormatError says that a file is malformed: it breaks a rule of its format,
// whoever reads it.
type FormatError struct {
	Path string
	Msg  string
}

func (e *FormatError) Error() string { return fmt.Sprintf("%s: %s", e.Path, e.Msg) }

// UnsupportedError says that a file is well formed but holds something that
// Kiban does not read.
type UnsupportedError struct {
	Path string
	What string // the tensor or part, such as `tensor "h.0.attn.bias"`
	Msg  string
}

func (e *UnsupportedError) Error() string { return fmt.Sprintf("%s: %s: %s", e.Path, e.What, e.Msg) }
