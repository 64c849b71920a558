package checkpoint

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/kiban-models/kiban/core/tensor"
)

// FillOptions says what Fill lets pass; the zero value lets nothing pass.
type FillOptions struct {
	// AllowExtra reports whether a tensor that the model does not have may be
	// in the file, such as the "h.0.attn.bias" and "h.0.attn.masked_bias" of
	// published GPT-2 files, or a tied "lm_head.weight". It is not read.
	AllowExtra func(name string) bool

	// AllowNonFinite takes weights that are NaN or infinite.
	AllowNonFinite bool
}

// MismatchError lists every disagreement between what a model wants and what
// its weights are. Its text has a line each, of long lists the beginning.
type MismatchError struct {
	Missing    []string // wanted, not there
	Unexpected []string // there, not wanted
	Misshapen  []string // there in another shape or an unusable type, with both
}

// namedErrors is the number of tensors of a kind that the text names.
const namedErrors = 10

func (e *MismatchError) Error() string {
	var b strings.Builder
	b.WriteString("checkpoint: the weights do not fit the model")
	for _, part := range []struct {
		what  string
		names []string
	}{{"missing", e.Missing}, {"unexpected", e.Unexpected}, {"of another shape or type", e.Misshapen}} {
		if len(part.names) > 0 {
			fmt.Fprintf(&b, "\n  %d %s:", len(part.names), part.what)
			for i, n := range part.names {
				if i == namedErrors && len(part.names) > namedErrors+1 {
					fmt.Fprintf(&b, "\n    and %d more", len(part.names)-i)
					break
				}
				b.WriteString("\n    " + n)
			}
		}
	}
	return b.String()
}

// Fill reads each wanted tensor from a source, converts it to the wanted type,
// and gives it to put, in the order of want. Before the first one it compares
// names, shapes and types: if anything disagrees it returns a *MismatchError
// that lists all of it, and put is never called.
func Fill(put func(name string, t *tensor.Tensor) error, want []Spec, from Lister, opt FillOptions) error {
	if err := compare(want, from, opt); err != nil {
		return err
	}
	for _, s := range want {
		t, err := from.Tensor(s.Name)
		if err == nil {
			t, err = fit(t, s)
		}
		if err != nil {
			return fmt.Errorf("checkpoint: reading weights: %w", err)
		}
		if i := NonFinite(t); i >= 0 && !opt.AllowNonFinite {
			return fmt.Errorf("checkpoint: tensor %q: element %d is %v as %v; the weights are damaged or overflow the type", s.Name, i, t.At(i), s.DType)
		}
		if err := put(s.Name, t); err != nil {
			return fmt.Errorf("checkpoint: tensor %q: %w", s.Name, err)
		}
	}
	return nil
}

func compare(want []Spec, from Lister, opt FillOptions) error {
	names := from.Names()
	there := make(map[string]bool, len(names))
	for _, n := range names {
		there[n] = true
	}
	wanted := make(map[string]bool, len(want))
	var bad MismatchError
	for _, w := range want {
		if wanted[w.Name] {
			return fmt.Errorf("checkpoint: tensor %q is wanted twice", w.Name)
		}
		wanted[w.Name] = true
		if !there[w.Name] {
			bad.Missing = append(bad.Missing, w.String())
			continue
		}
		got, err := from.Spec(w.Name)
		var unsupported *UnsupportedError
		switch {
		case errors.As(err, &unsupported):
			bad.Misshapen = append(bad.Misshapen, fmt.Sprintf("%s: %s", w.Name, unsupported.Msg))
		case err != nil:
			return err
		case !slices.Equal(got.Shape, w.Shape) || !convertible(got.DType, w.DType):
			bad.Misshapen = append(bad.Misshapen, fmt.Sprintf("%s: found %v%v, want %v%v", w.Name, got.DType, got.Shape, w.DType, w.Shape))
		}
	}
	for _, n := range names {
		if !wanted[n] && (opt.AllowExtra == nil || !opt.AllowExtra(n)) {
			bad.Unexpected = append(bad.Unexpected, n)
		}
	}
	if len(bad.Missing)+len(bad.Unexpected)+len(bad.Misshapen) > 0 {
		slices.Sort(bad.Missing)
		slices.Sort(bad.Misshapen)
		return &bad
	}
	return nil
}

// NonFinite returns the index of the first NaN or infinity, -1 if there is
// none. An exponent of all ones is what makes a number one of them.
func NonFinite(t *tensor.Tensor) int {
	switch t.DType() {
	case tensor.F32:
		return slices.IndexFunc(t.Float32(), func(v float32) bool { return math.Float32bits(v)&0x7f800000 == 0x7f800000 })
	case tensor.F64:
		return slices.IndexFunc(t.Float64(), func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) })
	case tensor.BF16:
		return slices.IndexFunc(t.Bits16(), func(h uint16) bool { return h&0x7f80 == 0x7f80 })
	case tensor.F16:
		return slices.IndexFunc(t.Bits16(), func(h uint16) bool { return h&0x7c00 == 0x7c00 })
	}
	return -1
}
