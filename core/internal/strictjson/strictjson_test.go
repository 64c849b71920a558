package strictjson

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestRefused(t *testing.T) {
	for _, s := range []string{
		``, `{`, `{"a":1,"a":2}`, `{"a":1,}`, `[1,]`, `[1 2]`, `{"a" 1}`, `{a:1}`, `"abc`, `"\x"`, `"\ud800"`,
		`"\ud800\u0041"`, `"\udc00\ud800"`, "\"\xff\"", "\"a\\n\xff\"", "\"\x01\"", `01`, `-`, `1.`, `1e`, `nul`, `truee`, `1 2`,
		`{"1":1,"2":1,"3":1,"4":1,"5":1,"6":1,"7":1,"8":1,"9":1,"3":1}`,
		`{"1":1,"2":1,"3":1,"4":1,"5":1,"6":1,"7":1,"8":1,"9":1,"9":1}`,
		strings.Repeat("[", 1000000),
		strings.Repeat("[", 10) + strings.Repeat("]", 10),
	} {
		r := NewReader([]byte(s))
		err := r.Skip(9)
		if err == nil {
			err = r.End()
		}
		if err == nil {
			t.Errorf("%.40q was accepted", s)
		}
	}
}

func TestUint(t *testing.T) {
	for s, want := range map[string]int64{"0": 0, "17": 17, "9223372036854775807": 1<<63 - 1} {
		if n, err := NewReader([]byte(s)).Uint(); err != nil || n != want {
			t.Errorf("%s: %d, %v", s, n, err)
		}
	}
	for _, s := range []string{"-0", "-1", "1.0", "1e2", "9223372036854775808", "00", `"1"`, ""} {
		if n, err := NewReader([]byte(s)).Uint(); err == nil {
			t.Errorf("%s was read as %d", s, n)
		}
	}
}

// What Skip accepts is JSON, and strings mean what encoding/json says.
func FuzzSkip(f *testing.F) {
	for _, s := range []string{`{"a":[1,-2.5e3,"x\u00e9\ud83d\ude00\n",true,false,null]}`, ` "a\/b" `, `[]`, `{}`, `-0`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r := NewReader(data)
		ok := r.Skip(100) == nil && r.End() == nil
		if ok && !json.Valid(data) {
			t.Fatalf("%q is not JSON", data)
		}
		r = NewReader(data)
		if s, err := r.String(); err == nil && r.End() == nil {
			var want string
			if err := json.Unmarshal(data, &want); err != nil || s != want {
				t.Fatalf("%q: %q, want %q (%v)", data, s, want, err)
			}
		}
		if s := string(data); utf8.ValidString(s) {
			back, err := NewReader(AppendString(nil, s)).String()
			if err != nil || back != s {
				t.Fatalf("%q became %q: %v", s, back, err)
			}
		}
	})
}
