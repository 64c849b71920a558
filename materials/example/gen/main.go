// Gen writes the PDF files of ../documents: go run ./materials/example/gen, from
// the top of the module. They use the fonts that every reader has, so there is
// nothing in them but text.
package main

import (
	"bytes"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
)

// paper is a page: a title over paragraphs in one or two columns.
type paper struct {
	name, title string
	columns     int
	paragraphs  []string
}

var papers = []paper{
	{"alloys.pdf", "Yield strength of an AlCoCrFeNi high-entropy alloy after cold rolling", 2, []string{
		"High-entropy alloys combine yield strength with ductility. Ingots of AlCoCrFeNi were made by arc melting and homogenized by annealing at 1200 °C for 24 h in argon.",
		"XRD shows a body-centred cubic phase with a = 2.88 Å. Electron backscatter diffraction gives a grain size of 95 µm. After cold rolling and annealing at 1000 °C, the grain size is 12 µm.",
		"In compression tests the yield strength is 1.38 GPa at room temperature and 0.61 GPa at 800 °C. The hardness is 5.1 GPa.",
		"TEM shows precipitates of NiAl, ca. 40 nm wide (see Fig. 2). Oxidation in air starts at 900 °C according to TGA. The density is 6.8 g cm–3.",
		"Such alloys may serve in turbine blades if coatings protect them. The fracture toughness of the ingots remains to be measured.",
	}},
	{"electrolytes.pdf", "Ionic conductivity of Na3Zr2Si2PO12 ceramics for solid-state batteries", 1, []string{
		"Na3Zr2Si2PO12 is an electrolyte for solid-state batteries and sodium-ion batteries. Powders were made by a solid-state reaction, and dense ceramics by spark plasma sintering at 1150 °C.",
		"Rietveld refinement of XRD data shows the monoclinic phase with traces of ZrO2. SEM finds a grain size of 0.8–2.1 µm and a relative density of 98%.",
		"Electrochemical impedance spectroscopy gives an ionic conductivity of 1.1 mS cm–1 at 25 °C and an activation energy of 0.31 eV. With Sc, Na3.4Zr1.6Sc0.4Si2PO12 reaches 2.4 mS cm–1. La0.8Sr0.2MnO3–δ does not react with it below 900 °C.",
	}},
}

func main() {
	for _, p := range papers {
		if err := os.WriteFile(filepath.Join("materials", "example", "documents", p.name), p.pdf(), 0o644); err != nil {
			log.Fatal(err)
		}
	}
}

// widths of Helvetica in thousandths of its size, from blank to tilde (Adobe's
// font metrics); other characters count as 556.
var widths = [...]int{
	278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556, 556, 556, 556,
	278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667,
	611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833,
	556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
}

func width(s string, size float64) float64 {
	n := 0
	for _, r := range s {
		if r >= ' ' && int(r-' ') < len(widths) {
			n += widths[r-' ']
		} else {
			n += 556
		}
	}
	return float64(n) * size / 1000
}

// A page of A4, in points.
const (
	pageWidth, pageHeight = 595.0, 842.0
	margin, gutter        = 57.0, 18.0
)

func (p paper) pdf() []byte {
	var page bytes.Buffer
	y := pageHeight - margin
	column := (pageWidth - 2*margin - gutter*float64(p.columns-1)) / float64(p.columns)
	for _, line := range wrap(p.title, pageWidth-2*margin, 15) {
		show(&page, "/F2", 15, margin, y, line)
		y -= 19
	}
	var lines []string
	for _, text := range p.paragraphs {
		lines = append(lines, wrap(text, column, 10)...)
		lines = append(lines, "")
	}
	each := (len(lines) + p.columns - 1) / p.columns
	for i, line := range lines {
		x := margin + float64(i/each)*(column+gutter)
		show(&page, "/F1", 10, x, y-12-float64(i%each)*13, line)
	}
	return file(page.Bytes())
}

func wrap(text string, room, size float64) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && width(line+" "+word, size) > room {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	return append(lines, line)
}

// show writes a line; δ is in the font of symbols.
func show(b *bytes.Buffer, font string, size, x, y float64, line string) {
	if line == "" {
		return
	}
	fmt.Fprintf(b, "BT 1 0 0 1 %.1f %.1f Tm", x, y)
	for i, part := range strings.Split(line, "δ") {
		if i > 0 {
			fmt.Fprintf(b, " /F3 %.0f Tf (d) Tj", size)
		}
		fmt.Fprintf(b, " %s %.0f Tf (%s) Tj", font, size, encode(part))
	}
	b.WriteString(" ET\n")
}

// encode writes a string in WinAnsiEncoding.
func encode(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '(' || r == ')' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '–':
			b.WriteString(`\226`)
		case r < 0x80:
			b.WriteRune(r)
		case r >= 0xa0 && r <= 0xff:
			fmt.Fprintf(&b, `\%03o`, r)
		default:
			log.Fatalf("%q is not in the encoding", r)
		}
	}
	return b.String()
}

// file is a document of one page (ISO 32000-1, 7.5).
func file(page []byte) []byte {
	font := func(name, more string) string {
		return "<< /Type /Font /Subtype /Type1 /BaseFont /" + name + more + " >>"
	}
	const ansi = " /Encoding /WinAnsiEncoding"
	objects := []string{
		"<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		fmt.Sprintf("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %.0f %.0f] /Contents 4 0 R /Resources << /Font << /F1 5 0 R /F2 6 0 R /F3 7 0 R >> >> >>", pageWidth, pageHeight),
		fmt.Sprintf("<< /Length %d >>\nstream\n%sendstream", len(page), page),
		font("Helvetica", ansi), font("Helvetica-Bold", ansi), font("Symbol", ""),
	}
	var b bytes.Buffer
	b.WriteString("%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
	at := make([]int, len(objects))
	for i, o := range objects {
		at[i] = b.Len()
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, n := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", n)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, start)
	return b.Bytes()
}
