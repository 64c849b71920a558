package corpus

import (
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// outline shows a document: each section on a line of its own, with its text.
func outline(d Document) string {
	var s strings.Builder
	for _, x := range d.Sections {
		fmt.Fprintf(&s, "[%s]\n%s\n", x.Name, d.Text[x.Start:x.End])
	}
	return s.String()
}

func TestJATS(t *testing.T) {
	d, err := ReadXML(readFile(t, "testdata/xml/jats.xml"), "dir/jats.xml")
	if err != nil {
		t.Fatal(err)
	}
	const want = `[title]
Conductivity of La0.8Sr0.2MnO3−δ films
[abstract]
Films of 20 µm were cast at 25 ℃ & dried.
[1. Introduction]
1. Introduction

Manganites conduct1,2 above 600 K. They are cheap.
[figure]
Figure 1 Conductivity.

At p(O2) of 0.21 bar.
[1.1. History]
1.1. History

Early work used x < 0.3 & argon.

(a) first

second
[1. Introduction]
Back in the outer section.
[Results]
Results

The rate is k=103 per second.
[table]
Table 1 Gaps.

Oxide	Gap (eV)
TiO2	3.2
	3.0

By optics.
`
	if got := strings.ReplaceAll(outline(d), "\u00a0", " "); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if d.ID != "jats" || d.Title != "Conductivity of La0.8Sr0.2MnO3−δ films" || d.Meta["doi"] != "10.9999/invented.1" ||
		d.Meta["journal"] != "Journal of Invented Oxides" || d.Meta["year"] != "2021" || d.Meta["keywords"] != "perovskite; tape casting" {
		t.Errorf("id %q title %q meta %q", d.ID, d.Title, d.Meta)
	}
}

func TestElsevier(t *testing.T) {
	d, err := ReadXML(readFile(t, "testdata/xml/elsevier.xml"), "elsevier.xml")
	if err != nil {
		t.Fatal(err)
	}
	const want = `[title]
Ni0.9Fe0.1 supports
[abstract]
Highlights

Cheap.
[abstract]
A power of 0.6 W cm−2.
[2 Experimental]
2 Experimental

Powders3 were milled:

• for 2 h

then sieved. (1) x=1

In Table 1. Done.
[table]
Table 1 Sizes.

Ni	5 nm
[figure]
Fig. 1 SEM of the anode.
`
	if got := strings.NewReplacer("\u202f", " ", "\u2009", " ").Replace(outline(d)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if d.Title != "Ni0.9Fe0.1 supports" || d.Meta["doi"] != "10.9999/invented.2" || d.Meta["journal"] != "Invented Ceramics" || d.Meta["keywords"] != "anode" {
		t.Errorf("title %q meta %q", d.Title, d.Meta)
	}
}

// checkPlaces holds that the source file has at each place what Text has, and
// that only white space has none.
func checkPlaces(t testing.TB, d Document, source []byte, decode func([]byte) string) {
	t.Helper()
	at := 0
	for i, p := range d.Places {
		if p.Text.Start < at || p.Text.End <= p.Text.Start || p.Source.Start < 0 || p.Source.End > len(source) || p.Source.End <= p.Source.Start {
			t.Fatalf("place %d: %v behind %d", i, p, at)
		}
		if strings.TrimSpace(d.Text[at:p.Text.Start]) != "" {
			t.Fatalf("%q is from nowhere", d.Text[at:p.Text.Start])
		}
		at = p.Text.End
		got, want := decode(source[p.Source.Start:p.Source.End]), d.Text[p.Text.Start:p.Text.End]
		if want != got && !(strings.Contains(want, " ") && strings.Join(strings.Fields(got), " ") == strings.Join(strings.Fields(want), " ")) {
			t.Fatalf("place %d: the file has %q, the text %q", i, got, want)
		}
	}
	if at > len(d.Text) || strings.TrimSpace(d.Text[at:]) != "" {
		t.Fatalf("the last place ends at %d of %d", at, len(d.Text))
	}
}

// decodeXML knows no more than the entities by number and five by name, and
// those of the test file.
func decodeXML(b []byte) string {
	s := strings.NewReplacer("&nbsp;", "\u00a0", "&micro;", "µ", "&delta;", "δ", "&#x2212;", "−", "&#xA0;", "\u00a0", "&#8451;", "℃",
		"&#x202f;", "\u202f", "&#x2009;", "\u2009", "\r\n", "\n").Replace(string(b))
	return strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">").Replace(s)
}

func TestXMLPlaces(t *testing.T) {
	for _, name := range []string{"jats", "elsevier"} {
		utf8File := string(readFile(t, "testdata/xml/"+name+".xml"))
		want, err := ReadXML([]byte(utf8File), name)
		if err != nil {
			t.Fatal(err)
		}
		for kind, file := range map[string]string{
			"utf-8": utf8File, "crlf": strings.ReplaceAll(utf8File, "\n", "\r\n"), "mark": "\ufeff" + utf8File,
			"utf-16le": inUTF16(binary.LittleEndian, "\ufeff"+strings.Replace(utf8File, "UTF-8", "UTF-16", 1)),
			"utf-16be": inUTF16(binary.BigEndian, strings.Replace(utf8File, "UTF-8", "UTF-16", 1)),
		} {
			d, err := ReadXML([]byte(file), name)
			if err != nil {
				t.Fatal(kind, err)
			}
			if d.Text != want.Text {
				t.Errorf("%s of %s differs", name, kind)
			}
			decode := decodeXML
			if strings.HasPrefix(kind, "utf-16") {
				order := binary.ByteOrder(binary.LittleEndian)
				if kind == "utf-16be" {
					order = binary.BigEndian
				}
				decode = func(b []byte) string {
					var units []uint16
					for i := 0; i < len(b); i += 2 {
						units = append(units, order.Uint16(b[i:]))
					}
					return decodeXML([]byte(string(utf16.Decode(units))))
				}
			}
			checkPlaces(t, d, []byte(file), decode)
		}
	}
}

func inUTF16(order binary.ByteOrder, s string) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, 0, 0)
		order.PutUint16(b[len(b)-2:], u)
	}
	return string(b)
}

func jats(body string) string { return "<article><body><p>" + body + "</p></body></article>" }

func TestXMLRefused(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"laughs":     {"<!DOCTYPE lolz [<!ENTITY lol \"lol\"><!ENTITY lol2 \"&lol;&lol;\">]>\n" + jats("&lol2;"), "x.xml:1: the DOCTYPE declares entities of its own"},
		"file":       {"<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>\n" + jats("&x;"), "x.xml:1: the DOCTYPE declares"},
		"entity":     {"\n" + jats("&nosuch;"), "x.xml:2: invalid character entity &nosuch; write the character itself"},
		"depth":      {strings.Repeat("<a>", 300), "x.xml:1: elements more than 256 deep"},
		"attributes": {"<a " + strings.Repeat("b='1' ", 300) + "/>", "x.xml:1: <a> has 300 attributes"},
		"latin1":     {`<?xml version="1.0" encoding="ISO-8859-1"?><article/>`, "x.xml:1: the encoding ISO-8859-1, and only UTF-8 and UTF-16 are read; convert the file by iconv -f ISO-8859-1 -t UTF-8"},
		"utf-7":      {`<?xml version="1.0" encoding="UTF-7"?><article/>`, "x.xml:1: the encoding UTF-7"},
		"bytes":      {"\n\n" + jats("a\xffb"), "x.xml:3: invalid UTF-8; convert it"},
		"cut":        {"<article><body>\n<p>text", "x.xml:2: unexpected EOF; mend the file"},
		"crossed":    {jats("<i>a</p></i>"), "x.xml:1: element <i> closed by </p>"},
		"html":       {"<html><body><p>a</p></body></html>", "x.xml:1: a page in HTML; give the article"},
		"other":      {"<rss><p>a</p></rss>", "x.xml:1: XML, but no article"},
		"two":        {"<set>" + jats("a") + "\n" + jats("b") + "</set>", "x.xml:2: a second article; divide the file"},
		"tag":        {"<article><" + strings.Repeat("a", 1<<20) + "></b></article>", "x.xml:1: element <aaa"},
		"reference":  {jats("&" + strings.Repeat("a", 1<<20) + ";"), "x.xml:1: invalid character entity &aaa"},
		"encoding":   {`<?xml version="1.0" encoding="` + strings.Repeat("x", 1<<20) + `"?><article/>`, "x.xml:1: the encoding xxx"},
		"stretches":  {jats(strings.Repeat("&amp;", maxXMLPlaces+1)), "x.xml:1: more than 1048576 stretches of text"},
		"wide":       {"\xff\xfe<\x00a", "x.xml:1: UTF-16 that breaks off"},
		"half":       {"\xff\xfe\x00\xd8<\x00", "x.xml:1: UTF-16 that breaks off or has half a character"},
	} {
		_, err := ReadXML([]byte(c.in), "x.xml")
		if err == nil || !strings.HasPrefix(err.Error(), c.want) || len(err.Error()) > 600 {
			t.Errorf("%s: got %.700v, want %s", name, err, c.want)
		}
	}
}

// TestXMLTextBound reads a text that is too long.
func TestXMLTextBound(t *testing.T) {
	_, err := ReadXML([]byte(jats(strings.Repeat("a", maxXMLText+1))), "x.xml")
	if err == nil || !strings.Contains(err.Error(), "bytes between two tags") {
		t.Error(err)
	}
}

// TestXMLTime holds the time of hostile files to what their size allows.
func TestXMLTime(t *testing.T) {
	for name, in := range map[string]string{
		"blanks": jats(strings.Repeat(" ", 1<<20)), "tags": jats(strings.Repeat("<b/> a", 1<<17)), "amp": jats(strings.Repeat("&amp;", 1<<18)),
		"sections": "<article><body>" + strings.Repeat("<sec><title>a</title><p>b</p></sec>", 1<<14) + "</body></article>",
	} {
		began := time.Now()
		if _, err := ReadXML([]byte(in), "x.xml"); err != nil {
			t.Error(name, err)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%s took %v", name, took)
		}
	}
}

func FuzzXML(f *testing.F) {
	for _, name := range []string{"jats", "elsevier"} {
		f.Add(readFile(f, "testdata/xml/"+name+".xml"))
	}
	f.Add([]byte(jats("a &lt; b<![CDATA[ & c]]>&#x10FFFF;")))
	f.Add([]byte(inUTF16(binary.LittleEndian, "\ufeff"+jats("a μ 𝛼"))))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := ReadXML(data, "x.xml")
		if err != nil {
			return
		}
		if !utf8.ValidString(d.Text) {
			t.Fatalf("text %q", d.Text)
		}
		at := 0
		for _, p := range d.Places {
			if p.Text.Start < at || p.Text.End <= p.Text.Start || p.Source.Start < 0 || p.Source.End <= p.Source.Start || p.Source.End > len(data) {
				t.Fatalf("place %v behind %d of %d and %d", p, at, len(d.Text), len(data))
			}
			at = p.Text.End
		}
		at = 0
		for _, s := range d.Sections {
			if s.Start < at || s.End <= s.Start || s.End > len(d.Text) {
				t.Fatalf("section %v behind %d of %d", s, at, len(d.Text))
			}
			at = s.End
		}
	})
}
