package netcdf

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Attribute is a named value of a variable or a file.
type Attribute struct {
	Name string `json:"name"`
	Type string `json:"type"`
	// Value is a string (char), []string (string), or a slice of the numbers
	// of Type: []int8 to []uint64, []float32, []float64; nil if Unsupported.
	Value       any    `json:"value"`
	Unsupported string `json:"unsupported,omitempty"` // why there is no value
}

// Text is the value of a text attribute, of either of the two text types.
func (a Attribute) Text() (string, bool) {
	switch v := a.Value.(type) {
	case string:
		return v, true
	case []string:
		return strings.Join(v, " "), len(v) > 0
	}
	return "", false
}

// Float64s are the values of a numeric attribute.
func (a Attribute) Float64s() ([]float64, bool) {
	switch v := a.Value.(type) {
	case []int8:
		return floats(v), true
	case []uint8:
		return floats(v), true
	case []int16:
		return floats(v), true
	case []uint16:
		return floats(v), true
	case []int32:
		return floats(v), true
	case []uint32:
		return floats(v), true
	case []int64:
		return floats(v), true
	case []uint64:
		return floats(v), true
	case []float32:
		return floats(v), true
	case []float64:
		return v, true
	}
	return nil, false
}

// float64 is the value of an attribute that is one number.
func (a Attribute) float64() (float64, bool) {
	v, ok := a.Float64s()
	if !ok || len(v) != 1 {
		return 0, false
	}
	return v[0], true
}

type number interface {
	int8 | uint8 | int16 | uint16 | int32 | uint32 | int64 | uint64 | float32 | float64
}

func floats[T number](in []T) []float64 {
	out := make([]float64, len(in))
	for i, x := range in {
		out[i] = float64(x)
	}
	return out
}

// words are the values as text, float32 with the digits that it needs.
func (a Attribute) words() []string {
	switch v := a.Value.(type) {
	case []float32:
		return each(v, func(x float32) string { return floatText(float64(x), 32) })
	case []float64:
		return each(v, func(x float64) string { return floatText(x, 64) })
	case []int8:
		return each(v, integerText)
	case []uint8:
		return each(v, integerText)
	case []int16:
		return each(v, integerText)
	case []uint16:
		return each(v, integerText)
	case []int32:
		return each(v, integerText)
	case []uint32:
		return each(v, integerText)
	case []int64:
		return each(v, integerText)
	case []uint64:
		return each(v, integerText)
	}
	return nil
}

func each[T any](in []T, text func(T) string) []string {
	out := make([]string, len(in))
	for i, x := range in {
		out[i] = text(x)
	}
	return out
}

func integerText[T number](x T) string { return fmt.Sprint(x) }

func floatText(x float64, bits int) string { return strconv.FormatFloat(x, 'g', -1, bits) }

// String is the value for people: text quoted, numbers separated by commas.
func (a Attribute) String() string {
	switch v := a.Value.(type) {
	case string:
		return strconv.Quote(v)
	case []string:
		return strings.Join(each(v, strconv.Quote), ", ")
	case nil:
		return a.Unsupported
	}
	return strings.Join(a.words(), ", ")
}

// MarshalJSON writes one number as a number and more as an array. JSON has no
// NaN and no infinities: they are the strings "NaN", "Infinity", "-Infinity".
func (a Attribute) MarshalJSON() ([]byte, error) {
	out := struct {
		Name        string `json:"name"`
		Type        string `json:"type"`
		Value       any    `json:"value"`
		Unsupported string `json:"unsupported,omitempty"`
	}{a.Name, a.Type, a.Value, a.Unsupported}
	if words := a.words(); words != nil {
		raw := make([]json.RawMessage, len(words))
		for i, w := range words {
			raw[i] = jsonNumber(w)
		}
		if out.Value = raw; len(raw) == 1 {
			out.Value = raw[0]
		}
	}
	return json.Marshal(out)
}

func jsonNumber(word string) json.RawMessage {
	if x, err := strconv.ParseFloat(word, 64); err == nil {
		switch {
		case math.IsNaN(x):
			return json.RawMessage(`"NaN"`)
		case math.IsInf(x, 1):
			return json.RawMessage(`"Infinity"`)
		case math.IsInf(x, -1):
			return json.RawMessage(`"-Infinity"`)
		}
	}
	return json.RawMessage(word)
}

func findAttribute(all []Attribute, name string) (Attribute, bool) {
	for _, a := range all {
		if a.Name == name {
			return a, true
		}
	}
	return Attribute{}, false
}
