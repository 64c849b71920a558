package figure

import (
	"bytes"
	"io"
	"regexp"
	"strings"
	"testing"

	"encoding/xml"
)

func sampleReport(t *testing.T) Report {
	t.Helper()
	svg, err := samples(t)["heatmap"].SVG(Single)
	if err != nil {
		t.Fatal(err)
	}
	return Report{
		Title:    `Pretraining <script>alert("x")</script> & more`,
		Result:   "Evaluation perplexity 9.8 (unigram 17.6, n = 812)",
		Asked:    []KV{{"Command", `kiban protein pretrain "a & b"`}},
		Tables:   []Table{{Caption: "Results", Header: []string{"model", "perplexity"}, Rows: [][]string{{"kiban", "9.8"}, {"unigram <x>", "17.6"}}, Numbers: true}},
		Figures:  []Fig{{SVG: svg, Caption: "Attention.", Finding: `Most weight lies on the "diagonal" & beside it.`}},
		Sections: []Section{{Heading: "Examples", Pre: ">s1 perplexity=9\nMKV"}},
		Limits:   []string{"3 of 812 sequences are duplicates."},
		Repeat:   []string{"kiban protein pretrain data -o run"},
		Versions: []KV{{"kiban", "0.1.0"}},
	}
}

func TestReportIsWellFormedAndClosed(t *testing.T) {
	var b bytes.Buffer
	if err := sampleReport(t).Write(&b); err != nil {
		t.Fatal(err)
	}
	page := b.String()

	// The page keeps to what an XML reader in HTML mode takes: every element
	// but the void ones is closed in order.
	d := xml.NewDecoder(strings.NewReader(page))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	count := map[string]int{}
	var stack []string
	for {
		tok, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("page does not parse: %v", err)
		}
		switch e := tok.(type) {
		case xml.StartElement:
			count[e.Name.Local]++
			stack = append(stack, e.Name.Local)
			for _, a := range e.Attr {
				if a.Name.Local == "src" || a.Name.Local == "href" && !strings.HasPrefix(a.Value, "data:") {
					t.Errorf("<%s %s=%q> refers outside the page", e.Name.Local, a.Name.Local, a.Value)
				}
			}
		case xml.EndElement:
			if len(stack) == 0 || stack[len(stack)-1] != e.Name.Local {
				t.Fatalf("</%s> closes %v", e.Name.Local, stack)
			}
			stack = stack[:len(stack)-1]
		}
	}
	if len(stack) != 0 {
		t.Errorf("left open: %v", stack)
	}
	for name, want := range map[string]int{"script": 0, "link": 0, "svg": 1, "table": 1, "caption": 1, "h1": 1} {
		if count[name] != want {
			t.Errorf("%d <%s> elements, want %d", count[name], name, want)
		}
	}

	for _, want := range []string{
		`content="default-src 'none'; style-src 'unsafe-inline'; img-src data:"`,
		`aria-label="Most weight lies on the &#34;diagonal&#34; &amp; beside it."`,
		`&lt;script&gt;alert(`, `unigram &lt;x&gt;`, `<th scope="col">model</th>`, `&gt;s1 perplexity=9`,
		`prefers-color-scheme: dark`, `@media print`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("page lacks %s", want)
		}
	}
	// xmlns names are identifiers, not addresses that a browser opens.
	bare := regexp.MustCompile(`xmlns(:\w+)?="[^"]*"`).ReplaceAllString(page, "")
	if m := regexp.MustCompile(`https?://[^\s"<]*`).FindString(bare); m != "" {
		t.Errorf("page names the address %s", m)
	}
	order := []string{"What was asked", "Data and results", "<h2>Figures", "Examples", "Limits", "How to repeat", "Versions"}
	last := -1
	for _, h := range order {
		at := strings.Index(page, h)
		if at <= last {
			t.Errorf("section %s is missing or out of order", h)
		}
		last = at
	}
}

func TestReportRefuses(t *testing.T) {
	ok := []byte(`<svg width="1"></svg>`)
	for name, r := range map[string]Report{
		"no finding":   {Figures: []Fig{{SVG: ok}}},
		"no svg":       {Figures: []Fig{{SVG: []byte("<p>"), Finding: "x"}}},
		"script":       {Figures: []Fig{{SVG: []byte(`<svg><script>1</script></svg>`), Finding: "x"}}},
		"handler":      {Figures: []Fig{{SVG: []byte(`<svg onload="x()"></svg>`), Finding: "x"}}},
		"outside":      {Figures: []Fig{{SVG: []byte(`<svg><image xlink:href="http://x/y.png"/></svg>`), Finding: "x"}}},
		"other name":   {Figures: []Fig{{SVG: []byte(`<svg><image href=domain.example/x.png /></svg>`), Finding: "x"}}},
		"uneven table": {Sections: []Section{{Tables: []Table{{Header: []string{"a"}, Rows: [][]string{{"1", "2"}}}}}}},
		"too large":    {Limits: []string{strings.Repeat("x", maxReport)}},
	} {
		var b bytes.Buffer
		if err := r.Write(&b); err == nil || b.Len() > 0 {
			t.Errorf("%s: error %v after %d bytes, want an error before any byte", name, err, b.Len())
		}
	}
}
