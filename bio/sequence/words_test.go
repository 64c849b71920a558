package sequence

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
)

// Every byte at every place of a text ends its letters, or its printable text, as
// looking at one byte at a time says.
func TestWords(t *testing.T) {
	room := make([]byte, 100)
	for at := range 80 {
		for c := range 256 {
			for _, after := range []byte{'A', 0, 0xff} {
				text := bytes.Repeat([]byte{'Z', 'A', 'Q'}, 27)
				text[at], text[at+1] = byte(c), after
				want := 0
				for want < len(text) && text[want] >= 'A' && text[want] <= 'Z' {
					want++
				}
				if got := copyLetters(room, text); got != want || !bytes.Equal(room[:got], text[:got]) {
					t.Fatalf("%d letters of %q, want %d", got, text, want)
				}
				if got, least := copyLetters(room[:at], text), min(at, want); got != least {
					t.Fatalf("%d letters of %q into %d bytes, want %d", got, text, at, least)
				}
				want = 0
				for want < len(text) && text[want] >= ' ' && text[want] <= '~' {
					want++
				}
				if got := plainText(text); got != want/8*8 {
					t.Fatalf("%d printable bytes of %q, want %d in words", got, text, want)
				}
			}
		}
	}
}

func TestPairs(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	p, got, want := new(pairs), [256]int64{}, [256]int64{}
	for i := range 1000 {
		letters := make([]byte, rnd.IntN(100))
		for k := range letters {
			letters[k] = byte('A' + rnd.IntN(26))
			want[letters[k]]++
		}
		if i == 500 {
			p.letters = 1 << 32 // as if so many had been counted
		}
		p.add(letters, &got)
		if i == 500 && p.letters >= 1<<32 {
			t.Error("counts may overflow")
		}
	}
	p.flush(&got)
	p.flush(&got)
	if got != want {
		t.Errorf("%v, want %v", got, want)
	}
}

// IDs stay what they are while later ones are read.
func TestKeptNames(t *testing.T) {
	var in strings.Builder
	for i := range 2000 {
		in.WriteString(">" + strings.Repeat(string(rune('a'+i%26)), i%500+1) + " d\nM\n")
	}
	got, _, err := read(t, strings.NewReader(in.String()), Options{})
	if err != nil || len(got) != 2000 {
		t.Fatalf("%d records, %v", len(got), err)
	}
	r, err := NewReader(strings.NewReader(in.String()), "t.fa", Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var all []Record
	for rec := range r.All() {
		all = append(all, rec)
	}
	for i, rec := range all {
		if rec.ID+"|"+rec.Description+"|M" != got[i] {
			t.Fatalf("record %d: %q %q, want %s", i, rec.ID, rec.Description, got[i])
		}
	}
}
